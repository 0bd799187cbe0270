"""How much work that can wait is done beside live fixes in one round: backfill in rows, reprocessing in device-days.

A round is one kernel call and one transaction, so live fixes that come meanwhile wait for its end.  The size of a bite
follows from how long the last one took: halved above TARGET_S, doubled below half of it."""

from typing import Final

TARGET_S: Final = 1.0


class Bite:
    """A size between `least` and `most`.  It says how much a round takes, never what: order decides nothing (design G2)."""

    def __init__(self, least: int, most: int) -> None:
        self._least = least
        self._most = most
        self.size = least

    def took(self, amount: int, seconds: float) -> None:
        """A round with `amount` of it took so long; one without any says nothing."""
        if amount and seconds > TARGET_S:
            self.size = max(self._least, self.size // 2)
        elif amount >= self.size and seconds < TARGET_S / 2:
            self.size = min(self._most, self.size * 2)
