"""Units, rounding and absence: what a ping says becomes the contract's integers exactly (design G8)."""

import gzip
import json
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.contracts.neutral import Parsed, parse_json, parse_ndjson, read_ndjson, rebuild
from shared.contracts.neutral_columns import half_even
from shared.contracts.pings import content_hash

GOOD: dict[str, Any] = {"device_id": "ute-7", "ts": "2026-03-02T18:00:01Z", "lat": -40.25, "lng": 175.5}
TS = 1_772_474_401_000


def one(**fields: Any) -> Parsed:
    parsed = parse_ndjson(json.dumps(GOOD | fields).encode())
    assert parsed.refused == []
    return parsed


def value(column: str, **fields: Any) -> int:
    return int(getattr(one(**fields).pings, column)[0])


@pytest.mark.parametrize(
    ("field", "sent", "column", "stored"),
    [
        ("lat", -40.352306, "lat_e6", -40_352_306),
        ("lat", -40.3523065, "lat_e6", -40_352_306),  # ties go to the even neighbour
        ("lat", -40.3523075, "lat_e6", -40_352_308),
        ("lat", 1, "lat_e6", 1_000_000),
        ("lng", 175.60821549999, "lng_e6", 175_608_215),
        ("lng", 180, "lng_e6", 180_000_000),
        ("lng", -0.0000004, "lng_e6", 0),
        ("speed_kmh", 36, "speed_mmps", 10_000),
        ("speed_kmh", 45.6, "speed_mmps", 12_667),
        ("speed_kmh", 0.0018, "speed_mmps", 0),  # exactly half a mm/s
        ("speed_kmh", 0.0054, "speed_mmps", 2),  # exactly one and a half
        ("speed_kmh", 0, "speed_mmps", 0),
        ("speed_kmh", 1000, "speed_mmps", 277_778),
        ("heading_deg", 267.05, "heading_cdeg", 26_705),
        ("heading_deg", 360, "heading_cdeg", 0),
        ("heading_deg", 359.999, "heading_cdeg", 0),
        ("accuracy_m", 24.04, "accuracy_mm", 24_040),
        ("hdop", 0.9, "hdop_e2", 90),
        ("odometer_m", 52712668.0, "odometer_mm", 52_712_668_000),
        ("odometer_m", 330472408.1235, "odometer_mm", 330_472_408_124),
        ("odometer_m", 0, "odometer_mm", 0),
        ("ignition", True, "ignition", 1),
        ("ignition", False, "ignition", 0),
        ("valid", False, "valid", 0),
    ],
)
def test_unit(field: str, sent: Any, column: str, stored: int) -> None:
    assert value(column, **{field: sent}) == stored


@pytest.mark.parametrize(
    ("field", "sent", "column"),
    [
        ("speed_kmh", -1, "speed_mmps"),
        ("heading_deg", -1, "heading_cdeg"),
        ("accuracy_m", 0.0, "accuracy_mm"),
        ("accuracy_m", -1, "accuracy_mm"),
        ("accuracy_m", 0.0004, "accuracy_mm"),
        ("hdop", 0, "hdop_e2"),
        ("speed_kmh", None, "speed_mmps"),
        ("odometer_m", None, "odometer_mm"),
        ("ignition", None, "ignition"),
    ],
)
def test_what_devices_send_for_unknown_is_unknown(field: str, sent: Any, column: str) -> None:
    assert value(column, **{field: sent}) == -1
    assert value(column) == -1


@pytest.mark.parametrize(
    ("ts", "ms"),
    [
        ("2026-03-02T18:00:01Z", TS),
        ("2026-03-02t18:00:01z", TS),
        ("2026-03-02 18:00:01Z", TS),
        ("2026-03-03T07:00:01+13:00", TS),
        ("2026-03-03T07:00:01+1300", TS),
        ("2026-03-03T07:00:01+13", TS),
        ("2026-03-02T08:30:01-09:30", TS),
        ("2026-03-02T18:00:01.2Z", TS + 200),
        ("2026-03-02T18:00:01,250Z", TS + 250),
        ("2026-03-02T18:00:01.2505+0000", TS + 250),
        ("2026-03-02T18:00:01.2515+00:00", TS + 252),
        ("2026-03-02T18:00:01.25150000000001Z", TS + 252),
        ("2026-03-02T18:00:00.9996Z", TS),
        ("2026-03-02T18:00:01.123456789012345678Z", TS + 123),
        ("2024-02-29T23:59:59.999Z", 1_709_251_199_999),
        (1_772_474_401, TS),
        (1_772_474_401.25, TS + 250),
        (1_772_474_401_250, TS + 250),
        (1_772_474_401_250.5, TS + 250),
        (0, 0),
    ],
)
def test_instant(ts: Any, ms: int) -> None:
    assert value("ts_ms", ts=ts) == ms


def test_instants_of_many_layouts_in_one_batch() -> None:
    stamps = [
        "2026-03-02T18:00:01Z",
        1_772_474_401,
        "2026-03-03T07:00:01+13:00",
        "2026-03-02T18:00:01.000Z",
        "nonsense Z",
    ]
    parsed = parse_json(json.dumps([GOOD | {"ts": ts} for ts in stamps]).encode())
    assert parsed.pings.ts_ms.tolist() == [TS] * 4
    assert [refused.row for refused in parsed.refused] == [4]


@pytest.mark.parametrize(
    "ts",
    ["2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2025-02-29T00:00:00Z", "2026-03-02T24:00:00Z", "2026-03-02T18:60:00Z",
     "2026-03-02T18:00:60Z", "2026-03-02T18:00Z", "2026-03-02T18:00:01.Z", "2026-03-02T18:00:01+24:00", "2026-03-02T18:00:01+13:60",
     "2026/03/02T18:00:01Z", "1969-12-31T23:59:59Z", "2026-03-02T18:00:01.1234567890123456789Z", "2026-03-02X18:00:01Z", "-026-03-02T18:00:01Z"],
)  # fmt: skip
def test_instant_that_names_no_instant_is_refused(ts: str) -> None:
    assert [one.code for one in parse_ndjson(json.dumps(GOOD | {"ts": ts}).encode()).refused] == ["bad_ts"]


@pytest.mark.parametrize(
    ("literal", "kept"),
    [
        (b'"ute-7"', "ute-7"), (b'" ute 7 "', " ute 7 "), (b'"\\u0101\\ud83d\\ude9c"', "ā🚜"), ('"ā🚜"'.encode(), "ā🚜"),
        (b"123", "123"), (b"1.50", "1.50"), (b"-0", "-0"), (b"1E3", "1E3"), (b"012345678901234567890"[1:], "12345678901234567890"),
        (b'"1.50"', "1.50"), (b'"\\""', '"'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("beside", [b"", b',"extra":1'])
def test_device_id_is_kept_verbatim(literal: bytes, kept: str, beside: bytes) -> None:
    row = b'{"device_id":%s,"ts":1767582245,"lat":1,"lng":2%s}' % (literal, beside)
    for parsed in (parse_ndjson(row), parse_json(b"[" + row + b"]"), parse_ndjson(row + b"\n{")):
        assert parsed.pings.keys == (("", kept),)


def test_id_is_carried_and_is_no_part_of_identity() -> None:
    parsed = parse_json(json.dumps([GOOD | {"id": "a"}, GOOD, GOOD | {"id": 7}]).encode())
    assert parsed.pings.ids == ("a", "", "7")
    assert len(np.unique(content_hash(parsed.pings))) == 1
    assert parse_json(json.dumps([GOOD]).encode()).pings.ids is None


def test_unknown_fields_are_accepted_and_counted() -> None:
    rows = [GOOD | {"altitude": 12, "sat": 9}, GOOD, GOOD | {"altitude": None}]
    for parsed in (
        parse_json(json.dumps(rows).encode()),
        parse_ndjson(b"\n".join(json.dumps(r).encode() for r in rows)),
    ):
        assert parsed.unknown_fields == {"altitude": 2, "sat": 1}
        assert len(parsed.pings) == 3


def test_bodies_of_every_shape_read_alike() -> None:
    row = json.dumps(GOOD).encode()
    shapes = [
        parse_json(row), parse_json(b" [" + row + b"] "), parse_json(b'{"pings":[' + row + b"]}"), parse_json(b"\xef\xbb\xbf[" + row + b"]"),
        parse_ndjson(row), parse_ndjson(b"\xef\xbb\xbf" + row + b"\r\n"), parse_ndjson(row + b"\n\n"), parse_ndjson(b"\n \r\n" + row),
    ]  # fmt: skip
    for parsed in shapes:
        assert parsed.pings.ts_ms.tolist() == [TS]
        assert parsed.refused == []
    assert shapes[-1].index.tolist() == [2]


def test_file_plain_or_gzipped_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.contracts.neutral.CHUNK_BYTES", 10)
    lines = [json.dumps(GOOD | {"device_id": f"d{i % 3}", "ts": 1_772_474_401 + i}).encode() for i in range(50)]
    lines[7] = b"{broken"
    plain, packed = tmp_path / "a.ndjson", tmp_path / "b.ndjson.gz"
    plain.write_bytes(b"\n".join(lines))
    packed.write_bytes(gzip.compress(b"\n".join(lines) + b"\n"))
    for path in (plain, packed):
        parsed = read_ndjson(path, tenant="t")
        assert parsed.pings.ts_ms.tolist() == [(1_772_474_401 + i) * 1000 for i in range(50) if i != 7]
        assert [(one.row, one.body) for one in parsed.refused] == [(7, b"{broken")]
        assert parsed.index.tolist() == [i for i in range(50) if i != 7]
        assert parsed.pings.keys == (("t", "d0"), ("t", "d1"), ("t", "d2"))


def test_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.ndjson").write_bytes(b"")
    assert read_ndjson(tmp_path / "empty.ndjson").rows == 0


def test_half_even_is_the_decimals_rounding() -> None:
    rng = np.random.default_rng(7)
    for numerator, denominator, places, top in (
        (1_000_000, 1, 7, 180),
        (2_500, 9, 4, 1000),
        (1000, 1, 4, 10**9),
        (100, 1, 3, 360),
    ):
        texts = [
            f"{sign}{whole}.{part:0{places}}"
            for sign, whole, part in zip(
                rng.choice(["", "-"], 3000), rng.integers(0, top, 3000), rng.integers(0, 10**places, 3000), strict=True
            )
        ]
        got = half_even(np.array([float(text) for text in texts]), numerator, denominator).tolist()
        exact = [int((Decimal(text) * numerator / denominator).to_integral_value(ROUND_HALF_EVEN)) for text in texts]
        assert got == exact


def test_rebuilt_row_reads_back_to_the_same_columns() -> None:
    sent = [
        GOOD | {"device_id": " 7 ", "id": "x", "speed_kmh": 45.67, "heading_deg": 12.34, "accuracy_m": 1.234, "hdop": 1.25,
                "odometer_m": 123456789.123, "ignition": True, "valid": False},
        GOOD | {"lat": -0.000001, "lng": 0, "speed_kmh": 1000},
    ]  # fmt: skip
    before = parse_json(json.dumps(sent).encode()).pings
    after = parse_ndjson(b"\n".join(rebuild(before, row) for row in range(2))).pings
    assert after.keys == before.keys
    assert after.ids == before.ids
    for name, column in before.columns().items():
        assert getattr(after, name).tolist() == column.tolist(), name
