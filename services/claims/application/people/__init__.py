"""People, their roles, and how they sign in (rule PA2)."""
