"""The embedded stack's own OpenID provider: for a machine of one's own, never for the open network."""
