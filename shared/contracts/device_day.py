"""The device-day revision: the only fact about distance that passes from the classifier to claims (design section 2)."""

from hashlib import blake2b
from typing import Final, Literal

import msgspec

Surface = Literal["public_road", "off_road", "unknown", "carried", "uncovered"]
"""Rules SU1-SU8; `uncovered` (rule LI2) is only ever given by claims."""

Basis = Literal[
    "mapped_public",  # SU1 within the corridor of a publicly maintained way
    "private_road",  # SU3 mapped private, farm or forestry way
    "no_road",  # SU4 inside coverage and clear of every way
    "declared_land",  # SU7 a way of unknown maintainer, or like a road, on declared land
    "declared_over_public",  # SU7 over a public road, by kind and written reason: always reported apart, with a warning
    "odometer_bound",  # design 5.3: the odometer shows that the leg cannot have touched a public road
    "unknown_way",  # SU2 way of unknown maintainer
    "like_a_road",  # SU4 off every way but moves like on a road
    "ambiguous",  # SU6, or the tail / a boundary leg's uncertain part
    "outside_coverage",  # SU5
    "excluded",  # inside a place that an exclusion takes out
    "gap",  # nothing known between two fixes further apart than the gap limit
    "recorder_lack",  # DI1 G < D: what the recorder counted and no fix explains
    "scaling_rest",  # DI1 G > D: remainders of scaling (design G8)
    "carried",  # SU8
    "manual_log",  # LI8
    "no_licence",  # LI2
    "drift_band",  # DI3 within the drift of an interpolated boundary
    "boundary_cut",  # design 2: the cut off_road part of a segment across a boundary, floored
]
Kind = Literal["drive", "gap", "carried"]
"""DI1 sums G over `drive` only."""


# gc=False: values without cycles.  A statement of two years reads 20,000 of them: half its time was the garbage collector's.
class Reading(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A raw reading of the device's odometer."""

    ts_ms: int
    odometer_mm: int


class Total(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Unclosed GPS millimetres of one kind; `in_stretch`: between the day's first and last usable odometer reading."""

    surface: Surface
    basis: Basis
    kind: Kind
    in_stretch: bool
    mm: int


class Segment(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A stretch of one surface and basis.  Segments of a day are in order, do not overlap, and sum to its totals."""

    start_ms: int
    end_ms: int
    surface: Surface
    basis: Basis
    kind: Kind
    in_stretch: bool
    mm: int
    why: str
    """Paragraph of the scheme, and the way or place that decided, in words an auditor can follow."""
    start_lat_e6: int
    start_lng_e6: int
    end_lat_e6: int
    end_lng_e6: int


class DeviceDay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Cumulative for its NZ day; the reader keeps the row with the highest rev.  `segments` is empty until settled."""

    tenant: str
    device: str
    day: int
    """NZ day, days since 1970-01-01 (shared.nz_days)."""
    rev: int
    """restore epoch << 40 | version of the partition's position."""
    settled: bool
    totals: tuple[Total, ...]
    segments: tuple[Segment, ...] = ()
    first_reading: Reading | None = None
    last_reading: Reading | None = None
    display_unit_mm: int = 1
    """Resolution of the device's odometer, as its readings of the day show it."""
    readings: tuple[Reading, ...] = ()
    """At most one an hour, for mapping to a legal recorder (VE2); the first is `first_reading`, the last `last_reading`."""
    fixes: int = 0
    first_fix_ms: int = 0
    last_fix_ms: int = 0
    engine_on_ms: int = 0
    covered_ms: int = 0
    """EL6: of engine_on_ms, the part with a fix at least every 10 minutes, 4+ decimals and an odometer."""
    incidents: tuple[str, ...] = ()
    """DI4 and like events, in words."""
    road_set: str = ""
    land: str = ""
    scheme: int = 1


REV_VERSION_BITS: Final = 40


def make_rev(epoch: int, version: int) -> int:
    """rev = (restore epoch, version of the position) as one sortable integer."""
    return (epoch << REV_VERSION_BITS) | version


_ENCODER: Final = msgspec.msgpack.Encoder()


def hash_of(day: DeviceDay) -> bytes:
    """32 bytes over everything but `rev`: what a claim line stores to name a revision's content (design section 6)."""
    return blake2b(_ENCODER.encode(msgspec.structs.replace(day, rev=0)), digest_size=32).digest()


class Progress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Complete-through of one partition: the last tick its fold has passed, in ms (design section 4)."""

    partition: int
    tick_ms: int


class Hold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A reason why a device-day may still change; lodging waits for it (design section 4)."""

    tenant: str
    device: str
    day: int
    kind: Literal["dirty", "reprocess", "quarantine"]
    open: bool
    rev: int
