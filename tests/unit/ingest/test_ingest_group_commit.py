"""Group commit: frames, owners, deadlines, bounds.  The log itself is tested on the real broker (tests/integration)."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from services.ingest.adapters import group_commit
from services.ingest.adapters.group_commit import BACKFILL_AGE_MS, GroupCommit, NotDurable, Overloaded, build_frames
from shared.contracts import pings as contract
from shared.contracts.frame import FRAME_BYTES_MAX
from shared.contracts.partitioning import partition_of
from shared.contracts.pings import LAYOUT, Pings, decode_pings
from shared.contracts.topics import BACKFILL, PINGS
from shared.errors import Retryable


def batch(
    devices: list[str], rows: int, *, tenant: str = "t", seed: int = 0, ids: bool = False, top: int = 100
) -> Pings:
    rng = np.random.default_rng(seed)
    columns = {name: rng.integers(0, top if name not in {"ignition", "valid"} else 2, rows) for name, _ in LAYOUT} | {
        "key": np.arange(rows) % len(devices)
    }
    texts = [rng.bytes(48).hex() for _ in range(rows)] if ids else None
    return contract.make([(tenant, device) for device in devices], columns, texts)


class Recorder:
    """Where frames go; `fails` says which partitions the log does not take."""

    def __init__(self, fails: Callable[[int], Exception | None] = lambda _: None) -> None:
        self.frames: list[tuple[str, int, bytes]] = []
        self.fails = fails
        self.gate = asyncio.Event()
        self.gate.set()

    async def append(self, topic: str, partition: int, value: bytes, *, deadline_s: float = 10.0) -> int:
        await self.gate.wait()
        error = self.fails(partition)
        if error is not None:
            raise error
        self.frames.append((topic, partition, value))
        return len(self.frames)


def rows_of(frames: list[tuple[str, int, bytes]]) -> int:
    return sum(len(decode_pings(value)) for _, _, value in frames)


def test_one_frame_a_partition_holds_every_row_of_its_devices() -> None:
    batches = [batch([f"d{i}" for i in range(30)], 200, seed=1), batch(["d1", "x"], 50, tenant="u", seed=2)]
    frames = build_frames(batches, BACKFILL_AGE_MS)
    assert len({one.partition for one in frames}) == len(frames)
    decoded = [decode_pings(one.frame) for one in frames]
    assert sum(map(len, decoded)) == 250
    for one, pings in zip(frames, decoded, strict=True):
        assert {partition_of(*key) for key in pings.keys} == {one.partition}
        assert set(one.owners.tolist()) == {0 if key[0] == "t" else 1 for key in pings.keys}


def test_frames_are_split_below_the_limit() -> None:
    frames = build_frames([batch(["one"], 10_000, ids=True, top=100_000)], BACKFILL_AGE_MS)
    assert len(frames) > 1
    assert all(len(one.frame) <= FRAME_BYTES_MAX for one in frames)
    assert sum(len(decode_pings(one.frame)) for one in frames) == 10_000


async def test_batches_of_one_window_share_frames_and_are_stamped() -> None:
    sink = Recorder()
    commit = GroupCommit(sink.append, lambda: 42)
    task = asyncio.create_task(commit.run())
    await asyncio.gather(*(commit.put(batch(["d"], 10, seed=i)) for i in range(20)))
    assert len(sink.frames) == 1
    assert sink.frames[0][:2] == (PINGS.name, partition_of("t", "d"))
    assert decode_pings(sink.frames[0][2]).received_ms.tolist() == [42] * 200
    task.cancel()


async def test_nothing_is_acknowledged_before_the_append() -> None:
    sink = Recorder()
    sink.gate.clear()
    commit = GroupCommit(sink.append, lambda: 42)
    task = asyncio.create_task(commit.run())
    waiting = asyncio.create_task(commit.put(batch(["d"], 10)))
    settled = asyncio.create_task(commit.settled())
    await asyncio.sleep(0.1)
    assert not waiting.done()
    assert not settled.done()
    sink.gate.set()
    await asyncio.gather(waiting, settled)
    task.cancel()


async def test_failed_partition_fails_only_the_batches_with_rows_in_it() -> None:
    devices = [f"d{i}" for i in range(40)]
    bad = partition_of("t", "d0")
    other = next(device for device in devices if partition_of("t", device) != bad)
    sink = Recorder(lambda partition: Retryable("away") if partition == bad else None)
    commit = GroupCommit(sink.append, lambda: 42)
    task = asyncio.create_task(commit.run())
    lost, kept = await asyncio.gather(
        commit.put(batch(["d0", other], 10)), commit.put(batch([other], 10)), return_exceptions=True
    )
    assert isinstance(lost, NotDurable)
    assert kept is None
    task.cancel()


async def test_deadline_is_our_own_and_late_answers_harm_nobody() -> None:
    sink = Recorder()
    sink.gate.clear()
    commit = GroupCommit(sink.append, lambda: 42, deadline_s=0.05)
    task = asyncio.create_task(commit.run())
    with pytest.raises(NotDurable, match="not acknowledged"):
        await commit.put(batch(["d"], 10))
    sink.gate.set()
    await commit.settled()
    await commit.put(batch(["d"], 10))
    assert rows_of(sink.frames) == 20
    task.cancel()


async def test_more_than_may_wait_is_refused_before_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "WAITING_PINGS_MAX", 100)
    sink = Recorder()
    sink.gate.clear()
    commit = GroupCommit(sink.append, lambda: 42)
    task = asyncio.create_task(commit.run())
    waiting = asyncio.create_task(commit.put(batch(["d"], 90)))
    await asyncio.sleep(0.05)
    with pytest.raises(Overloaded):
        await commit.put(batch(["d"], 11))
    sink.gate.set()
    await waiting
    await commit.put(batch(["d"], 100))
    assert rows_of(sink.frames) == 190
    task.cancel()


async def test_full_batch_does_not_wait_for_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "WINDOW_MIN_S", 30.0)
    monkeypatch.setattr(group_commit, "WINDOW_MAX_S", 30.0)
    monkeypatch.setattr(group_commit, "FLUSH_PINGS", 100)
    commit = GroupCommit(Recorder().append, lambda: 42)
    task = asyncio.create_task(commit.run())
    async with asyncio.timeout(5):
        await asyncio.gather(*(commit.put(batch(["d"], 50)) for _ in range(2)))
    task.cancel()


async def test_window_grows_while_the_log_is_slow() -> None:
    sink = Recorder()
    sink.gate.clear()
    commit = GroupCommit(sink.append, lambda: 42)
    task = asyncio.create_task(commit.run())
    puts = []
    for _ in range(6):
        puts.append(asyncio.create_task(commit.put(batch(["d"], 1))))
        await asyncio.sleep(0.03)
    assert group_commit.WINDOW_MIN_S < commit._load.window_s <= group_commit.WINDOW_MAX_S
    sink.gate.set()
    await asyncio.gather(*puts)
    for _ in range(6):
        await commit.put(batch(["d"], 1))
    assert commit._load.window_s == group_commit.WINDOW_MIN_S
    task.cancel()


async def test_error_of_our_own_ends_the_loop_and_acknowledges_nothing() -> None:
    commit = GroupCommit(Recorder(lambda _: ValueError("bug")).append, lambda: 42)
    task = asyncio.create_task(commit.run())
    with pytest.raises(NotDurable):
        await commit.put(batch(["d"], 1))
    with pytest.raises(ValueError, match="bug"):
        await asyncio.wait_for(task, 5)


async def test_what_is_queued_at_the_end_is_flushed() -> None:
    sink = Recorder()
    commit = GroupCommit(sink.append, lambda: 42)
    task = asyncio.create_task(commit.run())
    waiting = asyncio.create_task(commit.put(batch(["d"], 5)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await waiting
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled()
    assert rows_of(sink.frames) == 5


async def test_empty_batch_needs_no_log() -> None:
    await GroupCommit(Recorder().append, lambda: 42).put(batch(["d"], 10).take(np.zeros(10, np.bool_)))


def test_fixes_older_than_the_limit_at_their_receipt_go_to_the_backfill_lane() -> None:
    one = batch(["d1", "d2"], 60)
    age = np.arange(60) * 7_200_000  # up to 118 hours
    aged = replace(one, received_ms=one.ts_ms + age)
    frames = build_frames([aged], BACKFILL_AGE_MS)
    rows = {
        name: [r for f in frames if f.topic == name for r in _ages(f.frame)] for name in (PINGS.name, BACKFILL.name)
    }
    assert sorted(rows[PINGS.name]) == age[age <= BACKFILL_AGE_MS].tolist()
    assert sorted(rows[BACKFILL.name]) == age[age > BACKFILL_AGE_MS].tolist()
    for one_frame in frames:
        assert {partition_of(*key) for key in decode_pings(one_frame.frame).keys} == {one_frame.partition}


def _ages(frame: bytes) -> list[int]:
    rows = decode_pings(frame)
    return list((rows.received_ms - rows.ts_ms).tolist())
