"""Vehicles, what ends their licences, device assignments and couplings (rules VE1, VE4, VE5, LI2, EL5)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from services.claims.domain.instants import to_ms

PLATE: Final = re.compile(r"^[A-Z0-9]{1,6}$")
HEAVY_OVER_KG: Final = 3_500
"""Act s 5: a heavy vehicle weighs more than 3.5 t."""

EndingKind = Literal["sold", "deregistered", "exempt"]


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
    """Something that ends every licence of the vehicle: sold, registration cancelled, or exempt (section 40 or other)."""

    kind: EndingKind
    at: datetime
    recorder_id: UUID | None = None
    reading: int | None = None
    """Displayed value of that recorder at that instant, in its units (sale or MR15 reading)."""


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

    @property
    def heavy(self) -> bool:
        """Unknown weight counts as heavy for a trailer (only trailers over 3.5 t are RUC vehicles), light else."""
        return self.gross_kg > HEAVY_OVER_KG if self.gross_kg is not None else not self.powered


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


@dataclass(frozen=True, slots=True)
class _Window:
    from_ms: int
    until_ms: int
    label: str


def device_spans(
    vehicle_id: UUID, from_ms: int, until_ms: int, assignments: Sequence[Assignment], couplings: Sequence[Coupling]
) -> tuple[DeviceSpan, ...]:
    """The devices that speak for a vehicle inside [from_ms, until_ms): its own primary one, else while coupled the towing
    vehicle's (rules VE1, VE4).  Sorted, never overlapping; where two claim the same time neither counts, since nobody can
    say which is right.  `assignments` holds those of the vehicle and of every vehicle that towed it."""
    raise NotImplementedError
