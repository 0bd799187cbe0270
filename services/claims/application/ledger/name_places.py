"""Ask the classifier where settled days' off-road metres lie, in words (rule DI6).  Nothing waits for it: what has no name yet
is told as such."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from services.claims.application.peers import PeerUnavailable, Places
from services.claims.domain.statement.places import off_road_of, sum_up
from services.claims.repo import places
from services.claims.repo.places import BEFORE_ALL, DueDay, Key
from shared.contracts.places import DaySpans, Place, PlacesAsked, Span
from shared.db.pool import Pool, tx

DAYS_PER_CALL: Final = 50
SPANS_PER_CALL: Final = 5_000
"""Half a megabyte of JSON; days beyond it wait for the next call."""
LEASE: Final = timedelta(seconds=60)
"""Longer than the client's own limit for one call."""
SWEEP_DAYS: Final = 2_000


class PlaceNamer:
    """Names follow the ledger within a minute, and what was there before them is walked once: nothing waits for names."""

    def __init__(self, pool: Pool, classifier: Places) -> None:
        self._pool = pool
        self._classifier = classifier
        self._after: Key | None = BEFORE_ALL

    async def next(self) -> bool:
        """Some of both; False where nothing is left."""
        if self._after is not None:
            self._after = await sweep_next(self._pool, self._after)
        return await name_next(self._pool, self._classifier) or self._after is not None


async def name_next(pool: Pool, classifier: Places) -> bool:
    """Name some due days of one tenant; False where none is due.  `pool` is the worker's.  Raises PeerUnavailable: what was
    taken is due again when its lease ends."""
    async with tx(pool) as conn:
        taken = await places.take(conn, DAYS_PER_CALL, LEASE)
    if taken is None:
        return False
    tenant, due = taken
    some = _within(due)
    asked = [one for one in some if off_road_of(one.segments)]
    told = await _ask(tenant, asked, classifier) if asked else {}
    named = [sum_up(one.segments, told.get((one.device, one.day), ())) for one in some]
    async with tx(pool) as conn:
        await places.put(conn, tenant, some, named)
        await places.ask(conn, [(tenant, one.device, one.day) for one in due[len(some) :]])
    return True


async def sweep_next(pool: Pool, after: Key) -> Key | None:
    """Walk the ledger once for days that were never named; where to go on, None at its end."""
    async with tx(pool) as conn:
        return await places.sweep(conn, after, SWEEP_DAYS)


def _within(due: list[DueDay]) -> list[DueDay]:
    """The first of them, at least one, with no more spans than one call takes."""
    spans = 0
    for number, one in enumerate(due):
        spans += len(off_road_of(one.segments))
        if number and spans > SPANS_PER_CALL:
            return due[:number]
    return due


async def _ask(tenant: UUID, days: list[DueDay], classifier: Places) -> dict[tuple[str, int], tuple[Place, ...]]:
    asked = PlacesAsked(
        str(tenant),
        tuple(
            DaySpans(
                one.device,
                one.day,
                one.road_set,
                tuple(
                    Span(s.start_ms, s.end_ms, s.start_lat_e6, s.start_lng_e6, s.end_lat_e6, s.end_lng_e6)
                    for s in off_road_of(one.segments)[:SPANS_PER_CALL]
                ),
            )
            for one in days
        ),
    )
    told = await classifier.places(asked)
    if [len(names) for names in told.days] != [len(one.spans) for one in asked.days]:
        raise PeerUnavailable("classifier named other places than it was asked for")
    found = {}
    for one, names in zip(days, told.days, strict=True):
        rest = off_road_of(one.segments)[SPANS_PER_CALL:]  # no device makes so many; each by its own start then
        far = tuple(Place("coordinates", f"{s.start_lat_e6 / 1e6:.2f}, {s.start_lng_e6 / 1e6:.2f}") for s in rest)
        found[one.device, one.day] = names + far
    return found
