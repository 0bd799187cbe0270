"""Routes of retention, erasure, and cases for operators (rules RE, LI4)."""
