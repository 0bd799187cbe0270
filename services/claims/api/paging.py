"""Lists by cursor."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Generic, Protocol, TypeVar
from uuid import UUID

from fastapi import Depends, Query

from services.claims.api.fields import Answer
from services.claims.repo.rows import Page
from shared.http.paging import LIMIT_MAX, cursor_of, place_of

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


def _page(limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100, cursor: str | None = None) -> Page:
    place = place_of(cursor)
    return Page(limit, place.at, place.id)


Paged = Annotated[Page, Depends(_page)]


def listed(page: Page, rows: Sequence[R], answer: Callable[[R], A]) -> ListAnswer[A]:
    """No cursor on the last page, which is one that is not full."""
    cursor = cursor_of(rows[-1].created_at, rows[-1].id) if len(rows) == page.limit else None
    return ListAnswer(items=[answer(row) for row in rows], next_cursor=cursor)
