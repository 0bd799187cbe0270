"""What people have said that the scheme must heed: declared land (rule SU7) and exclusions of faulty data or places.

Values only.  Polygons are WKB (Polygon or MultiPolygon, valid, oriented, 2D) whose coordinates are whole micro-degrees,
longitude first, so that the same ruling is the same bytes everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Literal

import msgspec

from shared.nz_days import bounds_ms

LandKind = Literal["owned", "leased", "licensed", "closed_works_site", "map_error", "other"]
LAST_DAY: Final = 1 << 30
"""`last_day` of land that is declared without an end."""
_ENCODER: Final = msgspec.msgpack.Encoder()


class Land(msgspec.Struct, frozen=True, array_like=True):
    """Land that a tenant declares (rule SU7), from `first_day` to `last_day` (NZ days, both included)."""

    id: str
    name: str
    kind: LandKind
    first_day: int
    last_day: int
    over_public: bool
    """Counts metres on a mapped public road inside it too: only with a written reason, always reported apart."""
    wkb: bytes


class Exclusion(msgspec.Struct, frozen=True, array_like=True):
    """Data or a place that must not count, from `from_ms` to `to_ms` (both included).

    Without a polygon the device's fixes in that time take no part at all.  With one, what would be off road inside the
    polygon is unknown; then `device` may be "" for every device of the tenant."""

    id: str
    device: str
    from_ms: int
    to_ms: int
    wkb: bytes


@dataclass(frozen=True, slots=True)
class Rulings:
    """All rulings in force of one tenant, each sequence by id."""

    lands: tuple[Land, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()

    def of_day(self, device: str, day: int, gap_ms: int) -> "Rulings":
        """Those that a device-day's revision can depend on: its day, and its context of `gap_ms` on both sides."""
        start, end = bounds_ms(day)
        return Rulings(
            tuple(one for one in self.lands if one.first_day <= day <= one.last_day),
            tuple(
                one
                for one in self.exclusions
                if one.device in {"", device} and one.from_ms <= end + gap_ms and one.to_ms >= start - gap_ms
            ),
        )

    @property
    def name(self) -> str:
        """What a device-day's `land` names: 16 hexadecimal digits over the content, "" where there is none."""
        if not self.lands and not self.exclusions:
            return ""
        return blake2b(_ENCODER.encode((self.lands, self.exclusions)), digest_size=8).hexdigest()


Book = Mapping[str, Rulings]
"""Rulings by tenant id; a tenant without any may be missing."""
NO_BOOK: Final[Book] = {}
