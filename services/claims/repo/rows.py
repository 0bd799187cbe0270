"""From records to typed rows, and the cursor that lists go by."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, TypeVar
from uuid import UUID

from asyncpg import Record

from shared.db.pool import Connection

R = TypeVar("R")

START: Final = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_ID: Final = UUID(int=0)


@dataclass(frozen=True)
class Page:
    """Rows created after (`after_at`, `after_id`), at most `limit` of them, oldest first."""

    limit: int
    after_at: datetime = START
    after_id: UUID = FIRST_ID


def all_of(kind: type[R], records: Iterable[Record]) -> list[R]:
    """One `kind` a record; the columns are its fields."""
    return [kind(**dict(record.items())) for record in records]


def one_of(kind: type[R], record: Record | None) -> R | None:
    return None if record is None else kind(**dict(record.items()))


Asked = tuple[type[Any], str]
"""Rows of this type by this query, whose columns are the type's fields, in their order."""


async def all_together(conn: Connection, asked: Sequence[Asked], *args: object) -> list[list[Any]]:
    """Several queries that take the same arguments, in one round trip: the rows of each."""
    found = await conn.fetchrow(_one_of_several(tuple(query for _, query in asked)), *args)
    return [[kind(*row) for row in rows] for (kind, _), rows in zip(asked, found or (), strict=True)]


@cache
def _one_of_several(queries: Sequence[str]) -> str:
    return "select " + ", ".join(f"array(select q from ({query}) q)" for query in queries)  # noqa: S608 - constants of ours
