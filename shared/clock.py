"""The only place that reads the wall clock or makes random identities; everything else is handed a `Clock`."""

import time
import uuid
from collections.abc import Callable

Clock = Callable[[], int]
"""Returns the present as milliseconds since 1970-01-01T00:00Z."""


def system_clock() -> int:
    """Milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


def new_id() -> uuid.UUID:
    """A fresh random identity (version 4)."""
    return uuid.uuid4()
