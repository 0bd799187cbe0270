"""Cursors of lists: opaque to the caller, the last row's place inside, and bound to the list that gave them."""

import base64
import binascii
import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Final, NamedTuple
from uuid import UUID

from fastapi import Depends, Request

from shared.http.problems import Problem

LIMIT_MAX: Final = 500
CURSOR_CHARS_MAX: Final = 720
"""A place of 512 bytes, tagged."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_TIME_BYTES: Final = 8
_TAG_BYTES: Final = 6
_NUMBER_MAX: Final = 2**63 - 1
"""Of a bigint."""


class Place(NamedTuple):
    """Where a list goes on: behind the row that was created then and has this id."""

    at: datetime
    id: UUID


START: Final = Place(_EPOCH, UUID(int=0))


class Listing:
    """The list that a request asks for, by its address: its cursors end in a tag of it, so that one of another list, or one
    that we did not make, is no place here.  A tag is no secret: a cursor opens nothing that its caller may not read, and what
    stands in one is checked as any other parameter."""

    def __init__(self, request: Request) -> None:
        self._address = str(request.scope["path"]).encode()

    def cursor(self, place: bytes) -> str:
        return base64.urlsafe_b64encode(place + self._tag(place)).rstrip(b"=").decode()

    def place(self, cursor: str) -> bytes:
        """Raises Problem 400 for a cursor that this list did not give."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _no_cursor() from None
        place, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(place)):
            raise _no_cursor()
        return place

    def cursor_of(self, at: datetime, row_id: UUID) -> str:
        micros = (at - _EPOCH) // _MICROSECOND
        return self.cursor(micros.to_bytes(_TIME_BYTES, "big") + row_id.bytes)

    def place_of(self, cursor: str | None) -> Place:
        """The start without a cursor.  Raises Problem 400 as `place`."""
        if cursor is None:
            return START
        raw = self.place(cursor)
        try:
            at = _EPOCH + int.from_bytes(raw[:_TIME_BYTES], "big") * _MICROSECOND
            return Place(at, UUID(bytes=raw[_TIME_BYTES:]))
        except (ValueError, OverflowError):
            raise _no_cursor() from None

    def text_of(self, cursor: str | None) -> str:
        """Of a list by names; empty without a cursor.  Raises Problem 400 as `place`."""
        try:
            text = "" if cursor is None else self.place(cursor).decode()
        except UnicodeDecodeError:
            raise _no_cursor() from None
        if "\0" in text:
            raise _no_cursor()
        return text

    def number_of(self, cursor: str | None) -> int | None:
        """Of a list by numbers.  Raises Problem 400 as `place`."""
        if cursor is None:
            return None
        number = int.from_bytes(self.place(cursor), "big")
        if number > _NUMBER_MAX:
            raise _no_cursor()
        return number

    def number(self, last: int) -> str:
        return self.cursor(last.to_bytes(_TIME_BYTES, "big"))

    def _tag(self, place: bytes) -> bytes:
        return sha256(self._address + b"\0" + place).digest()[:_TAG_BYTES]


Here = Annotated[Listing, Depends(Listing)]


def _no_cursor() -> Problem:
    return Problem(
        400, "cursor_invalid", "The cursor is none of this list",
        "Send `next_cursor` of the page before, unchanged, to the same address; leave it out to start anew.",
    )  # fmt: skip
