"""What every body of every API refuses, whatever its own fields are."""

from datetime import date
from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.http.fields import Body, Day, Form
from shared.http.problems import words_of


class Sheet(Body):
    name: str = ""
    on: date | None = None
    paid: bool = False
    number: Annotated[str, Form("^[0-9]{9,10}$", "give the 9 or 10 digits alone")] | None = None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "a\0b"),
        ("on", "1999-12-31"),
        ("on", "2100-01-01"),
        ("on", "9999-12-31"),
        ("on", 0),
        ("on", "0"),
        ("on", "2026-02-30"),
        ("on", "2026-10-05T00:00:00"),
        ("paid", "false"),
        ("paid", 1),
        ("page", 1),
    ],
)
def test_a_field_that_is_only_nearly_right_is_named(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        Sheet.model_validate({field: value})
    assert [error["loc"] for error in refused.value.errors()] == [(field,)]


def test_what_is_right_is_taken() -> None:
    sheet = Sheet.model_validate({"name": "a", "on": "2026-10-05", "paid": True})
    assert (sheet.on, sheet.paid) == (date(2026, 10, 5), True)
    assert Sheet.model_validate({"on": None}).on is None
    assert Sheet(on=date(2026, 10, 5)).on == date(2026, 10, 5)


@pytest.mark.parametrize("text", ["0", "20261005", "1999-12-31", "2100-01-01", "2026-13-01"])
def test_a_day_in_an_address_is_written_out(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Day).validate_python(text)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("number", "12-345-678", "give the 9 or 10 digits alone"),
        ("on", "5 October", "give a day as YYYY-MM-DD"),
        ("nubmer", "1", "There is no field of this name here: see its spelling, or leave it out"),
    ],
)
def test_who_erred_reads_what_to_write_not_what_a_pattern_is(field: str, value: str, words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Sheet.model_validate({field: value})
    assert [words_of(error) for error in refused.value.errors()] == [words]


def test_a_form_stands_in_the_document_as_its_pattern() -> None:
    assert Sheet(number=" 123456789 ").number == "123456789"
    kinds = Sheet.model_json_schema()["properties"]["number"]["anyOf"]
    assert {"type": "string", "pattern": "^[0-9]{9,10}$"} in kinds
