"""Every refusal code of the neutral ping, and that what stands beside a refused row is kept (design G7)."""

import json
from typing import Any

import pytest

from shared.contracts.neutral import Parsed, parse_json, parse_ndjson
from shared.errors import Poison

GOOD: dict[str, Any] = {"device_id": "ute-7", "ts": "2026-03-02T18:00:01Z", "lat": -40.25, "lng": 175.5}


def ndjson(*rows: dict[str, Any] | bytes) -> bytes:
    return b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)


def refusals(parsed: Parsed) -> list[tuple[int, str]]:
    return [(one.row, one.code) for one in parsed.refused]


CASES = [
    ("bad_json", b'{"device_id": "x", '),
    ("bad_json", b'{"device_id":"a\xff","ts":1767582245,"lat":1,"lng":2}'),
    ("bad_json", b'{"device_id":"\\ud800","ts":1767582245,"lat":1,"lng":2}'),
    ("bad_json", b'{"device_id":"a","ts":1,"lat":NaN,"lng":2}'),
    ("bad_json", b'{"x":' + b"[" * 50_000),
    ("bad_json", b"{}{}"),
    ("not_an_object", b"3"),
    ("not_an_object", b'["a"]'),
    ("not_an_object", b'"text"'),
    ("not_an_object", b"null"),
    ("missing_field", b"{}"),
    ("missing_field", GOOD | {"ts": None}),
    ("missing_field", {k: v for k, v in GOOD.items() if k != "lat"}),
    ("bad_type", GOOD | {"lat": "-40.25"}),
    ("bad_type", GOOD | {"lat": True}),
    ("bad_type", GOOD | {"device_id": ["a"]}),
    ("bad_type", GOOD | {"device_id": False}),
    ("bad_type", GOOD | {"ignition": 1}),
    ("bad_type", GOOD | {"valid": "true"}),
    ("bad_type", GOOD | {"id": {"a": 1}}),
    ("bad_type", GOOD | {"speed_kmh": "fast"}),
    ("bad_ts", GOOD | {"ts": "2026-03-02T18:00:01"}),
    ("bad_ts", GOOD | {"ts": "2026-02-30T18:00:01Z"}),
    ("bad_ts", GOOD | {"ts": "yesterday"}),
    ("bad_ts", GOOD | {"ts": ""}),
    ("bad_ts", GOOD | {"ts": "2026-03-02T18:00:6०Z"}),
    ("bad_ts", GOOD | {"ts": -1}),
    ("bad_ts", GOOD | {"ts": 10**30}),
    ("bad_ts", GOOD | {"ts": 1e300}),
    ("device_id_length", GOOD | {"device_id": ""}),
    ("device_id_length", GOOD | {"device_id": "d" * 129}),
    ("device_id_chars", GOOD | {"device_id": "a\0b"}),
    ("id_length", GOOD | {"id": "i" * 129}),
    ("lat_range", GOOD | {"lat": 175.5, "lng": -40.25}),
    ("lat_range", GOOD | {"lat": -40_250_000}),
    ("lat_range", b'{"device_id":"a","ts":1767582245,"lat":1e999,"lng":2}'),
    ("lng_range", GOOD | {"lng": -180.000001}),
    ("speed_range", GOOD | {"speed_kmh": 1000.01}),
    ("speed_range", GOOD | {"speed_kmh": -2}),
    ("heading_range", GOOD | {"heading_deg": 360.1}),
    ("heading_range", GOOD | {"heading_deg": -0.5}),
    ("accuracy_range", GOOD | {"accuracy_m": -3}),
    ("accuracy_range", GOOD | {"accuracy_m": 1_000_001}),
    ("hdop_range", GOOD | {"hdop": 10_001}),
    ("odometer_range", GOOD | {"odometer_m": -1}),
    ("odometer_range", GOOD | {"odometer_m": 1.1e10}),
]


@pytest.mark.parametrize(("code", "row"), CASES)
def test_refused_row_has_its_code_and_its_neighbours_stay(code: str, row: dict[str, Any] | bytes) -> None:
    parsed = parse_ndjson(ndjson(GOOD, row, GOOD | {"device_id": "ute-8"}))
    assert refusals(parsed) == [(1, code)]
    assert parsed.index.tolist() == [0, 2]
    assert [parsed.pings.keys[k] for k in parsed.pings.key] == [("", "ute-7"), ("", "ute-8")]
    assert parsed.rows == 3
    assert parsed.refused[0].detail
    assert parsed.refused[0].body == ndjson(row)[:4096]


@pytest.mark.parametrize(("code", "row"), [case for case in CASES if isinstance(case[1], dict)])
def test_array_refuses_the_same_rows_as_ndjson(code: str, row: dict[str, Any]) -> None:
    parsed = parse_json(json.dumps([GOOD, row, GOOD]).encode())
    assert refusals(parsed) == [(1, code)]
    assert parsed.index.tolist() == [0, 2]


@pytest.mark.parametrize("body", [b"[", b"[{}", b"{", b"nonsense", b"[1 2]", b'{"pings":[}', b"[" * 50_000])
def test_broken_array_names_the_place(body: bytes) -> None:
    with pytest.raises(Poison) as raised:
        parse_json(body)
    assert raised.value.code == "broken_body"
    assert raised.value.detail


def test_refusal_names_the_device_where_it_can_be_read() -> None:
    parsed = parse_ndjson(ndjson(GOOD | {"lat": None}, GOOD | {"lat": 91}, b'{"device_id": 12.50}', b"{"))
    assert [one.device for one in parsed.refused] == ["ute-7", "ute-7", "12.50", ""]


def test_first_fault_of_a_row_is_the_one_reported() -> None:
    assert refusals(parse_ndjson(ndjson(GOOD | {"lat": 91, "lng": 181, "ts": "x"}))) == [(0, "bad_ts")]


def test_zero_zero_and_invalid_fixes_are_evidence_and_accepted() -> None:
    parsed = parse_ndjson(ndjson(GOOD | {"lat": 0, "lng": 0}, GOOD | {"valid": False}))
    assert parsed.refused == []
    assert parsed.pings.lat_e6.tolist() == [0, -40_250_000]
    assert parsed.pings.valid.tolist() == [-1, 0]


def test_detail_of_swapped_coordinates_says_so() -> None:
    (one,) = parse_ndjson(ndjson(GOOD | {"lat": 175.5})).refused
    assert "swapped" in one.detail
    assert "175.5" in one.detail


@pytest.mark.parametrize("lines", [3, 4])
def test_row_limit_counts_lines_before_they_are_split(lines: int) -> None:
    body = b"\n" * lines
    if lines > 3:
        with pytest.raises(Poison, match="too_many_rows"):
            parse_ndjson(body, rows_max=3)
    else:
        assert parse_ndjson(body, rows_max=3).rows == 0


def test_row_limit_of_arrays() -> None:
    assert len(parse_json(json.dumps([GOOD] * 3).encode(), rows_max=3).pings) == 3
    for body in (json.dumps([GOOD] * 4).encode(), b"[1,2,3,4]"):
        with pytest.raises(Poison, match="too_many_rows"):
            parse_json(body, rows_max=3)
