"""Routes of claims: preview to payment, the form, exports."""
