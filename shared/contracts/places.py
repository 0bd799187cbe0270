"""What claims asks the classifier about places, and what it hears (JSON over HTTP, internal token; rule DI6)."""

from typing import Literal

import msgspec

PlaceKind = Literal["land", "road", "coordinates"]
"""Declared land by its name; the nearest road that has one; a position to two decimals, about a kilometre."""


class Span(msgspec.Struct, frozen=True, array_like=True):
    """A segment's time and ends, as its device-day has them."""

    start_ms: int
    end_ms: int
    start_lat_e6: int
    start_lng_e6: int
    end_lat_e6: int
    end_lng_e6: int


class DaySpans(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    device: str
    day: int
    """NZ day, days since 1970-01-01."""
    road_set: str
    """That judged the day: its roads are the ones that are named."""
    spans: tuple[Span, ...]


class PlacesAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Device-days of one tenant."""

    tenant: str
    days: tuple[DaySpans, ...]


class Place(msgspec.Struct, frozen=True, array_like=True):
    kind: PlaceKind
    name: str


class PlacesTold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For each day asked, in its order, a place for each of its spans."""

    days: tuple[tuple[Place, ...], ...]
