"""The other refunds: overlap, surrender, changed recorder, cancelled vehicle (rules OT1 to OT4)."""
