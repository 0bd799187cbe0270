"""CSV files and their cells, before any rule looks at them."""

from datetime import UTC, datetime

import pytest

from services.claims.api.imports.import_files import (
    LINES_MAX,
    CellError,
    cents_of,
    columns_of,
    kinds_of,
    read_csv,
    value_of,
)
from services.claims.api.imports.import_kinds import KINDS
from services.claims.api.imports.import_lines import check_header
from services.claims.api.statement.licence_schemas import LicenceBody
from shared.http.problems import Problem


def test_lines_are_numbered_as_an_editor_does_and_blank_cells_are_left_out() -> None:
    text = '\ufeffPlate, Description\r\nABC1,"two\nlines"\r\n\r\n ,\r\nABC2,\r\nABC3,x,,\r\nABC4,x,y\r\n'
    header, lines = read_csv(text.encode())
    assert header == ["plate", "description"]
    assert [(line.number, dict(line.cells)) for line in lines] == [
        (2, {"plate": "ABC1", "description": "two\nlines"}),
        (6, {"plate": "ABC2"}),
        (7, {"plate": "ABC3", "description": "x"}),
        (8, {"plate": "ABC4", "description": "x"}),
    ]
    assert [line.ragged for line in lines] == ["", "", "", "has 3 cells, the header 2 columns"]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"plate\n\xff\xfe\n", b'plate\n"open\n', b'plate\n"a"b\n'])
def test_what_is_not_csv_is_refused_whole(content: bytes) -> None:
    with pytest.raises(Problem) as refused:
        read_csv(content)
    assert (refused.value.status, refused.value.code) == (400, "broken_csv")


def test_one_line_too_many_is_refused_by_name_of_the_limit() -> None:
    assert len(read_csv(b"plate\n" + b"A\n" * LINES_MAX)[1]) == LINES_MAX
    with pytest.raises(Problem) as refused:
        read_csv(b"plate\n" + b"A\n" * (LINES_MAX + 1))
    assert (refused.value.status, refused.value.extra["limit_lines"]) == (413, LINES_MAX)


@pytest.mark.parametrize(("text", "cents"), [("380", 38_000), ("380.5", 38_050), ("$12.44", 1_244), ("0.07", 7)])
def test_LI5_dollars_become_cents_exactly(text: str, cents: int) -> None:
    assert cents_of("gross_dollars", text) == cents


@pytest.mark.parametrize("text", ["1,234.00", "12.445", "-3", "3.", "1e3", "NaN", "３"])
def test_LI5_dollars_that_could_mean_something_else_are_refused(text: str) -> None:
    with pytest.raises(CellError):
        cents_of("gross_dollars", text)


def test_a_time_without_offset_is_the_wall_clock_in_new_zealand() -> None:
    assert value_of("at", "2026-10-31 08:00", {datetime}) == datetime(2026, 10, 30, 19, tzinfo=UTC)
    assert value_of("at", "2026-10-31", {datetime}) == "2026-10-31", "a bare date is the body's to read"
    for text in ("2026-04-05 02:30", "2026-09-27 02:30"):
        with pytest.raises(CellError) as refused:
            value_of("at", text, {datetime})
        assert refused.value.code == "datetime_ambiguous"


def test_numbers_and_answers_are_unambiguous() -> None:
    assert [value_of("x", text, {bool}) for text in ("Yes", "0")] == [True, False]
    assert value_of("x", "0045", {int}) == 45
    for text, kind in (("45,000", int), ("45.0", int), ("maybe", bool)):
        with pytest.raises(CellError):
            value_of("x", text, {kind})


def test_every_field_of_every_kind_is_a_column_of_a_known_type() -> None:
    for kind in KINDS.values():
        for name, field in kind.body.model_fields.items():
            assert kinds_of(field), (kind.body, name)
    assert columns_of(LicenceBody)["gross_dollars"] == "gross_cents"


def test_a_header_is_judged_whole() -> None:
    check_header(KINDS["readings"], ["plate", "at", "value"])
    with pytest.raises(Problem) as refused:
        check_header(KINDS["readings"], ["plate", "value", "value", "colour"])
    errors = {(one["pointer"], one["code"]) for one in refused.value.extra["errors"]}
    assert errors == {("/colour", "unknown_column"), ("/value", "double_column"), ("/at", "missing_column")}
