"""What is let in before a body is read: bounded bytes in flight, and enough free space on the disk."""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from shared.errors import Retryable

SPACE_LOOK_EVERY_MS: Final = 1_000


class NoRoom(Retryable):
    """Too many bytes are in flight: 503 before memory grows."""


class BytesInFlight:
    """Bodies between their first byte and their answer, together never above the limit, and one tenant's never above half of
    it: who sends slowly leaves room for others."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._of: Counter[str] = Counter()
        self.held = 0

    @contextmanager
    def hold(self, tenant: str, count: int) -> Iterator[None]:
        """Reserve `count` bytes.  Raises NoRoom."""
        if self.held + count > self._limit or self._of[tenant] + count > self._limit // 2:
            raise NoRoom(f"{self.held} of {self._limit} bytes are in flight, {self._of[tenant]} of them yours")
        self.held += count
        self._of[tenant] += count
        try:
            yield
        finally:
            self.held -= count
            self._of[tenant] -= count
            if not self._of[tenant]:
                del self._of[tenant]


class FreeSpace:
    """Free bytes where the log and the database live; looked at once a second at most."""

    def __init__(self, path: Path | None, bytes_min: int) -> None:
        self._path = path
        self._bytes_min = bytes_min
        self._looked_ms = -SPACE_LOOK_EVERY_MS
        self._shortage: str | None = None

    def shortage(self, now_ms: int) -> str | None:
        """Why nothing may be taken, or None."""
        if self._path is None or abs(now_ms - self._looked_ms) < SPACE_LOOK_EVERY_MS:
            return self._shortage
        self._looked_ms = now_ms
        try:
            free = shutil.disk_usage(self._path).free
        except OSError as error:
            self._shortage = f"free space of the data disk can't be read: {error.strerror}"
        else:
            enough = free >= self._bytes_min
            self._shortage = None if enough else f"{free} bytes are free, {self._bytes_min} are needed"
        return self._shortage
