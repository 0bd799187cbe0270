"""Vehicles, what ends their licences, device assignments and couplings (rules VE1, VE4, VE5, LI2, EL5)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final, Literal, NamedTuple
from uuid import UUID

from services.claims.domain.instants import to_ms

PLATE: Final = re.compile(r"^[A-Z0-9]{1,6}$")
HEAVY_OVER_KG: Final = 3_500
"""Act s 5: a heavy vehicle weighs more than 3.5 t."""

EndingKind = Literal["sold", "deregistered", "exempt", "surrendered"]


class InvalidPlate(ValueError):
    """Not 1-6 letters and digits."""


def normalise_plate(text: str) -> str:
    """Upper case without spaces and hyphens.  Raises InvalidPlate; no stricter pattern holds (facts.md section 6)."""
    plate = re.sub(r"[\s-]", "", text).upper()
    if not PLATE.match(plate):
        raise InvalidPlate(f"{text!r} is not a plate: 1 to 6 letters and digits")
    return plate


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Something that ends every licence of the vehicle: sold, registration cancelled, or exempt (section 40 or else); or one
    licence: surrendered."""

    kind: EndingKind
    at: datetime
    recorder_id: UUID | None = None
    reading: int | None = None
    """Displayed value of that recorder at that instant, in its units (sale or MR15 reading)."""
    until: datetime | None = None
    """When the exemption was over; None: it is not, and the other endings never are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    id: UUID
    ruc_type: str | None = None
    gross_kg: int | None = None
    powered: bool = True
    """False: a trailer (rule VE1)."""
    exempt: bool = False
    """Rule VE5: exempt from the start, buys no licence."""
    exempt_reason: str = ""
    endings: tuple[Ending, ...] = ()

    def heavy(self, paper_kg: int | None) -> bool:
        """By the greater of its own weight and the one that a licence was bought for.  Where neither is known it counts as
        heavy, which claims less: no type stands for light vehicles alone.  So does a trailer whose own is not known, since
        only those over 3.5 t are RUC vehicles."""
        known = [kg for kg in (self.gross_kg, paper_kg) if kg is not None]
        return max(known, default=HEAVY_OVER_KG + 1) > HEAVY_OVER_KG or (self.gross_kg is None and not self.powered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Device on a vehicle in [from_at, until_at).  Only primary ones count (rule VE4)."""

    device: str
    vehicle_id: UUID
    from_at: datetime
    until_at: datetime | None = None
    primary: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupling:
    """Trailer behind a towing vehicle in [from_at, until_at)."""

    trailer_id: UUID
    towing_id: UUID
    from_at: datetime
    until_at: datetime | None = None


@dataclass(frozen=True, slots=True, order=True)
class DeviceSpan:
    """Whose device-days tell where the vehicle was in [from_ms, until_ms)."""

    from_ms: int
    until_ms: int
    device: str
    towed: bool = False
    """The device of the towing vehicle (rule VE1)."""


_DISPUTED: Final = "\0"


class _Held(NamedTuple):
    """`value` (a device, or a towing vehicle) holds in [from_ms, until_ms)."""

    from_ms: int
    until_ms: int
    value: str


def _clipped(items: Iterable[tuple[str, datetime, datetime | None]], from_ms: int, until_ms: int) -> list[_Held]:
    held = []
    for value, begin, end in items:
        start = max(from_ms, to_ms(begin))
        stop = until_ms if end is None else min(until_ms, to_ms(end))
        if start < stop:
            held.append(_Held(start, stop, value))
    return held


def _undisputed(held: Sequence[_Held], from_ms: int, until_ms: int) -> list[_Held]:
    """Elementary stretches of [from_ms, until_ms) with the one value that holds there; "" where none or several do."""
    edges = sorted({from_ms, until_ms, *(edge for one in held for edge in one[:2])})
    found = []
    for start, stop in pairwise(edges):
        values = {one.value for one in held if one.from_ms <= start and stop <= one.until_ms}
        found.append(_Held(start, stop, values.pop() if len(values) == 1 else "" if not values else _DISPUTED))
    return found


def device_spans(
    vehicle_id: UUID, from_ms: int, until_ms: int, assignments: Sequence[Assignment], couplings: Sequence[Coupling]
) -> tuple[DeviceSpan, ...]:
    """The devices that speak for a vehicle inside [from_ms, until_ms): its own primary one, else while coupled the
    towing vehicle's (rules VE1, VE4).  Sorted, never overlapping; where two claim the same time neither counts, since
    nobody can say which is right.  `assignments` holds those of the vehicle and of every vehicle that towed it."""
    if from_ms >= until_ms:
        return ()

    def own(of: UUID, start: int, stop: int) -> list[_Held]:
        mine = ((a.device, a.from_at, a.until_at) for a in assignments if a.vehicle_id == of and a.primary)
        return _undisputed(_clipped(mine, start, stop), start, stop)

    towing = {str(c.towing_id): c.towing_id for c in couplings if c.trailer_id == vehicle_id}
    behind = _clipped(
        ((str(c.towing_id), c.from_at, c.until_at) for c in couplings if c.trailer_id == vehicle_id), from_ms, until_ms
    )
    spans: list[DeviceSpan] = []
    for stretch in own(vehicle_id, from_ms, until_ms):
        if stretch.value not in {"", _DISPUTED}:
            spans.append(DeviceSpan(stretch.from_ms, stretch.until_ms, stretch.value))
        elif stretch.value == "":
            within = [
                _Held(max(c.from_ms, stretch.from_ms), min(c.until_ms, stretch.until_ms), c.value)
                for c in behind
                if c.from_ms < stretch.until_ms and stretch.from_ms < c.until_ms
            ]
            for coupled in _undisputed(within, stretch.from_ms, stretch.until_ms):
                if coupled.value in towing:
                    spans.extend(
                        DeviceSpan(one.from_ms, one.until_ms, one.value, towed=True)
                        for one in own(towing[coupled.value], coupled.from_ms, coupled.until_ms)
                        if one.value not in {"", _DISPUTED}
                    )
    return _joined(spans)


def _joined(spans: list[DeviceSpan]) -> tuple[DeviceSpan, ...]:
    """Neighbours of the same device as one, so that a day is not cut where nothing changes."""
    joined: list[DeviceSpan] = []
    for span in sorted(spans):
        last = joined[-1] if joined else None
        if last and last.until_ms == span.from_ms and (last.device, last.towed) == (span.device, span.towed):
            joined[-1] = DeviceSpan(last.from_ms, span.until_ms, span.device, span.towed)
        else:
            joined.append(span)
    return tuple(joined)
