"""What the routes for auditors share: who asks, of which device and time, and how much is computed at once."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Final, ParamSpec, TypeVar

from fastapi import Depends, Query
from pydantic import AfterValidator

from services.classifier.application.day_reading import (
    Days,
    NotThere,
    RoadsMissing,
    Sources,
    TooManyFixes,
    as_named,
    read_days,
)
from services.classifier.application.paragraphs import TextMissing
from shared.contracts.pings import Key
from shared.db.pool import Pool, tenant_tx
from shared.http.auth import Principal
from shared.http.fields import printable
from shared.http.guards import require
from shared.http.problems import Problem, unavailable

SCOPE: Final = "tracks:read"
AT_ONCE: Final = 2
"""Answers computed at the same time, so that questions do not take the fold's processors away."""
P = ParamSpec("P")
R = TypeVar("R")

Reader = Annotated[Principal, Depends(require(SCOPE))]
Device = Annotated[str, Query(min_length=1, max_length=128, description="As it sends."), AfterValidator(printable)]


def ms_of(at: datetime) -> int:
    return round(at.timestamp() * 1_000)


class Desk:
    """Reads and computes for the routes; `pool` is the API role's."""

    def __init__(self, pool: Pool, sources: Sources) -> None:
        self._pool = pool
        self.sources = sources
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def days(self, who: Principal, device: str, first: int, last: int) -> Days:
        """A device's days, of the asking tenant only.  Raises Problem 422 where they are too many for one answer."""
        key: Key = (str(who.tenant_id), device)
        try:
            return await read_days(partial(tenant_tx, self._pool, who.tenant_id), self.sources, key, first, last)
        except TooManyFixes as error:
            raise Problem(
                422, "too_many_fixes", "One answer cannot hold so much", f"{error}: ask for less time."
            ) from error

    async def as_named(self, who: Principal, days: Days, day: int, name: str) -> Days:
        """The days by the rulings that a revision named.  Raises Problem 404."""
        transaction = partial(tenant_tx, self._pool, who.tenant_id)
        try:
            return await as_named(transaction, self.sources, days, day, name)
        except NotThere as error:
            raise _not_there(error) from error

    async def compute(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """In a thread, a few at once.  Raises Problem 503 where road data or the scheme's text are missing, 404."""
        async with self._turns:
            try:
                return await asyncio.to_thread(work, *args, **kwargs)
            except NotThere as error:
                raise _not_there(error) from error
            except (RoadsMissing, TextMissing) as error:
                raise unavailable(str(error)) from error


def _not_there(error: NotThere) -> Problem:
    return Problem(404, "not_found", "There is nothing of that name", f"{error}.")
