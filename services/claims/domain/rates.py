"""What a kilometre is worth (rules LI5, EL3; Act s 30(3), s 35(1)(e)).  Exact integers, floored once to a cent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Final, Literal

from services.claims.domain.register.licence import Licence, units_of
from services.claims.domain.register.recorder import Unit

RateKind = Literal["standard", "reduction", "special_vehicle", "assessment_only"]
Confidence = Literal["high", "medium", "low"]
KM_PER_UNIT: Final = 1_000
"""A rate is per 1000 km (Act s 85), on a mile recorder too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRow:
    """One dated row of the rate table, as published, GST included."""

    from_on: date
    until_on: date | None
    """Last day, None: still."""
    ruc_type: str
    over_kg: int
    upto_kg: int | None
    """Weight band (over_kg, upto_kg]; None: not by weight."""
    cents_per_unit: int
    kind: RateKind
    confidence: Confidence
    source: str

    @property
    def prices(self) -> bool:
        """Rule LI5: assessment rates price nothing; nor does a value that only a weak source gives."""
        return self.kind != "assessment_only" and self.confidence != "low"

    def holds(self, ruc_type: str, gross_kg: int | None, on: date) -> bool:
        if self.ruc_type != ruc_type or on < self.from_on or (self.until_on is not None and on > self.until_on):
            return False
        if self.upto_kg is None:
            return True
        return gross_kg is not None and self.over_kg < gross_kg <= self.upto_kg

    @property
    def rate(self) -> "Rate":
        return Rate(cents=self.cents_per_unit, units=1, source="table", note=f"{self.confidence}: {self.source}")


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
    """cents for `units` of 1000 km, kept as the two integers so that nothing is rounded before the end."""

    cents: int
    units: int
    source: Literal["paid", "table"]
    note: str = ""

    @property
    def dollars_per_1000km(self) -> Decimal:
        """For showing only: to a cent where it is exact, else four decimals rounded down."""
        exact = Decimal(self.cents) / Decimal(self.units * 100)
        places = Decimal("0.01") if self.cents % self.units == 0 else Decimal("0.0001")
        return exact.quantize(places, rounding=ROUND_DOWN)


def rate_of(licence: Licence, unit: Unit, rates: Sequence[RateRow]) -> Rate | None:
    """Gross over units where both are known, else the table by type, weight and purchase date; None where neither
    says (rule LI5: unknown, never a guess).  Credit and fee play no part: the one does not lower the rate, the other is
    never refunded."""
    units = units_of(licence, unit)
    if licence.gross_cents is not None and units:
        return Rate(cents=licence.gross_cents, units=units, source="paid")
    row = table_row(licence.ruc_type, licence.gross_kg, licence.purchased_on, rates)
    return None if row is None else row.rate


def table_row(ruc_type: str | None, gross_kg: int | None, on: date, rates: Sequence[RateRow]) -> RateRow | None:
    """What the rate table says of a purchase on a day; None where it says nothing, or two things."""
    if ruc_type is None:
        return None
    rows = [row for row in rates if row.prices and row.holds(ruc_type, gross_kg, on)]
    return rows[0] if len({row.cents_per_unit for row in rows}) == 1 else None


def estimate_cents(distance_km: int, rate: Rate | None) -> int | None:
    """Refund for whole kilometres: km x cents / (units x 1000), floored to a cent (the direction is nowhere stated; the
    smaller claim wins).  None without a rate."""
    if rate is None:
        return None
    return distance_km * rate.cents // (rate.units * KM_PER_UNIT)


def fee_cents(channel: str, on: date, fees: Sequence[FeeRow]) -> int | None:
    """What an administration fee was; it is never refunded.  None where unknown."""
    for row in fees:
        if row.channel == channel and row.from_on <= on and (row.until_on is None or on <= row.until_on):
            return row.cents
    return None
