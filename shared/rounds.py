"""Background work in rounds, for ever.  One broken row or unexpected error ends no loop and hides in none; only a broken
invariant (Fatal) ends the process, and the restart reads the truth from Postgres (docs/architecture.md, "Failure classes")."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

from shared.errors import Fatal, Retryable
from shared.observability.health import Health
from shared.observability.logging import get_logger
from shared.observability.metrics import LOOP_FAILURES
from shared.runtime import Task

FIRST_PAUSE_S: Final = 0.5
PAUSE_S_MAX: Final = 60.0
_DOUBLINGS_MAX: Final = 10

T = TypeVar("T")
Round = Callable[[], Awaitable[bool]]
"""Does a part of the work; True where there is more to do at once."""

log = get_logger(__name__)


def pause_after(failures: int, stale_after_s: float) -> float:
    """0.5, 1, 2, 4 … 60 seconds; a loop that fails still comes round well before it counts as stale."""
    return min(FIRST_PAUSE_S * (1 << min(failures - 1, _DOUBLINGS_MAX)), PAUSE_S_MAX, stale_after_s / 3)


async def for_ever(name: str, one: Round, health: Health, *, stale_after_s: float, idle_s: float) -> None:
    """Round after round, until cancelled.  A dependency that is away is waited for: readiness shows it.  Anything else that
    breaks is logged with its traceback, counted, and tried again after a growing pause.  Raises Fatal."""
    failures = 0
    while True:
        busy = False
        try:
            busy = await one()
            failures = 0
        except Fatal:
            raise
        except Retryable as error:
            failures += 1
            log.warning("loop waits", loop=name, failures=failures, error=str(error))
        except Exception as error:
            failures += 1
            LOOP_FAILURES.labels(name).inc()
            log.exception("a round broke", loop=name, failures=failures, error=repr(error))
        health.beat(name, stale_after_s=stale_after_s)
        if failures:
            await asyncio.sleep(pause_after(failures, stale_after_s))
        elif not busy:
            await asyncio.sleep(idle_s)


def task(name: str, one: Round, health: Health, *, stale_after_s: float, idle_s: float) -> Task:
    """For `shared.runtime.serve`."""
    return name, lambda: for_ever(name, one, health, stale_after_s=stale_after_s, idle_s=idle_s)


async def each(name: str, items: Iterable[T], act: Callable[[T], Awaitable[object]]) -> None:
    """Inside a round: one after the other; one that breaks is left for another round, and the others have their turn.  Raises
    Retryable and Fatal."""
    for item in items:
        try:
            await act(item)
        except (Retryable, Fatal):
            raise
        except Exception as error:
            LOOP_FAILURES.labels(name).inc()
            log.exception("an item of a round broke", loop=name, item=str(item), error=repr(error))
