"""What would change if device-days said something else: per surface in millimetres, per licence in kilometres and cents.

Pure.  A licence's money is its whole kilometres (rule DI7) at the rate paid (rule LI5); a rate that is not known prices
nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from services.claims.domain.rates import KM_PER_UNIT, Rate
from services.claims.domain.register.recorder import MM_PER_KM
from services.claims.domain.statement.statement_parts import Statement
from shared.contracts.device_day import DeviceDay, Surface

SURFACES: Final[tuple[Surface, ...]] = ("public_road", "off_road", "unknown", "carried")


class DayDifference(NamedTuple):
    """A device-day whose figures differ.  Unclosed GPS millimetres by surface, as in SURFACES."""

    device: str
    day: int
    before_mm: tuple[int, ...] | None
    """None: the ledger has no such day."""
    after_mm: tuple[int, ...]

    def mm(self, surface: Surface) -> int:
        """After less before."""
        at = SURFACES.index(surface)
        return self.after_mm[at] - (self.before_mm[at] if self.before_mm is not None else 0)


def surfaces_mm(day: DeviceDay) -> tuple[int, ...]:
    """Unclosed GPS millimetres, as in SURFACES."""
    return tuple(sum(total.mm for total in day.totals if total.surface == surface) for surface in SURFACES)


def compare_days(before: DeviceDay | None, after: DeviceDay) -> DayDifference | None:
    """None where they say the same figures, whatever they name as their grounds."""
    if before is not None and _figures(before) == _figures(after):
        return None
    old = None if before is None else surfaces_mm(before)
    return DayDifference(after.device, after.day, old, surfaces_mm(after))


def _figures(day: DeviceDay) -> tuple[object, ...]:
    """All of a day that a statement's metres can depend on."""
    segments = tuple(
        (s.start_ms, s.end_ms, s.surface, s.basis, s.kind, s.in_stretch, s.mm)
        for s in (day.segments if day.settled else ())
    )
    return day.totals, segments, day.first_reading, day.last_reading, day.readings, day.display_unit_mm


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one licence, closed."""

    public_mm: int
    off_road_mm: int
    unknown_mm: int
    claimable_km: int
    estimate_cents: int | None

    @classmethod
    def of(cls, statement: Statement, estimate_cents: int | None) -> "Figures":
        totals = statement.totals
        return cls(
            public_mm=totals.public_mm,
            off_road_mm=totals.off_road_mm,
            unknown_mm=totals.unknown_mm,
            claimable_km=statement.claimable_km,
            estimate_cents=estimate_cents,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceDifference:
    """What a licence would come to."""

    licence_id: UUID
    number: str
    plate: str
    state: str
    claimed_as: str
    """The claim, or the reference outside, that has it already: "" where nothing has.  Its figures stay as lodged."""
    rate: Rate | None
    before: Figures | None
    """None: it cannot be worked out; so with `after`."""
    after: Figures | None

    @property
    def off_road_mm(self) -> int | None:
        """After less before, like all of these; None where one of both cannot be worked out."""
        return None if self.before is None or self.after is None else self.after.off_road_mm - self.before.off_road_mm

    @property
    def claimable_km(self) -> int | None:
        return None if self.before is None or self.after is None else self.after.claimable_km - self.before.claimable_km

    @property
    def cents(self) -> int | None:
        """Of whole kilometres; None also without a rate."""
        before, after = self.before, self.after
        if before is None or after is None or after.estimate_cents is None or before.estimate_cents is None:
            return None
        return after.estimate_cents - before.estimate_cents

    @property
    def metre_cents(self) -> int | None:
        """Of the metres themselves, without the floor to whole kilometres; None also without a rate."""
        if self.rate is None or self.before is None or self.after is None:
            return None
        return _worth(self.after.off_road_mm, self.rate) - _worth(self.before.off_road_mm, self.rate)


def _worth(mm: int, rate: Rate) -> int:
    return mm * rate.cents // (rate.units * KM_PER_UNIT * MM_PER_KM)


def sum_known(figures: Iterable[int | None]) -> int | None:
    """None as soon as one is not known."""
    found = list(figures)
    return None if None in found else sum(one for one in found if one is not None)


def total_mm(days: Sequence[DayDifference]) -> dict[Surface, int]:
    """After less before over all days."""
    return {surface: sum(day.mm(surface) for day in days) for surface in SURFACES}
