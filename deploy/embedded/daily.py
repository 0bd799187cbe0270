"""What the stack itself does once a day while it runs."""

import threading
import time
from collections.abc import Callable
from typing import Final

from deploy.embedded.parts import Say

DAY_S: Final = 86_400.0
AGAIN_S: Final = 600.0
"""After a failure."""
LOOK_S: Final = 0.5
"""Waits are short, so that signals are heard everywhere."""


def daily(
    ended: threading.Event, act: Callable[[], None], say: Say, *, every_s: float = DAY_S, again_s: float = AGAIN_S
) -> None:
    """`act` at once and every day until `ended`.  What fails is said and tried again soon; it never ends the stack."""
    due = time.monotonic()
    while not ended.wait(min(LOOK_S, every_s)):
        if time.monotonic() < due:
            continue
        due = time.monotonic() + every_s
        try:
            act()
        except Exception as error:  # noqa: BLE001 - said, and tried again
            say(f"The daily work failed, and is tried again: {error!r}")
            due = time.monotonic() + again_s
