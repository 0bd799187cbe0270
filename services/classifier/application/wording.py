"""Lengths, times and ways in words."""

import math
from datetime import datetime

from services.classifier.application.nearby import UNNAMED, WayFacts
from shared.nz_days import nz_time


def km(mm: int) -> str:
    """E.g. "1.052 km", "217 m", "4.9 m"."""
    if mm >= 1_000_000:
        return f"{mm / 1e6:.3f} km"
    return f"{mm / 1e3:.0f} m" if mm >= 10_000 else f"{mm / 1e3:.1f} m"


def metres(value: float) -> str:
    """Rounded down, as a bound must be."""
    return f"{math.floor(value):,} m"


def times(value: float) -> str:
    """A factor, rounded down: "1.2 times", "36 times"."""
    return f"{math.floor(value * 10) / 10:.1f} times" if value < 10 else f"{math.floor(value):,} times"


def odds(nats: float, greatest: int = 1_000_000) -> str:
    """How much less likely: e to the power of `nats`, rounded down to one digit."""
    value = math.exp(min(nats, 50.0))
    if value >= greatest:
        return "a million times"
    digit = 10 ** int(math.log10(value)) if value >= 1 else 1
    return f"{value:.1f} times" if value < 10 else f"{math.floor(value / digit) * digit:,} times"


def minutes(ms: int) -> str:
    """E.g. "7 min 50 s"."""
    seconds = round(ms / 1_000)
    return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"


def day(when: datetime) -> str:
    """E.g. "Monday 2 March 2026"."""
    return f"{when:%A} {when.day} {when:%B %Y}"


def clock(ms: int) -> str:
    """The time of day in Auckland."""
    return f"{nz_time(ms):%H:%M:%S}"


def way(one: WayFacts) -> str:
    """E.g. "Ridge Track (private way: highway=track; way 2 of farm.osm, 2026-01-01)"; one without a name by its kind."""
    dated = f", {one.source_date}" if one.source_date else ""
    origin = f"{one.rule}; way {abs(one.id)} of {one.source}{dated}"
    if one.name == UNNAMED:
        article = "an" if one.taken_as[0] in "aeiou" else "a"
        return f"{article} {one.taken_as} without a name ({origin})"
    return f"{one.name} ({one.taken_as}: {origin})"
