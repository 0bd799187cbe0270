"""How many neutral pings a second one core reads: the number is printed, the floor leaves room for a busy machine."""

import time

import pytest

from shared.contracts.neutral import parse_ndjson

ROWS = 10_000
TARGET_PER_S = 300_000
FLOOR_PER_S = 100_000
ROW = (
    b'{"device_id":"ute-%d","ts":"2026-03-02T18:%02d:%02d.%03dZ","lat":-40.%06d,"lng":175.%06d,"speed_kmh":%d.5,'
    b'"heading_deg":123.4,"accuracy_m":5.0,"odometer_m":%d.5,"ignition":true}'
)


def body(*, broken: bool) -> bytes:
    rows = [ROW % (i % 500, i % 60, i % 59, i % 1000, i % 10**6, i * 7 % 10**6, i % 100, i * 13) for i in range(ROWS)]
    return b"\n".join([*rows, b"{"] if broken else rows)


@pytest.mark.parametrize("broken", [False, True], ids=["clean", "one broken line"])
def test_neutral_parse_speed(broken: bool) -> None:
    data = body(broken=broken)
    best = float("inf")
    for _ in range(8):
        began = time.process_time()
        parsed = parse_ndjson(data)
        best = min(best, time.process_time() - began)
    assert len(parsed.pings) == ROWS
    rate = ROWS / best
    print(f"\n{'one broken line' if broken else 'clean'}: {rate:,.0f} pings/s of CPU (target {TARGET_PER_S:,} clean)")
    assert rate > FLOOR_PER_S
