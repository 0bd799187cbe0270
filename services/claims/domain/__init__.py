"""The rules of road user charges refunds as values and functions: no I/O, no clock, no randomness (docs/rules.md)."""
