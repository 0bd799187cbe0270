"""Routes of the other refunds (rules OT1 to OT4)."""
