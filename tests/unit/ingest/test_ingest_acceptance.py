"""Clocks, duplicates and allowances: the pure decisions of ingest."""

import json

import numpy as np
import pytest

from services.ingest.api.intake import read_batch
from services.ingest.domain.acceptance import DAY_MS, ClockPolicy, duplicates_within, judge_clocks
from services.ingest.providers import neutral
from shared.allowance import HOLDERS_MAX, Allowance
from shared.contracts.neutral import parse_json
from shared.errors import Poison

NOW = 1_772_474_401_000
POLICY = ClockPolicy()
GOOD = {"device_id": "ute-7", "ts": NOW, "lat": -40.25, "lng": 175.5}


def test_clock_limits_themselves_are_taken() -> None:
    ts = np.array([NOW + 300_000, NOW + 300_001, NOW - 800 * DAY_MS, NOW - 800 * DAY_MS - 1, NOW])
    taken, refusals = judge_clocks(ts, NOW, POLICY)
    assert taken.tolist() == [True, False, True, False, True]
    assert [(one.at, one.code) for one in refusals] == [(1, "ts_future"), (3, "ts_too_old")]


def test_clock_refusals_say_what_to_do() -> None:
    _, refusals = judge_clocks(np.array([NOW + 3_600_000, NOW - 801 * DAY_MS]), NOW, POLICY)
    assert "3600 s after our clock" in refusals[0].detail
    assert "time zone" in refusals[0].detail
    assert "more than 800 days" in refusals[1].detail


def test_policy_can_be_changed() -> None:
    taken, _ = judge_clocks(np.array([NOW + 1, NOW - 1]), NOW, ClockPolicy(0, 0))
    assert taken.tolist() == [False, False]


def test_DI4_identical_fixes_are_duplicates_contradicting_ones_are_not() -> None:
    rows = [
        GOOD,
        GOOD | {"id": "other"},
        GOOD | {"lat": -40.3},
        GOOD | {"device_id": "ute-8"},
        GOOD | {"ts": NOW + 1},
        GOOD,
    ]
    assert duplicates_within(parse_json(json.dumps(rows).encode()).pings) == 2
    assert duplicates_within(parse_json(b"[]").pings) == 0


def test_batch_keeps_refused_rows_as_they_were_sent() -> None:
    rows = [GOOD, GOOD | {"ts": NOW + 10**9, "extra": 1}, {"x": 1}]
    sent = [json.dumps(row).encode() for row in rows]
    for media, body in (
        ("application/json", b"[" + b",".join(sent) + b"]"),
        ("application/x-ndjson", b"\n".join(sent)),
    ):
        batch = read_batch(body, media, "t", NOW, POLICY)
        assert [(one.row, one.code, one.body) for one in batch.refused] == [
            (1, "ts_future", sent[1]),
            (2, "missing_field", sent[2]),
        ]
        assert batch.refused[0].device == "ute-7"
        assert batch.pings.keys[int(batch.pings.key[0])] == ("t", "ute-7")
        assert len(batch.pings) == 1
        assert batch.unknown_fields == {"extra": 1}


def test_resent_body_has_the_same_origin() -> None:
    first, again = (read_batch(b"[1]", "application/json", "t", now, POLICY) for now in (NOW, NOW + 5))
    assert first.origin == again.origin
    assert first.origin != read_batch(b"[1]", "application/json", "u", NOW, POLICY).origin
    assert first.origin != read_batch(b"[2]", "application/json", "t", NOW, POLICY).origin


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "broken_body"),
        (b"  \n", "broken_body"),
        (b"[" + b"1," * 500_001, "too_many_values"),
        (b"[" + b"1," * 10_000 + b"1]", "too_many_rows"),
    ],
)
def test_body_that_cannot_be_used_at_all(body: bytes, code: str) -> None:
    with pytest.raises(Poison) as raised:
        neutral.read(body, "application/json", "t", 10_000)
    assert raised.value.code == code


def test_allowance_lets_a_request_overdraw_then_waits_for_the_debt() -> None:
    rate = Allowance(per_s=100, burst=200)
    assert rate.wait_s("k", 0) == 0
    rate.charge("k", 450, 0)
    assert rate.wait_s("k", 0) == 3
    assert rate.wait_s("k", 2.0) == 1
    assert rate.wait_s("k", 2.51) == 0
    assert rate.wait_s("other", 0) == 0


def test_allowance_fills_up_to_its_burst_and_survives_a_clock_that_goes_back() -> None:
    rate = Allowance(per_s=10, burst=20)
    assert rate.take_up_to("t", 15, 100) == 15
    assert rate.take_up_to("t", 15, 50) == 5
    assert rate.take_up_to("t", 15, 50) == 0
    assert rate.take_up_to("t", 100, 10_000) == 20


def test_allowance_of_nothing_gives_nothing() -> None:
    assert Allowance(per_s=0, burst=0).take_up_to("t", 5, 1e9) == 0


def test_allowance_remembers_a_bounded_number_of_holders() -> None:
    rate = Allowance(per_s=1, burst=1)
    for holder in range(HOLDERS_MAX + 10):
        rate.charge(str(holder), 1, 0)
    assert len(rate._buckets) == HOLDERS_MAX
