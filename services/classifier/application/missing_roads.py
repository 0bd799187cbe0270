"""Rule SU4's batch report over a tenant's evidence, or over a file of pings: visits gathered step by step, then the lines."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Final

import polars as pl

from services.classifier.application.nearby import DescribedRoads
from services.classifier.application.off_road_visits import COLUMNS, visits
from services.classifier.application.probable_roads import (
    POLICY,
    End,
    Policy,
    ProbableRoad,
    place_of,
    probable_roads,
    reason_of,
)
from services.classifier.application.reading import read_fixes
from services.classifier.application.windows import window_bounds_ms
from services.classifier.domain.device_day import compute_days
from services.classifier.domain.rulings import NO_BOOK, Book
from services.classifier.domain.scheme import Scheme
from services.classifier.repo import evidence, rulings
from services.classifier.repo.evidence import Stretch
from shared.contracts.pings import Key, Pings
from shared.db.pool import Connection
from shared.nz_days import bounds_ms, from_ordinal, nz_time

DEVICE_DAYS_PER_STEP: Final = 200
"""Read and computed together: at a fix a second 200 device-days are a few million fixes."""


async def in_evidence(
    transaction: Callable[[], AbstractAsyncContextManager[Connection]],
    tenant: str,
    days: tuple[int, int],
    roads: DescribedRoads,
    scheme: Scheme,
) -> list[ProbableRoad]:
    """Of one tenant on the NZ days days[0] to days[1].  `transaction` sees that tenant's evidence and rulings only."""
    async with transaction() as conn:
        book = await rulings.read_book(conn, [tenant])
        wanted = await evidence.device_days(conn, tenant, None, *days)
    parts = [pl.DataFrame(schema=COLUMNS)]
    for at in range(0, len(wanted), DEVICE_DAYS_PER_STEP):
        step: list[tuple[Key, int]] = [
            ((tenant, device), day) for device, day in wanted[at : at + DEVICE_DAYS_PER_STEP]
        ]
        fixes = await read_fixes(transaction, [_stretch(key, day, scheme.gap_limit_ms) for key, day in step])
        parts.append(await asyncio.to_thread(visits_of, fixes, step, roads, scheme, book))
    return await asyncio.to_thread(probable_roads, pl.concat(parts), roads, POLICY)


def in_pings(
    pings: Pings, roads: DescribedRoads, scheme: Scheme, book: Book = NO_BOOK, policy: Policy = POLICY
) -> list[ProbableRoad]:
    """Of all tenants of `pings`, each by itself."""
    return probable_roads(visits_of(pings, None, roads, scheme, book), roads, policy)


def visits_of(
    pings: Pings, wanted: Sequence[tuple[Key, int]] | None, roads: DescribedRoads, scheme: Scheme, book: Book
) -> pl.DataFrame:
    """What is excluded or declared already is no travel off every way, and is not found again."""
    computed, _ = compute_days(pings, wanted, roads.roads, scheme, book)
    return visits(computed, pings.keys)


def _stretch(key: Key, day: int, gap_ms: int) -> Stretch:
    return Stretch(key, day - 1, day + 1, *window_bounds_ms(day, gap_ms))


def as_json(one: ProbableRoad, policy: Policy = POLICY) -> dict[str, Any]:
    """`exclusion` is ready to be sent to POST /v1/exclusions: proposed, it changes nothing until a person confirms it."""
    return {
        "tenant": one.tenant,
        "sign": one.sign,
        "length_m": round(one.length_m),
        "ends": [_end(end, policy) for end in one.ends],
        "devices": list(one.devices),
        "days": [str(from_ordinal(day)) for day in one.days],
        "off_road_m": round(one.off_road_m),
        "like_a_road_m": round(one.like_a_road_m),
        "speed_kmh": {name: round(speed) for name, speed in zip(("p10", "median", "p90"), one.speed_kmh, strict=True)},
        "exclusion": exclusion_of(one),
    }


def _end(end: End, policy: Policy) -> dict[str, Any]:
    return {
        "lat": end.lat_e6 / 1e6,
        "lng": end.lng_e6 / 1e6,
        "place": place_of(end),
        "joins_a_public_road": end.road_m <= policy.joins_m,
    }


def exclusion_of(one: ProbableRoad) -> dict[str, Any]:
    """From the NZ day on which the line was first driven until it is lifted, for every device of the tenant."""
    return {
        "state": "proposed",
        "from_at": _instant(bounds_ms(one.days[0])[0]),
        "to_at": None,
        "polygon": one.line.polygon,
        "reason": reason_of(one),
    }


def _instant(ms: int) -> str:
    at: datetime = nz_time(ms)
    return at.isoformat()


def as_text(found: Sequence[ProbableRoad]) -> str:
    """For people: a paragraph a road."""
    if not found:
        return "no probable missing road found"
    return "\n".join(_paragraph(number, one) for number, one in enumerate(found, 1))


def _paragraph(number: int, one: ProbableRoad) -> str:
    low, median, high = one.speed_kmh
    first, last = (place_of(end) for end in one.ends)
    days = f"{from_ordinal(one.days[0])}"
    if len(one.days) > 1:
        days = f"{len(one.days)} days from {days} to {from_ordinal(one.days[-1])}"
    return (
        f"{number}. {one.length_m:,.0f} m from {first} to {last}\n"
        f"   {reason_of(one)}\n"
        f"   {one.off_road_m / 1000:,.1f} km counted as off road now, {one.like_a_road_m / 1000:,.1f} km unknown already; "
        f"{low:.0f} to {high:.0f} km/h, median {median:.0f}\n"
        f"   {', '.join(one.devices)} on {days}"
    )
