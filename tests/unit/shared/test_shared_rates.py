"""Requests a key may make, and how often an address may fail: token buckets, pure but for the clock handed in."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.allowance import HOLDERS_MAX
from shared.http.problems import Problem
from shared.http.rates import Rates, above, address_of
from shared.settings import LimitSettings


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def rates(clock: Clock, per_s: int = 2, burst_s: int = 3, failures: int = 4) -> Rates:
    limits = LimitSettings(
        requests_per_s_per_key=per_s, request_burst_s=burst_s, failures_per_minute_per_address=failures
    )
    return Rates(limits, clock)


def test_a_key_makes_its_burst_and_then_its_rate() -> None:
    clock = Clock()
    made = rates(clock)
    assert [made.take("a", None).taken for _ in range(8)] == [True] * 6 + [False] * 2
    assert made.take("b", None).taken, "another key has its own"
    clock.now += 1
    assert [made.take("a", None).taken for _ in range(3)] == [True, True, False]


def test_the_headers_and_the_refusal_say_the_same() -> None:
    clock = Clock()
    made = rates(clock)
    assert made.take("a", None).headers() == {"RateLimit-Policy": '"key";q=6;w=3', "RateLimit": '"key";r=5;t=1'}
    for _ in range(5):
        last = made.take("a", None)
    assert last.headers()["RateLimit"] == '"key";r=0;t=3'
    refused = above(made.take("a", None))
    assert (refused.status, refused.code, refused.extra["limit_per_s"]) == (429, "too_many_requests", 2)
    assert (refused.headers or {})["Retry-After"] == "1"


def test_a_key_may_have_a_limit_of_its_own() -> None:
    made = rates(Clock())
    assert [made.take("a", 1).taken for _ in range(4)] == [True, True, True, False]
    assert made.take("b", None).limit_per_s == 2


@given(st.lists(st.floats(0, 2), min_size=1, max_size=200))
def test_no_more_is_ever_taken_than_burst_and_rate_allow(waits: list[float]) -> None:
    clock = Clock()
    made, taken = rates(clock), 0
    for wait in waits:
        clock.now += wait
        taken += made.take("a", None).taken
        assert taken <= 6 + 2 * (clock.now - 100.0) + 1e-6


@given(
    st.integers(1, 50),
    st.integers(1, 10),
    st.integers(1, 8),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), max_size=200),
)
def test_several_processes_together_never_give_more_than_the_limit_and_each_tells_the_truth(
    per_s: int, burst_s: int, processes: int, asked: list[tuple[float, int]]
) -> None:
    """Whichever process the requests come to.  A share is at least one request."""
    clock = Clock()
    limits = LimitSettings(requests_per_s_per_key=per_s, request_burst_s=burst_s, processes=processes)
    made, taken = [Rates(limits, clock) for _ in range(processes)], 0
    for wait, at in asked:
        clock.now += wait
        one = made[at % processes]
        standing = one.take("a", None)
        taken += standing.taken
        assert taken <= max(per_s * burst_s, processes) + per_s * (clock.now - 100.0) + 1e-6
        if not standing.taken:
            clock.now += standing.wait_s
            assert one.take("a", None).taken, "after Retry-After there is room"
            taken += 1


def test_the_share_of_a_process_is_what_its_headers_say() -> None:
    limits = LimitSettings(
        requests_per_s_per_key=10, request_burst_s=10, processes=4, failures_per_minute_per_address=4
    )
    made = Rates(limits, Clock())
    standing = made.take("a", None)
    assert standing.headers() == {"RateLimit-Policy": '"key";q=25;w=10', "RateLimit": '"key";r=24;t=1'}
    assert [made.take("a", None).taken for _ in range(25)] == [True] * 24 + [False]
    assert above(made.take("a", None)).extra["limit_per_s"] == 10, "the whole limit"
    made.failed("10.0.0.1")
    with pytest.raises(Problem):
        made.failed("10.0.0.1")


def test_an_address_that_fails_too_often_waits_and_is_let_in_again() -> None:
    clock = Clock()
    made = rates(clock)
    for _ in range(4):
        made.failed("10.0.0.1")
    with pytest.raises(Problem) as refused:
        made.failed("10.0.0.1")
    assert (refused.value.status, refused.value.code) == (429, "too_many_failures")
    made.let_in("10.0.0.2")
    clock.now += 16
    made.let_in("10.0.0.1")


def test_memory_is_bounded() -> None:
    made = rates(Clock())
    for number in range(HOLDERS_MAX + 10):
        made.take(str(number), None)
        made.failed(str(number))
    assert [len(bucket._buckets) for bucket in [*made._keys.values(), made._failures]] == [HOLDERS_MAX] * 2


@pytest.mark.parametrize(
    ("host", "same_as", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("testclient", "", False),
    ],
)
def test_an_address_is_a_holder(host: str, same_as: str, same: bool) -> None:
    def of(name: str) -> str:
        client = SimpleNamespace(host=name) if name else None
        return address_of(cast("Any", SimpleNamespace(client=client)))

    assert (of(host) == of(same_as)) is same
