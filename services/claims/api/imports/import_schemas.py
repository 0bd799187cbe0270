"""Answers of an import: what became of each line."""

from typing import Literal
from uuid import UUID

from services.claims.api.fields import Answer


class LineError(Answer):
    column: str
    """As the file calls it; "" for the line as a whole."""
    code: str
    detail: str


class ImportLineAnswer(Answer):
    line: int
    """Of the file; the header is line 1."""
    outcome: Literal["ok", "exists", "error"]
    id: UUID | None = None
    """What was made or is there already; null for an error and for what a dry run would make."""
    same_as_line: int | None = None
    """An earlier line of this file made it."""
    differs: tuple[str, ...] = ()
    """Columns of an existing thing that the line gives otherwise: an import changes nothing."""
    errors: tuple[LineError, ...] = ()


class ImportAnswer(Answer):
    kind: str
    dry_run: bool
    atomic: bool
    stored: bool
    """False: a dry run, or all or nothing and a line failed."""
    lines: int
    ok: int
    exists: int
    errors: int
    report: list[ImportLineAnswer]
