"""What the claims service does by itself, for ever: one loop a job, each with its rest and its beat."""

from collections.abc import Iterator
from typing import Final

from services.claims.application.audit.tell_holds import tell_next
from services.claims.application.peers import Classifier
from services.claims.application.privacy import erase_names, erase_vehicles, retention
from shared.clock import Clock
from shared.db.audit import PURGE_EVERY_S, PURGE_LOOP, PURGE_STALE_S
from shared.db.pool import Pool
from shared.observability.health import Health
from shared.rounds import Round, task
from shared.runtime import Task

RESTS: Final = {
    "policy": (2.0, 30.0),
    "holds": (30.0, 180.0),
    "places": (5.0, 180.0),
    "render": (0.5, 90.0),
    "refused rows": (60.0, 600.0),
    "house": (60.0, 3_600.0),
    "faulty data": (0.5, 300.0),
    "review": (0.5, 600.0),
    "alerts": (0.5, 600.0),
    "webhooks": (0.5, 120.0),
    PURGE_LOOP: (PURGE_EVERY_S, PURGE_STALE_S),
}
"""Loop → seconds between rounds that find nothing more to do, and after how many of silence it counts as hung."""
SETTLE_EVERY_MS: Final = 3_600_000


def loops(health: Health, rounds: dict[str, Round]) -> Iterator[Task]:
    """Raises KeyError for a loop whose rest is not listed."""
    for name, one in rounds.items():
        idle_s, stale_after_s = RESTS[name]
        yield task(name, one, health, stale_after_s=stale_after_s, idle_s=idle_s)


class HoldsTeller:
    """The classifier knows of every hold within a minute, or as soon as it is there again; until then it keeps everything.
    Then it is told what may be forgotten."""

    def __init__(self, pool: Pool, classifier: Classifier, clock: Clock) -> None:
        self._pool = pool
        self._classifier = classifier
        self._clock = clock
        self._settled_ms = 0

    async def next(self) -> bool:
        if self._clock() - self._settled_ms > SETTLE_EVERY_MS:
            await retention.settle_needed(self._pool)
            self._settled_ms = self._clock()
        if await tell_next(self._pool, self._classifier) or await retention.tell_next(self._pool, self._classifier):
            return True
        await self._classifier.holds_told()
        vehicles = await erase_vehicles.tell_next(self._pool, self._classifier)
        return await erase_names.tell_next(self._pool, self._classifier) or vehicles
