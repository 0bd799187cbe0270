"""From records to typed rows, and the cursor that lists go by."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar
from uuid import UUID

from asyncpg import Record

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
