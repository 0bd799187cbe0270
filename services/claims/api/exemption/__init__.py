"""Routes of exemptions (rules EX1 to EX5)."""
