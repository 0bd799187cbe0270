"""Lists by cursor."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Generic, Protocol, TypeVar
from uuid import UUID

from fastapi import Depends, Query

from services.claims.api.fields import Answer
from services.claims.repo.rows import Page
from shared.http.paging import LIMIT_MAX, Here, Listing

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


@dataclass(frozen=True, kw_only=True)
class ListPage(Page):
    """A page of the list that was asked for."""

    of: Listing


def _page(here: Here, limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100, cursor: str | None = None) -> ListPage:
    place = here.place_of(cursor)
    return ListPage(limit=limit, after_at=place.at, after_id=place.id, of=here)


Paged = Annotated[ListPage, Depends(_page)]


def listed(page: ListPage, rows: Sequence[R], answer: Callable[[R], A]) -> ListAnswer[A]:
    """No cursor on the last page, which is one that is not full."""
    cursor = page.of.cursor_of(rows[-1].created_at, rows[-1].id) if len(rows) == page.limit else None
    return ListAnswer(items=[answer(row) for row in rows], next_cursor=cursor)
