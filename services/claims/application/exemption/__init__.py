"""The section 40 exemption (rules EX1 to EX5)."""
