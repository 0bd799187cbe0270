"""Rule SU9: which road data set counts for which day, and which days change when another one is registered."""

import uuid
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.classifier.application.judging import Judge
from services.classifier.application.road_sets import BEFORE_FIRST, NamedRoads, RoadsByDay, RoadSetMissing, Timeline
from services.classifier.domain.device_day import DayOutcome, classify_days
from services.classifier.domain.rulings import NO_BOOK, Book
from services.classifier.domain.scheme import V1
from services.classifier.repo.road_sets import Registered
from services.classifier.roads.dataset import RoadSet
from shared.contracts import pings
from shared.contracts.pings import Key, Pings
from shared.nz_days import FIRST_DAY, LAST_DAY, bounds_ms, to_ordinal
from tests.simulation.district import build_district, drive

DAY = to_ordinal(date(2026, 3, 2))
FIRST, LAST = to_ordinal(FIRST_DAY), to_ordinal(LAST_DAY)
OLD = Registered(1, "old", DAY, "")
NEW = Registered(2, "new", DAY + 100, "")
TENANT = str(uuid.UUID(int=1))


def choices(timeline: Timeline, *days: int) -> list[tuple[str, bool]]:
    return [tuple(timeline.of_day(day)) for day in days]


def test_SU9_a_set_counts_from_its_valid_from_until_the_next_one_does() -> None:
    timeline = Timeline([OLD, NEW])
    assert choices(timeline, DAY, DAY + 99, DAY + 100, LAST) == [
        ("old", False), ("old", False), ("new", False), ("new", False),
    ]  # fmt: skip


def test_SU9_a_later_data_set_changes_nothing_before_its_valid_from() -> None:
    assert Timeline([OLD]).changes(Timeline([OLD, NEW])) == [(DAY + 100, LAST)]
    older = Registered(3, "older", DAY - 50, "")  # registered last, although it is valid earlier
    assert Timeline([OLD]).changes(Timeline([OLD, older])) == [(DAY - 50, DAY - 1)]


def test_SU9_travel_before_the_first_uses_the_first_marked_so() -> None:
    timeline = Timeline([OLD, NEW])
    assert choices(timeline, FIRST, DAY - 1, DAY) == [("old", True), ("old", True), ("old", False)]
    assert Timeline([Registered(1, "undated", None, "")]).of_day(FIRST) == ("undated", False)


def test_SU9_a_set_that_supersedes_takes_the_place_of_the_other() -> None:
    correction = Registered(3, "correction", DAY + 200, "old")
    timeline = Timeline([OLD, NEW, correction])
    assert choices(timeline, FIRST, DAY, DAY + 99, DAY + 100) == [
        ("correction", True), ("correction", False), ("correction", False), ("new", False),
    ]  # fmt: skip
    assert Timeline([OLD, NEW]).changes(timeline) == [(FIRST, DAY + 99)]
    assert timeline.names == {"correction", "new"}


def test_SU9_corrections_of_corrections_keep_the_first_ones_place() -> None:
    rows = [OLD, NEW, Registered(3, "second", DAY + 7, "old"), Registered(4, "third", DAY + 9, "second")]
    assert choices(Timeline(rows), FIRST, DAY, DAY + 100) == [("third", True), ("third", False), ("new", False)]


def test_SU9_a_correction_registered_before_what_it_corrects_counts_at_once() -> None:
    rows = [Registered(1, "correction", DAY + 7, "old"), Registered(2, "old", DAY, "")]
    assert choices(Timeline(rows), DAY, DAY + 7) == [("correction", False), ("correction", False)]


def test_SU9_of_two_sets_of_one_day_the_later_registered_counts() -> None:
    assert Timeline([OLD, Registered(2, "again", DAY, "")]).of_day(DAY) == ("again", False)


def test_SU9_sets_that_supersede_each_other_count_neither_and_nothing_hangs() -> None:
    rows = [Registered(1, "a", DAY, "b"), Registered(2, "b", DAY, "a"), Registered(3, "c", DAY, "")]
    assert Timeline(rows).names == {"c"}


def test_without_a_set_nothing_can_be_judged() -> None:
    with pytest.raises(RoadSetMissing, match="no road data set"):
        Timeline([]).of_day(DAY)


@st.composite
def registers(draw: st.DrawFn) -> list[Registered]:
    count = draw(st.integers(1, 7))
    return [
        Registered(
            at + 1,
            f"s{at}",
            draw(st.none() | st.integers(DAY, DAY + 6)),
            draw(st.sampled_from(["", *(f"s{other}" for other in range(at))])),
        )
        for at in range(count)
    ]


@given(registers())
def test_SU9_exactly_the_days_whose_answer_differs_are_reprocessed(rows: list[Registered]) -> None:
    before, after = Timeline(rows[:-1]), Timeline(rows)
    if len(rows) == 1:
        return
    changed = {
        day for first, last in before.changes(after) for day in range(max(first, DAY - 3), min(last, DAY + 9) + 1)
    }
    assert changed == {day for day in range(DAY - 3, DAY + 10) if before.of_day(day) != after.of_day(day)}
    newest = rows[-1]
    if newest.valid_from is not None and not newest.supersedes:
        assert all(day >= newest.valid_from for day in changed)


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> RoadSet:
    return build_district(tmp_path_factory.mktemp("district"))


@pytest.fixture(scope="module")
def private_road(tmp_path_factory: pytest.TempPathFactory) -> RoadSet:
    """The same district where the valley road is private."""
    folder: Path = tmp_path_factory.mktemp("private")
    return build_district(folder, access="private", valid_from="2026-06-10")


def judged(rows: Sequence[Registered], *sets: RoadSet) -> RoadsByDay:
    return RoadsByDay(Timeline(rows), {one.name: one for one in sets})


def test_SU9_each_day_is_judged_by_its_own_set_with_one_kernel_call_each(
    district: RoadSet, private_road: RoadSet
) -> None:
    calls: list[tuple[str, list[int]]] = []

    def kernel(
        pings: Pings, wanted: Sequence[tuple[Key, int]], roads: NamedRoads, *, book: Book
    ) -> Sequence[DayOutcome]:
        calls.append((roads.name, [day for _, day in wanted]))
        return classify_days(pings, wanted, roads, V1, book)

    key = (TENANT, "ute-1")
    days = [DAY - 1, DAY, DAY + 1, DAY + 2]
    fixes = pings.concat([drive(key, bounds_ms(day)[0] + 40_000_000, 5) for day in days])
    roads = judged(
        [Registered(1, district.name, DAY, ""), Registered(2, private_road.name, DAY + 1, "")], district, private_road
    )
    by_day = {
        one.day: one.revision(7, settled=True)
        for one in Judge(kernel, roads, NO_BOOK)(fixes, [(key, day) for day in days])
    }
    assert [by_day[day].road_set for day in days] == [district.name] * 2 + [private_road.name] * 2
    assert [by_day[day].incidents for day in days] == [(BEFORE_FIRST,), (), (), ()]
    surfaces = [{total.surface for total in by_day[day].totals} for day in days]
    assert surfaces == [{"public_road"}] * 2 + [{"off_road"}] * 2
    assert calls == [(district.name, days[:2]), (private_road.name, days[2:])]


def test_SU9_a_process_without_a_set_that_counts_judges_nothing(district: RoadSet) -> None:
    with pytest.raises(RoadSetMissing, match="not open here: new"):
        judged([OLD._replace(name=district.name), NEW], district)
    superseded = [OLD, NEW._replace(name=district.name, supersedes="old")]
    assert judged(superseded, district).of_day(DAY)[0] is district
