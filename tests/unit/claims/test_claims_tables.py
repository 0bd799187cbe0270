"""Tables of reports and claims: sums, whatever spreadsheets do to texts, and the same bytes twice (rules CL8, CL9)."""

import io
import time
from decimal import Decimal

import openpyxl
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.claims.adapters.spreadsheets import is_formula_like, to_csv, to_xlsx
from services.claims.application.claim.tables import SURFACES, Table, day_rows, dollars, km, percentage, without_day
from shared.contracts.claim import DayLine, LicenceReport, ReportFinding

NASTY = [
    "=1+1",
    "+64 6 388",
    "-x",
    "@SUM(A1)",
    "\t=2",
    "\r=3",
    '=HYPERLINK("http://x","y")',
    "  =1",
    "plain",
    'a,"b"\nc',
    "'q",
]


def day(on: str, off_road: int = 3, public: int = 2, unknown: int = 1) -> DayLine:
    return DayLine(
        day=on, public_mm=public, off_road_mm=off_road, unknown_mm=unknown, carried_mm=0, uncovered_mm=0, fixes=5,
        off_road_by_basis={"no_road": off_road}, note="",
    )  # fmt: skip


def report(days: list[DayLine], totals: DayLine, number: str = "RUC 1") -> LicenceReport:
    return LicenceReport(
        claimant_name="=Hill", plate="ABC123", vehicle="", licence_number=number, licence_kind="D", recorder="odometer OD (km)",
        start_km=1, end_km=2, issued_on="2026-01-01", period=("2026-01-01", "2026-01-02"), state="claimable", claimed_as="",
        days=tuple(days), totals=totals, claimable_km=0, rate="unknown", estimate="unknown", closure="", coverage_percent="unknown",
        findings=(ReportFinding(rule="EL1", outcome="pass", reason="-x", source="s"),), tracks=(), roads=(), evidence={},
    )  # fmt: skip


def test_no_text_becomes_a_formula_in_xlsx() -> None:
    content = to_xlsx([Table("Texts", ("text",), tuple((text,) for text in NASTY))], "t")
    sheet = openpyxl.load_workbook(io.BytesIO(content))["Texts"]
    cells = [row[0] for row in sheet.iter_rows(min_row=2)]
    assert {cell.data_type for cell in cells} == {"s"}, "no cell is a formula"
    assert [cell.value for cell in cells] == [text.replace("\r", "_x000D_") if "\r" in text else text for text in NASTY]
    quoted = {cell.value for cell in cells if cell.quotePrefix}
    assert quoted == {cell.value for cell, text in zip(cells, NASTY, strict=True) if is_formula_like(text)}


def test_no_text_becomes_a_formula_in_csv() -> None:
    content = to_csv(Table("Texts", ("text",), tuple((text,) for text in NASTY)))
    read = pl.read_csv(io.BytesIO(content), infer_schema=False)["text"].to_list()
    assert read == [f"'{text}" if is_formula_like(text) else text for text in NASTY]
    assert not any(text.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r")) for text in read)


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20), min_size=1, max_size=5
    )
)
def test_any_text_comes_back_from_csv(texts: list[str]) -> None:
    content = to_csv(Table("Texts", ("text", "n"), tuple((text, 1) for text in texts)))
    read = pl.read_csv(io.BytesIO(content), infer_schema=False)["text"].fill_null("").to_list()
    assert [
        one.removeprefix("'") if is_formula_like(text) else one for one, text in zip(read, texts, strict=True)
    ] == texts


def test_the_same_tables_are_the_same_bytes_whenever_they_are_written() -> None:
    tables = [Table("A", ("day", "km", "n"), (("x", Decimal("1.000001"), 1), (None, None, None)), sums=1)]
    first = to_xlsx(tables, "t")
    time.sleep(1.1)  # file times have whole seconds
    assert to_xlsx(tables, "t") == first
    assert to_csv(tables[0]) == to_csv(tables[0]) == b"day,km,n\r\nx,1.000001,1\r\n,,\r\n"


@given(st.integers(0, 10**13))
def test_kilometres_are_exactly_their_millimetres_even_as_floats(mm: int) -> None:
    assert int(km(mm) * 1_000_000) == mm
    assert round(float(km(mm)) * 1_000_000) == mm


def test_money_has_its_cents() -> None:
    assert [str(dollars(cents)) for cents in (2910, 2900, 0, None)] == ["29.10", "29.00", "0.00", "None"]


@pytest.mark.parametrize(("part", "whole", "shown"), [(2, 3, "66.66"), (0, 5, "0"), (5, 5, "100"), (1, 0, "None")])
def test_a_percentage_is_cut(part: int, whole: int, shown: str) -> None:
    assert str(percentage(part, whole)) == shown


amounts = st.tuples(*[st.integers(0, 10**9)] * 3)


@given(st.lists(amounts, max_size=5), st.integers(0, 10**9))
def test_CL9_the_days_and_what_has_no_day_add_up_to_the_total(days: list[tuple[int, int, int]], lack: int) -> None:
    lines = [day(f"2026-01-{at:02}", *one) for at, one in enumerate(days, 1)]
    totals = day("", *(sum(one[i] for one in days) for i in (0, 1)), sum(one[2] for one in days) + lack)
    made = report(lines, totals)
    assert without_day(made).unknown_mm == lack
    *rows, total = day_rows(made, ["no_road"])
    for column in range(1, 1 + len(SURFACES)):
        assert sum(row[column] for row in rows) == total[column]  # type: ignore[misc]
