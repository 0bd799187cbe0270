"""The other refunds (rules OT1 to OT5)."""
