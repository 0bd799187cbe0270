"""Eligibility, what a claim must hold, its form, its life (rules EL, CL)."""
