"""Cursors of lists: opaque to the caller, the last row's place inside."""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from shared.http.problems import Problem

LIMIT_MAX: Final = 500
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_TIME_BYTES: Final = 8


class Place(NamedTuple):
    """Where a list goes on: behind the row that was created then and has this id."""

    at: datetime
    id: UUID


START: Final = Place(_EPOCH, UUID(int=0))


def cursor_of(at: datetime, row_id: UUID) -> str:
    micros = (at - _EPOCH) // _MICROSECOND
    return base64.urlsafe_b64encode(micros.to_bytes(_TIME_BYTES, "big") + row_id.bytes).rstrip(b"=").decode()


def place_of(cursor: str | None) -> Place:
    """The start without a cursor.  Raises Problem 400 for one that we did not make."""
    if cursor is None:
        return START
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        at = _EPOCH + int.from_bytes(raw[:_TIME_BYTES], "big") * _MICROSECOND
        return Place(at, UUID(bytes=raw[_TIME_BYTES:]))
    except (binascii.Error, ValueError, OverflowError) as error:
        raise Problem(
            400,
            "cursor_invalid",
            "The cursor is no cursor of ours",
            "Send `next_cursor` of the page before, unchanged.",
        ) from error
