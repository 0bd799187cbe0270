"""Audit cases, the links of auditors and what they read (rule PA4)."""
