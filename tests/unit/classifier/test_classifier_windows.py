"""Windows of device-days: which fixes a day may read, and what a new fix changes (design section 5, rules DI4 to DI6)."""

from datetime import date

import numpy as np
import pytest

from services.classifier.application.windows import build, fresh_rows, grow, split, window_bounds_ms
from shared.contracts import pings
from shared.contracts.pings import Pings
from shared.nz_days import bounds_ms, days_of, to_ordinal

GAP_MS = 150_000
KEY = ("t", "d")
DAY = to_ordinal(date(2026, 3, 2))


def at(*instants: int, lat_e6: int = -40_000_000, key: tuple[str, str] = KEY) -> Pings:
    count = len(instants)
    columns = {name: np.full(count, -1) for name, _ in pings.LAYOUT}
    columns |= {"key": np.zeros(count), "ts_ms": np.array(instants), "lat_e6": np.full(count, lat_e6)}
    return pings.make([key], columns)


def parts(fixes: Pings) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    own, edge = split(fixes, days_of(fixes.ts_ms), GAP_MS)
    return ({n[2]: rows.tolist() for n, rows in own.items()}, {n[2]: rows.tolist() for n, rows in edge.items()})


@pytest.mark.parametrize(
    ("day", "hours"), [(DAY, 24), (to_ordinal(date(2026, 4, 5)), 25), (to_ordinal(date(2026, 9, 27)), 23)]
)
def test_DI6_a_fix_near_midnight_lies_in_two_windows_on_days_of_any_length(day: int, hours: int) -> None:
    start, end = bounds_ms(day)
    assert end - start == hours * 3_600_000
    fixes = at(start, start + GAP_MS, start + GAP_MS + 1, end - GAP_MS - 1, end - GAP_MS, end - 1)
    own, edge = parts(fixes)
    assert own == {day: [0, 1, 2, 3, 4, 5]}
    assert edge == {day - 1: [0, 1], day + 1: [4, 5]}


def test_windows_hold_their_context_and_nothing_else() -> None:
    start, end = window_bounds_ms(DAY, GAP_MS)
    fixes = at(start - 1, start, start + 10**7, end, end + 1)
    (window,) = build(fixes, GAP_MS, [(*KEY, DAY)]).values()
    assert sorted(window.fixes.ts_ms.tolist()) == [start, start + 10**7, end]
    assert window.own_rows == 1


def test_a_window_that_was_asked_for_is_there_when_it_is_empty() -> None:
    (window,) = build(pings.concat([]), GAP_MS, [(*KEY, DAY)]).values()
    assert (len(window.fixes), window.own_rows) == (0, 0)


def fresh(held: Pings, new: Pings) -> list[bool]:
    days = days_of(new.ts_ms)
    own = split(new, days, GAP_MS).own
    known = build(held, GAP_MS, own)
    return fresh_rows(new, pings.content_hash(new), own, known).tolist()


def test_identical_fixes_count_once_wherever_the_copy_is() -> None:
    noon = bounds_ms(DAY)[0] + 43_200_000
    assert fresh(at(noon), at(noon, noon + 1, noon + 1, noon + 2)) == [False, True, False, True]


def test_DI4_another_content_at_the_same_instant_is_another_fix() -> None:
    noon = bounds_ms(DAY)[0] + 43_200_000
    assert fresh(at(noon), at(noon, lat_e6=-40_000_001)) == [True]


def test_the_same_content_of_another_device_or_day_is_another_fix() -> None:
    noon = bounds_ms(DAY)[0] + 43_200_000
    both = pings.concat([at(noon), at(noon, key=("t", "e")), at(noon, key=("u", "d")), at(noon + 86_400_000)])
    assert fresh(at(noon), both) == [False, True, True, True]


def test_grow_keeps_what_was_there_and_leaves_the_old_window_alone() -> None:
    start, end = bounds_ms(DAY)
    before = grow(None, (*KEY, DAY), at(start))
    after = grow(before, (*KEY, DAY), at(start + 5, end + 5))
    assert (len(before.fixes), len(after.fixes), after.own_rows) == (1, 3, 2)
    assert after.hashes.tolist() == pings.content_hash(after.fixes).tolist()
