"""When a provider's device was heard and when it was silent (rule PA3)."""

from datetime import date
from typing import Any, cast
from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.adapters import heard as module
from services.ingest.adapters.heard import Heard, _Day
from services.ingest.domain.silence import Gap, gaps, hours_of
from shared.contracts.pings import LAYOUT, NONE, Pings, make

TENANT, PROVIDER = UUID(int=1), UUID(int=2)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
BASE_DAY = 20_000


def pings(*fixes: tuple[str, int]) -> Pings:
    devices = sorted({device for device, _ in fixes})
    columns: dict[str, Any] = {name: np.full(len(fixes), NONE) for name, _ in LAYOUT}
    columns["key"] = np.array([devices.index(device) for device, _ in fixes])
    columns["ts_ms"] = np.array([ts for _, ts in fixes])
    return make([(str(TENANT), device) for device in devices], columns)


def heard() -> Heard:
    return Heard(cast("Any", None), lambda: 0)


def test_PA3_a_silence_is_whole_hours_between_two_hours_heard() -> None:
    days = [(10, 1 << 0 | 1 << 5), (12, 1 << 23)]
    assert list(hours_of(days)) == [240, 245, 311]
    assert gaps(days, 1) == [Gap(241, 245), Gap(246, 311)]
    assert gaps(days, 5) == [Gap(246, 311)]
    assert gaps(days, 66) == []
    assert gaps([], 1) == []


@given(st.sets(st.integers(0, 24 * 6 - 1)), st.integers(1, 30))
def test_PA3_hours_heard_and_gaps_share_out_the_time(hours: set[int], least: int) -> None:
    days = [(day, sum(1 << h % 24 for h in hours if h // 24 == day)) for day in range(6)]
    assert set(hours_of(days)) == hours
    silent = {hour for gap in gaps(days, 1) for hour in range(gap.from_hour, gap.to_hour)}
    assert silent.isdisjoint(hours)
    assert silent | hours == (set(range(min(hours), max(hours) + 1)) if hours else set())
    assert gaps(days, least) == [gap for gap in gaps(days, 1) if gap.to_hour - gap.from_hour >= least]


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3 * DAY_MS - 1)), min_size=1, max_size=40),
    st.randoms(use_true_random=False),
)
def test_PA3_what_is_noted_is_the_set_of_fixes_whatever_their_order(fixes: list[tuple[str, int]], chance: Any) -> None:
    one, two = heard(), heard()
    one.note(TENANT, PROVIDER, pings(*fixes), 7)
    mixed = [*fixes, *fixes[: len(fixes) // 2]]
    chance.shuffle(mixed)
    for fix in mixed:
        two.note(TENANT, PROVIDER, pings(fix), 7)
    assert one._days == two._days
    for device in {device for device, _ in fixes}:
        mine = [ts for name, ts in fixes if name == device]
        found = {day.day: value for day, value in one._days.items() if day.device == device}
        assert max(value.last_ms for value in found.values()) == max(mine)
        assert set(hours_of(sorted((day, value.hours) for day, value in found.items()))) == {t // HOUR_MS for t in mine}


def test_PA3_memory_is_bounded_and_known_devices_are_still_noted(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "ENTRIES_MAX", 2)
    made = heard()
    made.note(TENANT, PROVIDER, pings(("a", 0), ("b", 0), ("c", 0)), 1)
    made.note(TENANT, PROVIDER, pings(("a", HOUR_MS)), 2)
    assert {day.device for day in made._days} == {"a", "b"}
    assert made._days[_Day(TENANT, PROVIDER, "a", 0)].hours == 0b11


def test_PA3_a_day_is_the_utc_day() -> None:
    made = heard()
    made.note(TENANT, PROVIDER, pings(("a", BASE_DAY * DAY_MS - 1)), 1)
    (row,) = (module._row(day, value) for day, value in made._days.items())
    assert (row.day.toordinal() - date(1970, 1, 1).toordinal(), row.hours) == (BASE_DAY - 1, 1 << 23)
