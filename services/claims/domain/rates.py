"""What a kilometre is worth (rules LI5, EL3; Act s 30(3), s 35(1)(e)).  Exact: integers and fractions, floored once to cents."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from services.claims.domain.licence import Licence
from services.claims.domain.recorder import Unit

RateKind = Literal["standard", "reduction", "special_vehicle", "assessment_only"]
Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRow:
    """One dated row of the rate table, as published, GST included."""

    from_on: date
    until_on: date | None
    """Last day, None: still."""
    ruc_type: str
    over_kg: int
    upto_kg: int | None
    """Weight band (over_kg, upto_kg]; None: no upper limit or not by weight."""
    cents_per_unit: int
    kind: RateKind
    confidence: Confidence
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRow:
    from_on: date
    until_on: date | None
    channel: str
    cents: int
    confidence: Confidence
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """cents / units of 1000 km, kept as the two integers so that nothing is rounded before the end."""

    cents: int
    units: int
    source: Literal["paid", "table"]
    note: str = ""

    @property
    def dollars_per_1000km(self) -> Decimal:
        """For showing only: four decimals, rounded down."""
        raise NotImplementedError


def rate_of(licence: Licence, unit: Unit, rates: Sequence[RateRow]) -> Rate | None:
    """Gross over units where both are known, else the table by type, weight and purchase date; None where neither
    says (rule LI5: unknown, never a guess).  Credit and fee play no part."""
    raise NotImplementedError


def estimate_cents(distance_km: int, rate: Rate | None) -> int | None:
    """Refund for whole kilometres, floored to a cent (the direction is nowhere stated; the smaller claim wins)."""
    raise NotImplementedError


def fee_cents(channel: str, on: date, fees: Sequence[FeeRow]) -> int | None:
    """What an administration fee was; it is never refunded.  None where unknown."""
    raise NotImplementedError
