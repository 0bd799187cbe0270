"""What a person logged by hand, and what of it counts (rule LI8)."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """Off-road travel of one licence on one NZ day, as written down; a file proves it."""

    id: UUID
    licence_id: UUID
    on: date
    mm: int
    reason: str
    actor: str
    attachment_id: UUID
    at: datetime


class Logged(NamedTuple):
    """An entry of the statement's licence, and what of it counts."""

    entry: LogEntry
    counted_mm: int
