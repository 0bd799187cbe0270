"""Routes of the policy data."""
