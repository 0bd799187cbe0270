"""Token buckets: how much of something a holder may take in a time.  Pure: the present is handed in."""

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

HOLDERS_MAX: Final = 100_000
"""Buckets remembered; the longest unused is dropped first and starts full again."""


@dataclass(slots=True)
class Allowance:
    """A bucket for each holder: `per_s` come in every second, at most `burst` are kept."""

    per_s: float
    burst: float
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def _level(self, holder: str, now_s: float) -> float:
        level, since = self._buckets.get(holder, (self.burst, now_s))
        return min(self.burst, level + max(0.0, now_s - since) * self.per_s)

    def left(self, holder: str, now_s: float) -> int:
        """Whole units that may be taken now."""
        return max(0, int(self._level(holder, now_s)))

    def wait_s(self, holder: str, now_s: float) -> int:
        """0 when the holder may go on, else whole seconds until its debt is paid.

        What a request costs is only known once it is read, so it may overdraw; the next one then waits."""
        level = self._level(holder, now_s)
        return 0 if level > 0 else max(1, math.ceil(-level / self.per_s))

    def charge(self, holder: str, amount: int, now_s: float) -> None:
        """Take `amount`, into debt where the bucket holds less."""
        self._store(holder, self._level(holder, now_s) - amount, now_s)

    def take_up_to(self, holder: str, amount: int, now_s: float) -> int:
        """Take as much of `amount` as there is, and say how much that was."""
        level = self._level(holder, now_s)
        taken = min(amount, max(0, int(level)))
        self._store(holder, level - taken, now_s)
        return taken

    def _store(self, holder: str, level: float, now_s: float) -> None:
        self._buckets[holder] = (level, now_s)
        self._buckets.move_to_end(holder)
        while len(self._buckets) > HOLDERS_MAX:
            self._buckets.popitem(last=False)
