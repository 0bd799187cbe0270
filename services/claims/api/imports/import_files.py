"""A CSV file as lines of cells, and a cell's text as the value that a body's field takes.  Pure."""

import csv
import io
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from services.claims.api.fields import Body
from shared.http.problems import Problem
from shared.nz_days import AUCKLAND

FILE_BYTES_MAX: Final = 5_000_000
LINES_MAX: Final = 20_000
CELL_MAX: Final = 10_000
DOLLARS: Final = "_dollars"
CENTS: Final = "_cents"
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}")
_MONEY: Final = re.compile(r"\$?([0-9]{1,15})(?:\.([0-9]{1,2}))?")
_WALL: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_YES_NO: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class CellError(ValueError):
    """One cell (or, with `column` "", the line) cannot be what the header says."""

    def __init__(self, column: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.column, self.code, self.detail = column, code, detail


class CellErrors(ValueError):
    """Several cells of one line."""

    def __init__(self, cells: Sequence[CellError]) -> None:
        super().__init__("; ".join(cell.detail for cell in cells))
        self.cells = cells


@dataclass(frozen=True)
class CsvLine:
    """`number`: of the file's line on which the record begins; the header is on line 1.  Blank cells are left out."""

    number: int
    cells: Mapping[str, str]
    ragged: str = ""


def _broken(detail: str) -> Problem:
    return Problem(400, "broken_csv", "The file is not CSV in UTF-8", detail)


def read_csv(content: bytes) -> tuple[list[str], list[CsvLine]]:
    """Header names in lower case, and the lines that are not blank.  Raises Problem 400 or 413."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _broken(f"Byte {error.start} is not UTF-8: save the file as “CSV UTF-8” and send it again.") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    lines: list[CsvLine] = []
    try:
        for number, row in _numbered(reader):
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if any(len(cell) > CELL_MAX for cell in cells):
                raise _broken(f"Line {number} has a cell of more than {CELL_MAX} characters: is a quote left open?")
            if header is None:
                header = [cell.lower() for cell in cells]
            elif len(lines) == LINES_MAX:
                raise Problem(
                    413, "payload_too_large", "The file has too many lines",
                    f"At most {LINES_MAX} lines at once: split the file and send its parts in order.", limit_lines=LINES_MAX,
                )  # fmt: skip
            else:
                lines.append(_line(number, header, cells))
    except csv.Error as error:
        raise _broken(f"Line {reader.line_num}: {error}.") from error
    if header is None:
        raise _broken("The file is empty: its first line names the columns.")
    return header, lines


def _numbered(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """A quoted cell may span lines: a record's number is that of its first."""
    begins = 1
    for row in reader:
        yield begins, row
        begins = reader.line_num + 1


def _line(number: int, header: Sequence[str], cells: Sequence[str]) -> CsvLine:
    width = len(cells)
    while width > len(header) and not cells[width - 1]:
        width -= 1  # spreadsheets add empty cells at the end
    named = {name: cell for name, cell in zip(header, cells, strict=False) if cell}
    ragged = f"has {width} cells, the header {len(header)} columns" if width > len(header) else ""
    return CsvLine(number, named, ragged)


def kinds_of(field: FieldInfo) -> set[type]:
    """The plain types a field may take: {int}, {str}, {datetime}, …"""
    return _plain(field.annotation)


def _plain(annotation: Any) -> set[type]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _plain(get_args(annotation)[0])
    if origin in {Union, types.UnionType}:
        return set().union(*(_plain(one) for one in get_args(annotation))) - {types.NoneType}
    if origin in {Literal, list}:  # several words in one cell are the body's to split
        return {str}
    return {annotation} if isinstance(annotation, type) else set()


def columns_of(body: type[Body]) -> dict[str, str]:
    """Column → field of the body, as JSON has it; money also in dollars."""
    names = [field.alias or name for name, field in body.model_fields.items()]
    return {name: name for name in names} | {
        name.removesuffix(CENTS) + DOLLARS: name for name in names if name.endswith(CENTS)
    }


def value_of(column: str, text: str, kinds: set[type]) -> Any:
    """Raises CellError.  What is left as text is judged by the body itself."""
    if column.endswith(DOLLARS):
        return cents_of(column, text)
    if bool in kinds:
        if text.lower() not in _YES_NO:
            raise CellError(column, "bool_parsing", f"{text!r} is neither yes nor no")
        return _YES_NO[text.lower()]
    if int in kinds:
        if not _WHOLE.fullmatch(text):
            raise CellError(column, "int_parsing", f"{text!r} is not a whole number (digits only, no separators)")
        return int(text)
    if datetime in kinds and _WALL.fullmatch(text):
        return _wall_clock(column, text)
    return text


def cents_of(column: str, text: str) -> int:
    """Dollars with at most two decimals, exactly.  Raises CellError."""
    found = _MONEY.fullmatch(text)
    if found is None:
        raise CellError(column, "money_parsing", f"{text!r} is not dollars with at most two decimals, e.g. 380.00")
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def _wall_clock(column: str, text: str) -> datetime:
    """Date and time without an offset are what the clock on the wall in New Zealand showed."""
    try:
        wall = datetime.fromisoformat(text)
    except ValueError as error:
        raise CellError(column, "datetime_parsing", f"{text!r} is no date and time: {error}") from error
    early, late = wall.replace(tzinfo=AUCKLAND, fold=0), wall.replace(tzinfo=AUCKLAND, fold=1)
    if early.utcoffset() != late.utcoffset():
        raise CellError(
            column, "datetime_ambiguous",
            f"the clocks changed in that hour: write {text!r} with its offset, e.g. {early.isoformat()}",
        )  # fmt: skip
    return early.astimezone(UTC)
