"""Dated policy as values.  services.claims.policy reads its own files into this; rules take it as an argument."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.claims.domain.rates import FeeRow, RateRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    name: str
    """Hash of the policy files, first 16 hex: what a claim names (guarantee G5)."""
    rates: tuple[RateRow, ...]
    fees: tuple[FeeRow, ...]
    reason_codes: Mapping[int, str]
    rate_rises: tuple[date, ...]
    """Days on which heavy rates rose (rule LI3, s 86)."""
    minimum_claim_cents: int
    claim_years: int
    gps_above_recorder_percent: int
    unknown_percent: int
    late_window_hours: int
    send_email_working_days: int
    send_post_working_days: int
    form_rows: int
    form_template: str
    records_held_default: str
    agency_working_days: int
    """An application is decided within so many from receipt (rules CL6, OT2)."""
    surrender_years: int
    surrender_minimum_km: int
    overlap_months: int
    """Beyond so many months' worth a surrender may be better than an overlap (rule OT2)."""
    run_out_km: int
    """Warn when so much is left of a licence (rule LI6)."""
    run_out_soon_km: int
    usual_licences: int
    """So many earlier licences of the vehicle say what is usual (rule EL7)."""
    usual_licences_min: int
    usual_points: int
    """Percentage points above the median that need a look, at least."""
    usual_mads: int
    exemption_gross_kg: int
    exemption_reach_km: int
    exemption_working_days: int
    exemption_duty_working_days: int
    """"As soon as practicable", as a day (rule EX4)."""
