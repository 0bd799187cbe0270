"""What operators do for people's and tenants' rights: giving out, erasing (rule RE2)."""
