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
