"""Tables as XLSX and CSV: the same tables are the same bytes, and no text of a cell is ever taken for a formula."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from services.claims.application.claim.tables import Cell, Table

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV: Final = "text/csv; charset=utf-8"
MADE: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Of the file, not of its content: nothing in it may depend on when it was made."""
_OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": "yyyy-mm-dd",
}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheet programs take for the beginning of a formula."""
_WIDTH_MIN, _WIDTH_MAX = 9, 60


def is_formula_like(text: str) -> bool:
    return text.lstrip(" ").startswith(_FORMULA)


def to_csv(table: Table) -> bytes:
    """RFC 4180 in UTF-8.  A text that a program could take for a formula begins with an apostrophe."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(table.header)
    writer.writerows([_csv_text(cell) for cell in row] for row in table.rows)
    return out.getvalue().encode()


def _csv_text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return f"'{cell}" if is_formula_like(cell) else cell
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def to_xlsx(tables: Sequence[Table], title: str) -> bytes:
    """A sheet a table, the header frozen and filtered."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, _OPTIONS) as book:
        book.set_properties({"title": title, "created": MADE.replace(tzinfo=None), "author": "", "comments": ""})
        formats = _Formats(book)
        for table in tables:
            _write(book.add_worksheet(table.name), table, formats)
    return out.getvalue()


class _Formats:
    """By place (an ordinary row or a sum) and kind of value."""

    def __init__(self, book: Workbook) -> None:
        self.header: Format = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        kinds: dict[str, dict[str, Any]] = {
            "text": {},
            "quoted": {"quote_prefix": True},
            "km": {"num_format": "#,##0.000000"},
            "decimal": {"num_format": "#,##0.00"},
            "whole": {"num_format": "#,##0"},
            "date": {"num_format": "yyyy-mm-dd"},
        }
        self._of = {
            (kind, is_sum): book.add_format({**how, **({"bold": True, "top": 1} if is_sum else {})})
            for kind, how in kinds.items()
            for is_sum in (False, True)
        }

    def of(self, cell: Cell, *, is_sum: bool) -> Format:
        if isinstance(cell, str):
            return self._of["quoted" if is_formula_like(cell) else "text", is_sum]
        if isinstance(cell, date):
            return self._of["date", is_sum]
        if isinstance(cell, Decimal):
            return self._of["km" if cell.as_tuple().exponent == -6 else "decimal", is_sum]
        return self._of["whole", is_sum]


def _write(sheet: Worksheet, table: Table, formats: _Formats) -> None:
    widths = [len(name) for name in table.header]
    for column, name in enumerate(table.header):
        sheet.write_string(0, column, name, formats.header)
    for at, row in enumerate(table.rows, 1):
        is_sum = at > len(table.rows) - table.sums
        for column, cell in enumerate(row):
            _write_cell(sheet, (at, column), cell, formats.of(cell, is_sum=is_sum))
            widths[column] = max(widths[column], len(str(cell)) if cell is not None else 0)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, min(max(width + 1, _WIDTH_MIN), _WIDTH_MAX))
    sheet.freeze_panes(1, 0)
    if len(table.rows) > table.sums:
        sheet.autofilter(0, 0, len(table.rows) - table.sums, len(table.header) - 1)


def _write_cell(sheet: Worksheet, at: tuple[int, int], cell: Cell, how: Format) -> None:
    """Never by `write`, which guesses what a text is."""
    if cell is None:
        sheet.write_blank(*at, None, how)
    elif isinstance(cell, str):
        sheet.write_string(*at, cell, how)
    elif isinstance(cell, date):
        sheet.write_datetime(*at, datetime(cell.year, cell.month, cell.day), how)  # noqa: DTZ001 - a day has no zone
    else:
        sheet.write_number(*at, float(cell), how)
