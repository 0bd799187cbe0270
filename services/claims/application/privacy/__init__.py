"""Retention and holds, erasure, key rotation, cases for operators (rules RE1 to RE3, LI4)."""
