"""Lists by cursor: opaque to the caller, the last row's place inside."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Generic, Protocol, TypeVar
from uuid import UUID

from fastapi import Depends, Query

from services.claims.api.fields import Answer
from services.claims.repo.rows import Page
from shared.http.problems import Problem

LIMIT_MAX: Final = 500
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_TIME_BYTES: Final = 8

A = TypeVar("A", bound=Answer)


class ListAnswer(Answer, Generic[A]):
    items: list[A]
    next_cursor: str | None


class Placed(Protocol):
    """A row that has its place in a list."""

    @property
    def id(self) -> UUID: ...

    @property
    def created_at(self) -> datetime: ...


R = TypeVar("R", bound=Placed)


def cursor_of(at: datetime, row_id: UUID) -> str:
    micros = (at - _EPOCH) // _MICROSECOND
    return base64.urlsafe_b64encode(micros.to_bytes(_TIME_BYTES, "big") + row_id.bytes).rstrip(b"=").decode()


def _page(limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100, cursor: str | None = None) -> Page:
    if cursor is None:
        return Page(limit)
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        at = _EPOCH + int.from_bytes(raw[:_TIME_BYTES], "big") * _MICROSECOND
        return Page(limit, at, UUID(bytes=raw[_TIME_BYTES:]))
    except (binascii.Error, ValueError, OverflowError) as error:
        raise Problem(
            400,
            "cursor_invalid",
            "The cursor is no cursor of ours",
            "Send `next_cursor` of the page before, unchanged.",
        ) from error


Paged = Annotated[Page, Depends(_page)]


def listed(page: Page, rows: Sequence[R], answer: Callable[[R], A]) -> ListAnswer[A]:
    """No cursor on the last page, which is one that is not full."""
    cursor = cursor_of(rows[-1].created_at, rows[-1].id) if len(rows) == page.limit else None
    return ListAnswer(items=[answer(row) for row in rows], next_cursor=cursor)
