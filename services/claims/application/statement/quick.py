"""Where statements are worked out: what is soon done on the event loop itself, what takes longer in a thread.

A thread works on another core, away from what was just read, and while it works every other request waits for the
interpreter's lock at each of its steps: for one licence that cost a fifth of the time.  A fleet's would stop the loop."""

import asyncio
from collections.abc import Callable, Mapping, Sequence, Sized
from typing import Final, TypeVar

DAYS_MAX: Final = 1_000
"""Device-days; that many take about 20 ms."""

R = TypeVar("R")


async def worked_out(days: Sequence[Mapping[str, Sized]], work: Callable[..., R], *args: object) -> R:
    """What `work` makes of `args`; `days`: those that it looks at, by device."""
    few = sum(len(some) for one in days for some in one.values()) <= DAYS_MAX
    return work(*args) if few else await asyncio.to_thread(work, *args)
