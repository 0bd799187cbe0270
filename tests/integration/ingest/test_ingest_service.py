"""The ingest process on real Kafka and Postgres: what it acknowledges is in the topic, what it refuses is in the table."""

import gzip
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest
import zstandard

from shared.clock import system_clock
from shared.contracts.frame import read_header
from shared.contracts.partitioning import partition_of
from shared.contracts.pings import decode_pings, decode_tick
from shared.contracts.topics import PINGS, SCHEMA_TICK
from tests.integration.ingest.conftest import Ingest

pytestmark = pytest.mark.integration


def ping(device: str = "ute-7", **more: Any) -> dict[str, Any]:
    return {"device_id": device, "ts": system_clock() - 60_000, "lat": -40.25, "lng": 175.5} | more


def stored(ingest: Ingest) -> list[tuple[str, str, int, int]]:
    """(tenant, device, partition, ts_ms) of every ping of this tenant in the topic."""
    out = []
    for partition, value in ingest.values(PINGS):
        if read_header(value).schema != SCHEMA_TICK:
            pings = decode_pings(value)
            rows = zip(pings.key.tolist(), pings.ts_ms.tolist(), strict=True)
            out += [(*pings.keys[key], partition, ts) for key, ts in rows if pings.keys[key][0] == str(ingest.tenant)]
    return out


def test_nothing_acknowledged_is_missing_from_the_topic(ingest: Ingest) -> None:
    now = system_clock()

    def send(number: int) -> int:
        rows = [ping(f"d{number}-{i % 7}", ts=now - number * 1000 - i) for i in range(50)]
        answer = ingest.post(rows)
        assert answer.status_code == 202, answer.text
        accepted: int = answer.json()["accepted"]
        return accepted

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(send, range(60))) == 3000
    rows = stored(ingest)
    assert len(rows) == 3000
    assert {(device, ts) for _, device, _, ts in rows} == {
        (f"d{n}-{i % 7}", now - n * 1000 - i) for n in range(60) for i in range(50)
    }
    assert {tenant for tenant, *_ in rows} == {str(ingest.tenant)}
    assert all(partition == partition_of(tenant, device) for tenant, device, partition, _ in rows)
    frames = [value for _, value in ingest.values(PINGS) if read_header(value).schema != SCHEMA_TICK]
    assert len(frames) < 60 * 7  # batches posted at once share frames


@pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
def test_ndjson_in_every_encoding(ingest: Ingest, encoding: str) -> None:
    body = b"\n".join(json.dumps(ping(ts=system_clock() - i)).encode() for i in range(100)) + b"\nbroken"
    packed = {"identity": body, "gzip": gzip.compress(body), "zstd": zstandard.compress(body)}[encoding]
    answer = ingest.post(packed, Content_Type="application/x-ndjson", Content_Encoding=encoding)
    assert answer.status_code == 207
    assert answer.json()["accepted"] == 100
    assert [(one["index"], one["code"]) for one in answer.json()["refused"]] == [(100, "bad_json")]
    assert len(stored(ingest)) == 100


def test_G7_bad_input_gets_a_problem_that_says_what_to_do(ingest: Ingest) -> None:
    bomb = gzip.compress(b" " * 40_000_000)
    cases: list[tuple[httpx.Response, int, str, str]] = [
        (ingest.post(b"[{]"), 400, "broken_body", "byte 2"),
        (ingest.post(b""), 400, "broken_body", "empty"),
        (ingest.post(b"no gzip", Content_Encoding="gzip"), 400, "broken_encoding", ""),
        (ingest.post(b"no zstd", Content_Encoding="zstd"), 400, "broken_encoding", ""),
        (ingest.post([ping()], Authorization="Bearer rucor_00000000_" + "x" * 43), 401, "unauthorized", "API key"),
        (ingest.post([ping()], Authorization=""), 401, "unauthorized", "Authorization"),
        (ingest.post([ping()], Authorization=f"Bearer {ingest.new_key(ingest.tenant, ('pings:read',))}"), 403, "scope_missing", "pings:write"),
        (ingest.post([1] * 10_001), 413, "too_many_pings", "10000"),
        (ingest.post(b"[" + b" " * 10_000_001), 413, "payload_too_large", "10000000"),
        (ingest.post(bomb, Content_Encoding="gzip"), 413, "payload_too_large", "10000000"),
        (ingest.post(zstandard.compress(b" " * 40_000_000), Content_Encoding="zstd"), 413, "payload_too_large", "10000000"),
        (ingest.post([ping()], Content_Type="text/csv"), 415, "unsupported_media_type", "application/json"),
        (ingest.post([ping()], Content_Encoding="br"), 415, "unsupported_encoding", "gzip"),
        (ingest.post([ping(lat=175.5)]), 422, "nothing_usable", ""),
    ]  # fmt: skip
    for answer, status, code, words in cases:
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        document = answer.json()
        assert document["code"] == code
        assert words in document["detail"]
    assert stored(ingest) == []


def test_G7_valid_rows_beside_bad_ones_are_durable_and_the_bad_ones_quarantined(ingest: Ingest) -> None:
    now = system_clock()
    rows = [
        ping("good-1"), ping("ahead", ts=now + 3_600_000), ping("old", ts=now - 801 * 86_400_000), ping("swapped", lat=175.5),
        {"device_id": "short"}, ping("fast", speed_kmh=1200), ping("null-island", lat=0, lng=0), ping("good-2"), "text",
    ]  # fmt: skip
    answer = ingest.post(rows)
    assert answer.status_code == 207
    receipt = answer.json()
    codes = {1: "ts_future", 2: "ts_too_old", 3: "lat_range", 4: "missing_field", 5: "speed_range", 8: "not_an_object"}
    assert {one["index"]: one["code"] for one in receipt["refused"]} == codes
    assert (receipt["accepted"], receipt["quarantined"]) == (3, 6)
    assert {device for _, device, _, _ in stored(ingest)} == {"good-1", "null-island", "good-2"}
    ingest.wait_until(lambda: len(ingest.quarantine()["items"]) == 6)
    items = ingest.quarantine()["items"]
    assert {item["row"]: item["code"] for item in items} == codes
    assert {item["row"]: json.loads(item["body"]) for item in items} == {at: rows[at] for at in codes}
    assert {item["device_id"] for item in items} == {"ahead", "old", "swapped", "short", "fast", ""}

    assert ingest.post(rows).status_code == 207  # the client does not read its answers
    time.sleep(1.0)
    assert len(ingest.quarantine()["items"]) == 6

    pages, cursor = [], None
    while True:
        page = ingest.quarantine(limit=4, **({"cursor": cursor} if cursor else {}))
        pages.append([item["row"] for item in page["items"]])
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [len(page) for page in pages] == [4, 2]
    assert sorted(row for page in pages for row in page) == sorted(codes)
    assert [item["device_id"] for item in ingest.quarantine(code="speed_range")["items"]] == ["fast"]
    assert [item["code"] for item in ingest.quarantine(device_id="old")["items"]] == ["ts_too_old"]


def test_G6_a_tenant_sees_only_its_own_quarantine(ingest: Ingest) -> None:
    assert ingest.post([ping("mine", lat=91)]).status_code == 422
    own, ingest.tenant = ingest.key, uuid4()
    ingest.key = ingest.new_key(ingest.tenant)
    assert ingest.post([ping("theirs", lat=91)]).status_code == 422
    ingest.wait_until(lambda: [row["device_id"] for row in ingest.quarantine()["items"]] == ["theirs"])
    ingest.key = own
    ingest.wait_until(lambda: [row["device_id"] for row in ingest.quarantine()["items"]] == ["mine"])


def test_ticks_reach_every_partition_and_follow_what_came_before(ingest: Ingest) -> None:
    def ticks() -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for partition, value in ingest.values(PINGS):
            if read_header(value).schema == SCHEMA_TICK:
                found.setdefault(partition, []).append(decode_tick(value))
        return found

    assert set(ticks()) == set(range(PINGS.partitions))
    ingest.post([ping(f"d{i}") for i in range(100)])
    before = len(ticks()[0])
    ingest.wait_until(lambda: len(ticks()[0]) > before, within_s=12)
    last: dict[int, int] = {}
    for partition, value in ingest.values(PINGS):
        if read_header(value).schema == SCHEMA_TICK:
            assert decode_tick(value) >= last.get(partition, 0)
            last[partition] = decode_tick(value)
        else:
            assert int(decode_pings(value).received_ms.min()) >= last.get(partition, 0)


def test_a_key_that_sends_leaves_one_row_an_hour_and_each_look_at_the_quarantine_one_of_its_own(ingest: Ingest) -> None:
    for _ in range(5):
        assert ingest.post([ping()]).status_code == 202
    assert ingest.post([{"device_id": "x"}]).status_code == 422
    for _ in range(2):
        ingest.quarantine(device_id="ute-7")
    rows = ingest.audit_log()
    told = [(row["method"], row["route"], row["status"], row["things"]) for row in rows]
    sent = told.count(("POST", "/v1/pings", 202, {}))
    assert 1 <= sent <= 2, "one, or two over the full hour"
    assert told.count(("POST", "/v1/pings", 422, {})) == 1
    assert told.count(("GET", "/v1/quarantine", 200, {"device_id": "ute-7"})) == 2
    assert len(told) == sent + 3
    assert {row["key_id"] for row in rows} == {ingest.key[6:14]}


def test_pings_are_not_acknowledged_where_the_audit_log_takes_no_row(ingest: Ingest) -> None:
    ingest.as_superuser("revoke insert on ingest.audit_log from rucor_ingest_api")
    try:
        answer = ingest.post([ping()])
    finally:
        ingest.as_superuser("grant insert on ingest.audit_log to rucor_ingest_api")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert ingest.post([ping()]).status_code == 202
