"""How long a receiver asks to be left alone: `Retry-After` of RFC 9110, section 10.2.3.  Pure."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

PAUSING: Final = frozenset({429, 503})
"""Statuses that ask for less; of any other answer the header says nothing to us."""
PAUSE_MAX: Final = timedelta(hours=1)
"""A receiver that asks for more is asked again after this: one wrong header must not silence it for a day."""
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_HEADER_MAX: Final = 64


def pause_asked(status: int, retry_after: str | None, now: datetime) -> timedelta | None:
    """From `now` on, an hour at most; None where nothing (that can be read) is asked, or a time that has passed."""
    if status not in PAUSING or retry_after is None or len(retry_after) > _HEADER_MAX:
        return None
    asked = _read(retry_after.strip(), now)
    return None if asked is None or asked <= timedelta(0) else min(asked, PAUSE_MAX)


def _read(text: str, now: datetime) -> timedelta | None:
    if _SECONDS.fullmatch(text):
        return timedelta(seconds=int(text))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)) - now
