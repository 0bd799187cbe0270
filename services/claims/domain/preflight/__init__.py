"""A preflight that attacks a claim as an auditor would (rules EL, PA4)."""
