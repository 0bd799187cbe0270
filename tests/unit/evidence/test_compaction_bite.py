"""Which frames a bite takes, and which old chunks it takes in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.classifier.application import compaction
from services.classifier.application.compaction import cut
from services.classifier.repo.chunks import Waiting
from services.classifier.repo.evidence import ChunkId, FrameId

TENANTS = ("00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002")


def waiting(*groups: tuple[int, int, list[int]]) -> list[Waiting]:
    """(day, tenant number, rows of each frame) in the order in which the database lists them."""
    return [
        Waiting(FrameId(TENANTS[tenant], 0, rev, 0), rows, day)
        for day, tenant, frames in groups
        for rev, rows in enumerate(frames, start=1)
    ]


def test_everything_that_fits_is_taken() -> None:
    some = waiting((1, 0, [50_000, 50_000]), (1, 1, [50_000]), (2, 0, [50_000]))
    assert cut(some) == some


def test_a_bite_ends_between_two_tenants_or_days() -> None:
    some = waiting((1, 0, [90_000]), (1, 1, [60_000]), (2, 1, [40_000, 40_000, 40_000]))
    assert cut(some) == some[:2]


def test_a_single_group_that_is_too_large_is_cut_inside() -> None:
    some = waiting((1, 0, [90_000, 90_000, 90_000]))
    assert cut(some) == some[:2]


def test_a_list_that_may_go_on_ends_before_its_last_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "FRAMES_MAX", 3)
    some = waiting((1, 0, [1, 1]), (1, 1, [1]))
    assert cut(some) == some[:2]


@given(st.lists(st.tuples(st.integers(1, 3), st.lists(st.integers(1, 150_000), min_size=1, max_size=5)), min_size=1))
def test_a_bite_is_never_empty_and_never_much_too_large(groups: list[tuple[int, list[int]]]) -> None:
    some = waiting(*[(day, 0, rows) for day, rows in sorted(groups)])
    taken = cut(some)
    assert taken == some[: len(taken)]
    assert taken
    assert len(taken) == 1 or sum(one.rows for one in taken) <= compaction.ROWS_MAX


def test_small_chunks_are_merged_first_and_large_ones_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "MERGED_ROWS_MAX", 100)
    there = [(ChunkId(TENANTS[0], f"ute-{n}", 1, 1), rows) for n, rows in enumerate([10, 40, 60, 70])]
    fresh = {(one.tenant, one.device, one.day): 5 for one, _ in there}
    assert compaction._worth_merging(there, fresh) == (there[0][0], there[1][0])


def test_a_chunk_never_grows_beyond_what_one_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction.codec, "ROWS_MAX", 100)
    there = [(ChunkId(TENANTS[0], "ute-0", 1, rev), rows) for rev, rows in ((1, 30), (2, 40), (3, 50))]
    assert compaction._worth_merging(there, {(TENANTS[0], "ute-0", 1): 20}) == (there[0][0], there[1][0])
