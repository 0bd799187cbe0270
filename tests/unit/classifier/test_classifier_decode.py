"""Records to columns: what is broken is kept with its reason, what stands beside it is used (guarantee G7)."""

import json
import uuid

import numpy as np
import zstandard

from services.classifier.application.decode import BROKEN_PART_BYTES, decode
from shared.contracts import pings
from shared.contracts.frame import encode_structs, read_header
from shared.contracts.neutral import parse_json
from shared.contracts.partitioning import partition_of
from shared.contracts.pings import Pings
from shared.contracts.topics import PARTITIONS, PINGS, SCHEMA_DEVICE_DAYS
from shared.stream.log import Record

TENANT = str(uuid.UUID(int=7))
KEY = (TENANT, "ute-1")
START_MS = 1_772_400_000_000


def some_fixes(count: int = 5, key: tuple[str, str] = KEY) -> Pings:
    columns = {name: np.full(count, -1) for name, _ in pings.LAYOUT} | {
        "key": np.zeros(count), "ts_ms": START_MS + np.arange(count) * 1_000,
        "lat_e6": np.full(count, -40_000_000), "lng_e6": np.full(count, 175_000_000), "speed_mmps": np.full(count, 10_000),
    }  # fmt: skip
    return pings.make([key], columns)


def record(value: bytes, offset: int = 0, partition: int | None = None) -> Record:
    return Record(PINGS.name, partition_of(*KEY) if partition is None else partition, offset, value)


def test_frames_become_one_batch_that_knows_where_each_row_came_from() -> None:
    batch = decode(
        [record(pings.encode_pings(some_fixes(2)), 4), record(pings.encode_pings(some_fixes(3)), 5)],
        code_version="9.9",
    )  # fmt: skip
    assert len(batch) == 5
    assert [batch.origin(row)[1:] for row in range(5)] == [
        (partition_of(*KEY), offset, row) for offset, row in ((4, 0), (4, 1), (5, 0), (5, 1), (5, 2))
    ]
    assert not batch.broken


def test_no_records_are_an_empty_batch() -> None:
    batch = decode([], code_version="9.9")
    assert len(batch) == 0
    assert (batch.ticks, batch.broken) == ({}, ())


def test_the_highest_tick_of_each_partition_counts() -> None:
    batch = decode(
        [record(pings.encode_tick(START_MS + at), at, partition) for at, partition in ((5, 1), (3, 1), (4, 2))],
        code_version="9.9",
    )  # fmt: skip
    assert batch.ticks_of(PINGS.name) == {1: START_MS + 5, 2: START_MS + 4}


def test_G7_a_broken_frame_is_quarantined_whole_and_stops_nothing() -> None:
    good = pings.encode_pings(some_fixes())
    torn = bytes([*good[:40], good[40] ^ 1, *good[41:]])
    batch = decode([record(torn, 0), record(good, 1), record(b"", 2), record(b"no frame", 3)], code_version="9.9")
    assert len(batch) == 5
    assert [(one.offset, one.code, one.body) for one in batch.broken] == [
        (0, "frame_broken", torn), (2, "frame_broken", b""), (3, "frame_broken", b"no frame"),
    ]  # fmt: skip
    assert {one.code_version for one in batch.broken} == {"9.9"}


def test_G7_a_large_broken_frame_is_kept_whole_in_parts() -> None:
    value = np.random.default_rng(1).bytes(BROKEN_PART_BYTES * 2 + 5)
    batch = decode([record(value, 8)], code_version="9.9")
    assert b"".join(one.body for one in batch.broken) == value
    assert [one.row for one in batch.broken] == [0, 1, 2]


def test_G7_a_valid_checksum_over_garbage_is_quarantined() -> None:
    whole = pings.encode_pings(some_fixes())
    head = whole[:16]
    body = b"not zstandard"
    import google_crc32c

    crc = google_crc32c.value(head + b"\0\0\0\0" + body).to_bytes(4, "little")
    frame = head + crc + body
    assert read_header(frame).rows == 5
    batch = decode([record(frame, 3)], code_version="9.9")
    assert [(one.code, one.offset) for one in batch.broken] == [("frame_unreadable", 3)]
    assert zstandard.ZstdError.__name__ in batch.broken[0].detail


def test_a_frame_of_another_schema_is_quarantined() -> None:
    batch = decode([record(encode_structs(SCHEMA_DEVICE_DAYS, []))], code_version="9.9")
    assert [one.code for one in batch.broken] == ["frame_schema"]


def test_a_tick_outside_the_calendar_settles_nothing() -> None:
    batch = decode([record(pings.encode_tick(10**17))], code_version="9.9")
    assert batch.ticks == {}
    assert [one.code for one in batch.broken] == ["tick_range"]


def test_rows_that_cannot_be_held_are_taken_out_one_by_one() -> None:
    fixes = some_fixes(4)
    columns = fixes.columns() | {
        "ts_ms": np.array([START_MS, 10**15, START_MS + 2, START_MS + 3]),
        "lat_e6": np.array([-40_000_000, -40_000_000, 90_000_001, -40_000_000]),
    }
    batch = decode([record(pings.encode_pings(pings.make([KEY], columns)), 6)], code_version="9.9")
    assert batch.pings.ts_ms.tolist() == [START_MS, START_MS + 3]
    assert batch.rows.tolist() == [0, 3]
    assert [(one.code, one.row, one.tenant, one.device) for one in batch.broken] == [
        ("bad_ts", 1, *KEY), ("lat_range", 2, *KEY),
    ]  # fmt: skip


def test_a_quarantined_row_can_be_posted_again() -> None:
    stranger = ("not-a-tenant", "ute-1")
    frame = pings.encode_pings(some_fixes(1, stranger))
    batch = decode([record(frame, 1, partition_of(*stranger))], code_version="9.9")
    (row,) = batch.broken
    assert row.code == "tenant_unknown"
    again = parse_json(b"[" + row.body + b"]")
    assert again.pings.lat_e6.tolist() == [-40_000_000]
    assert json.loads(row.body)["device_id"] == "ute-1"


def test_a_fix_in_the_wrong_partition_is_refused_because_nothing_would_fence_it() -> None:
    wrong = (partition_of(*KEY) + 1) % PARTITIONS
    batch = decode([record(pings.encode_pings(some_fixes(2)), 1, wrong)], code_version="9.9")
    assert len(batch) == 0
    assert [one.code for one in batch.broken] == ["wrong_partition"] * 2


def test_a_device_id_that_no_database_can_hold_is_refused() -> None:
    bad = (TENANT, "ute\x001")
    batch = decode([record(pings.encode_pings(some_fixes(1, bad)), 1, partition_of(*bad))], code_version="9.9")
    assert [one.code for one in batch.broken] == ["device_id_chars"]
