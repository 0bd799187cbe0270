"""Our own dated policy files, read once: `load()` gives the Policy that the rules take as an argument."""

from services.claims.policy.files import load

__all__ = ["load"]
