"""Patrol: every 10 s, is each topic still the same one, how far behind are we, and does anything come at all?

aiokafka can hang after a broker's restart without an error and without a public sign, so a log that has more while nothing
arrives for 40 s raises `StreamUnavailable`: the process ends and starts anew."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from shared.observability.logging import get_logger
from shared.observability.metrics import LAG
from shared.stream.connection import StreamUnavailable
from shared.stream.identity import fault
from shared.stream.positions import TP, Position
from shared.stream.probe import Probe

EVERY_S: Final = 10.0
ROUND_S: Final = 3.0
STALLED_AFTER_S: Final = 40.0

log = get_logger(__name__)


class Patrol:
    """Remembers when each partition last gave something, or had nothing to give."""

    def __init__(self, group: str, probe: Probe, now: Callable[[], float] = time.monotonic) -> None:
        self._group = group
        self._probe = probe
        self._now = now
        self._done = now()
        self._progress: dict[TP, float] = {}
        self.trouble: str | None = None
        """Why the last round had no answer, or None."""

    def arrived(self, partitions: Iterable[TP], *, full: bool = False) -> None:
        """Records came from these, or they start now.  A full batch says nothing against those that are absent from it."""
        self._progress |= dict.fromkeys([*partitions, *(self._progress if full else ())], self._now())

    async def round(self, positions: Mapping[TP, Position]) -> set[TP]:
        """When due: partitions that seem not to be the log we read any more, to be verified again.

        Raises StreamUnavailable for a stalled one; brokers that can't be asked are only logged."""
        now = self._now()
        if not positions or now - self._done < EVERY_S:
            return set()
        self._done = now
        try:
            async with asyncio.timeout(ROUND_S):
                states = await self._probe.states(positions)
        except (StreamUnavailable, TimeoutError) as error:
            self.trouble = f"Kafka does not answer: {error}"
            log.warning("patrol failed", group=self._group, error=repr(error))
            return set()
        self.trouble = None
        faults = {tp for tp, position in positions.items() if fault(position, states[tp])}
        for tp, position in positions.items():
            if tp not in faults:
                self._judge(tp, states[tp].end - position.next_offset, now)
        return faults

    def _judge(self, tp: TP, lag: int, now: float) -> None:
        LAG.labels(tp[0], str(tp[1])).set(lag)
        if lag <= 0:
            self._progress[tp] = now
        elif now - self._progress.setdefault(tp, now) > STALLED_AFTER_S:
            raise StreamUnavailable(f"{tp[0]}/{tp[1]}: {lag} records wait and none came for {STALLED_AFTER_S:.0f} s")
