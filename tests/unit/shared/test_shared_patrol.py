"""Patrol: a log that grows while nothing comes ends the process; slow and busy readers are left alone."""

import pytest

from shared.stream import patrol
from shared.stream.connection import StreamUnavailable
from shared.stream.patrol import Patrol
from shared.stream.positions import TP, Position
from shared.stream.probe import LogState

A, B = ("t", 0), ("t", 1)
POSITIONS = {tp: Position(*tp, "id", 10, None, 0) for tp in (A, B)}


class Brokers:
    """Answers as the probe does."""

    def __init__(self) -> None:
        self.ends = {A: 10, B: 10}
        self.topic_id = "id"
        self.away = False

    async def states(self, partitions: dict[TP, Position]) -> dict[TP, LogState]:
        if self.away:
            raise StreamUnavailable("away")
        return {tp: LogState(self.topic_id, 0, self.ends[tp]) for tp in partitions}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def brokers() -> Brokers:
    return Brokers()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(brokers: Brokers, clock: Clock) -> Patrol:
    made = Patrol("group", brokers, clock)  # type: ignore[arg-type]
    made.arrived(POSITIONS)
    return made


async def rounds(watch: Patrol, clock: Clock, seconds: float) -> set[TP]:
    seen: set[TP] = set()
    for _ in range(int(seconds / patrol.EVERY_S)):
        clock.now += patrol.EVERY_S
        seen |= await watch.round(POSITIONS)
    return seen


async def test_idle_logs_are_no_stall(watch: Patrol, clock: Clock) -> None:
    assert await rounds(watch, clock, 600) == set()


async def test_waiting_records_that_never_come_end_the_process(watch: Patrol, clock: Clock, brokers: Brokers) -> None:
    brokers.ends[B] = 13
    with pytest.raises(StreamUnavailable, match="t/1: 3 records wait"):
        await rounds(watch, clock, patrol.STALLED_AFTER_S + 2 * patrol.EVERY_S)


async def test_a_full_batch_excuses_those_that_had_no_room(watch: Patrol, clock: Clock, brokers: Brokers) -> None:
    brokers.ends = {A: 1_000, B: 1_000}
    for _ in range(20):
        await rounds(watch, clock, patrol.EVERY_S)
        watch.arrived([A], full=True)


async def test_a_topic_created_again_is_suspect(watch: Patrol, clock: Clock, brokers: Brokers) -> None:
    brokers.topic_id = "other"
    assert await rounds(watch, clock, patrol.EVERY_S) == {A, B}


async def test_brokers_away_are_no_verdict(watch: Patrol, clock: Clock, brokers: Brokers) -> None:
    brokers.ends[A], brokers.away = 99, True
    assert await rounds(watch, clock, 600) == set()
    assert watch.trouble == "Kafka does not answer: away"
    brokers.away = False
    watch.arrived(POSITIONS)
    await rounds(watch, clock, patrol.EVERY_S)
    assert watch.trouble is None


async def test_it_asks_only_when_due(watch: Patrol, clock: Clock, brokers: Brokers) -> None:
    brokers.topic_id = "other"
    clock.now += patrol.EVERY_S - 1
    assert await watch.round(POSITIONS) == set()
    clock.now += 1
    assert await watch.round({}) == set()
    assert await watch.round(POSITIONS) == {A, B}
