"""Complete-through (design section 4): which tick claims may hear of, and when.

A progress record must never overtake a revision that it vouches for, and the relay promises no order: so a tick is told
only once every outbox row of the transactions up to it has reached the topic."""

from collections.abc import Iterable, Mapping
from typing import Final

WAITING_MAX: Final = 32
"""Ticks a partition remembers while the topic is away; then the newest takes the place of the one before it."""


class Progress:
    """Ticks that wait, in memory only: after a restart the next tick comes within seconds."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[tuple[int, int]]] = {}
        self._passed: dict[int, int] = {}

    @property
    def waiting(self) -> bool:
        return bool(self._waiting)

    def forget(self, partitions: Iterable[int]) -> None:
        """Partitions that have another owner, or had one meanwhile."""
        for partition in partitions:
            self._waiting.pop(partition, None)
            self._passed.pop(partition, None)

    def passed(self, ticks: Mapping[int, int], last_id: int) -> None:
        """A transaction has passed these ticks; `last_id` is the newest outbox row that it can see."""
        for partition, tick in ticks.items():
            if tick > self._passed.get(partition, 0):
                self._passed[partition] = tick
                waiting = self._waiting.setdefault(partition, [])
                del waiting[WAITING_MAX - 1 :]
                waiting.append((tick, last_id))

    def tellable(self, first_unsent: Mapping[int, int]) -> dict[int, int]:
        """The newest tick of each partition whose rows have all been sent.  `first_unsent`: its oldest row that has not."""
        told: dict[int, int] = {}
        for partition, waiting in self._waiting.items():
            for tick, last_id in waiting:
                if partition not in first_unsent or last_id < first_unsent[partition]:
                    told[partition] = tick
        return told

    def told(self, ticks: Mapping[int, int]) -> None:
        """These are in the outbox now."""
        for partition, tick in ticks.items():
            later = [one for one in self._waiting.get(partition, ()) if one[0] > tick]
            if later:
                self._waiting[partition] = later
            else:
                self._waiting.pop(partition, None)
