"""Loops that go on for ever: what breaks in one is told and tried again; a broken invariant ends the process."""

import asyncio
from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY

from shared.errors import Fatal, Poison, Retryable
from shared.observability.health import Health
from shared.rounds import PAUSE_S_MAX, Round, each, for_ever, pause_after


def failures(name: str) -> float:
    return REGISTRY.get_sample_value("ruc_shared_loop_failures_total", {"loop": name}) or 0.0


class Beats(Health):
    """How often a loop came round."""

    count = 0

    def beat(self, loop: str, *, stale_after_s: float = 60.0) -> None:
        self.count += 1
        super().beat(loop, stale_after_s=stale_after_s)


async def go_round(name: str, one: Round, until: Callable[[], bool]) -> Beats:
    """The loop, until so much is done; its end before that is raised."""
    health = Beats()
    loop = asyncio.create_task(for_ever(name, one, health, stale_after_s=0.03, idle_s=0.0))
    while not until():
        if loop.done():
            await loop
        await asyncio.sleep(0.001)
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop
    return health


@pytest.mark.parametrize("error", [Poison("not_as_frozen", "the snapshot"), KeyError("a column"), RuntimeError("?")])
async def test_a_round_that_breaks_is_counted_and_the_loop_goes_on(error: Exception) -> None:
    jobs: list[Exception | None] = [error, None]
    before = failures("render")

    async def one() -> bool:
        if not jobs:
            return False
        if (job := jobs.pop(0)) is not None:
            raise job
        return True

    health = await go_round("render", one, lambda: not jobs)
    assert failures("render") == before + 1
    assert health.count >= 2, "a loop that fails still comes round"


async def test_a_dependency_that_is_away_is_waited_for_and_is_no_failure() -> None:
    left = [Retryable("the database is away")] * 3
    before = failures("house")

    async def one() -> bool:
        if left:
            raise left.pop()
        return False

    await go_round("house", one, lambda: not left)
    assert failures("house") == before


async def test_a_broken_invariant_ends_the_loop_and_so_the_process() -> None:
    async def one() -> bool:
        raise Fatal("a position that does not fit its log")

    with pytest.raises(Fatal, match="does not fit"):
        await go_round("policy", one, lambda: False)


async def test_of_several_items_the_broken_one_alone_is_left() -> None:
    done: list[str] = []
    before = failures("holds")

    async def act(item: str) -> None:
        if item == "broken":
            raise ValueError(item)
        done.append(item)

    await each("holds", ["one", "broken", "two"], act)
    assert (done, failures("holds")) == (["one", "two"], before + 1)


@pytest.mark.parametrize("error", [Retryable("away"), Fatal("broken")])
async def test_of_several_items_none_is_tried_where_the_whole_is_away_or_broken(error: Exception) -> None:
    async def act(_item: str) -> None:
        raise error

    with pytest.raises(type(error)):
        await each("holds", ["one", "two"], act)


def test_pauses_grow_to_a_minute_and_stay_well_below_what_counts_as_hung() -> None:
    assert [pause_after(count, 3_600.0) for count in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 4.0]
    assert pause_after(1_000, 3_600.0) == PAUSE_S_MAX
    assert pause_after(1_000, 30.0) == 10.0
