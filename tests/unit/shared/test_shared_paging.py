"""Cursors: what a list gave leads on in that list alone; anything else is refused as no cursor (design G7)."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from shared.http.paging import CURSOR_CHARS_MAX, START, Listing, Place
from shared.http.problems import Problem

INSTANTS = st.integers(0, 7_258_118_400_000_000).map(lambda micros: START.at + timedelta(microseconds=micros))


def listing(path: str) -> Listing:
    return Listing(Request({"type": "http", "path": path}))


VEHICLES, CLAIMANTS = listing("/v1/vehicles"), listing("/v1/claimants")


def refused(here: Listing, cursor: str) -> bool:
    told = []
    for read in (here.place_of, here.text_of, here.number_of):
        with pytest.raises(Problem) as raised:
            read(cursor)
        told.append((raised.value.status, raised.value.code))
    return set(told) == {(400, "cursor_invalid")}


NAMES = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=128)


@given(INSTANTS, st.uuids(), NAMES, st.integers(0, 2**63 - 1))
def test_a_cursor_leads_on_in_its_own_list_and_nowhere_else(at: datetime, row: UUID, name: str, number: int) -> None:
    place, text, count = VEHICLES.cursor_of(at, row), VEHICLES.cursor(name.encode()), VEHICLES.number(number)
    assert (VEHICLES.place_of(place), VEHICLES.text_of(text), VEHICLES.number_of(count)) == (
        Place(at, row),
        name,
        number,
    )
    assert max(map(len, (place, text, count))) <= CURSOR_CHARS_MAX
    assert all(refused(CLAIMANTS, cursor) for cursor in (place, text, count))


@given(st.text(max_size=80) | st.binary(max_size=40).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_what_we_did_not_make_is_no_cursor(cursor: str) -> None:
    assert refused(VEHICLES, cursor)


def test_a_cursor_that_was_changed_is_none() -> None:
    cursor = VEHICLES.cursor_of(datetime(2026, 11, 22, tzinfo=UTC), UUID(int=7))
    for i, was in enumerate(cursor[:-1]):
        assert refused(VEHICLES, cursor[:i] + ("A" if was != "A" else "B") + cursor[i + 1 :]), i


@pytest.mark.parametrize(
    ("place", "read"),
    [
        (b"", VEHICLES.place_of), (b"\xff" * 24, VEHICLES.place_of), (b"a" * 25, VEHICLES.place_of),
        (b"\xff", VEHICLES.text_of), (b"a\0b", VEHICLES.text_of), (b"\xff" * 8, VEHICLES.number_of),
    ],
)  # fmt: skip
def test_a_place_that_fits_no_list_is_refused_though_its_tag_is_right(
    place: bytes, read: Callable[[str], object]
) -> None:
    """The tag is no secret: who makes one gets no further than with any other wrong parameter."""
    with pytest.raises(Problem) as raised:
        read(VEHICLES.cursor(place))
    assert (raised.value.status, raised.value.code) == (400, "cursor_invalid")


def test_without_a_cursor_a_list_begins_at_its_start() -> None:
    assert (VEHICLES.place_of(None), VEHICLES.text_of(None), VEHICLES.number_of(None)) == (START, "", None)
