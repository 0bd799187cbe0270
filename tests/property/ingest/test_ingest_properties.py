"""Any bytes at all: the parser never fails, every valid row is kept, and neighbours never change a row's outcome."""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.contracts.neutral import parse_json, parse_ndjson, rebuild
from shared.contracts.pings import decode_pings, encode_pings
from shared.errors import Poison

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
NAMES = [
    "device_id",
    "ts",
    "lat",
    "lng",
    "id",
    "speed_kmh",
    "heading_deg",
    "accuracy_m",
    "hdop",
    "odometer_m",
    "ignition",
    "valid",
    "x",
]
LIKE_PINGS = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=12)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def number(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, allow_infinity=False)


VALID = st.fixed_dictionaries(
    {
        "device_id": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30),
        "ts": st.integers(0, 253_402_300_799) | st.datetimes().filter(lambda t: t.year >= 1970).map(lambda t: t.isoformat("T", "milliseconds") + "Z"),
        "lat": number(-90, 90),
        "lng": number(-180, 180),
    },
    optional={
        "id": maybe(st.text(st.characters(exclude_categories=["Cs"]), max_size=20)),
        "speed_kmh": maybe(number(0, 1000)),
        "heading_deg": maybe(number(0, 360)),
        "accuracy_m": maybe(number(0, 1e6)),
        "hdop": maybe(number(0, 1e4)),
        "odometer_m": maybe(number(0, 1e10)),
        "ignition": maybe(st.booleans()),
        "valid": maybe(st.booleans()),
        "extra": JSON,
    },
)  # fmt: skip


@given(
    st.binary(max_size=300)
    | st.lists(JSON, max_size=6).map(lambda rows: json.dumps(rows).encode())
    | LIKE_PINGS.map(lambda row: json.dumps(row).encode())
)
@example(b"\xef\xbb\xbf")
@example(b"[" * 5000)
@example(b'{"pings":' * 5000)
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_answered_row_by_row_or_as_a_broken_body(body: bytes) -> None:
    lines = parse_ndjson(body)
    assert len(lines.pings) + len(lines.refused) == lines.rows
    broken, whole = None, None
    try:
        whole = parse_json(body)
    except Poison as error:
        broken = error.code
    assert (broken == "broken_body") == (whole is None)
    assert whole is None or len(whole.pings) + len(whole.refused) == whole.rows


@given(st.lists(st.tuples(st.just(True), VALID) | st.tuples(st.just(False), LIKE_PINGS | JSON), max_size=8))
@settings(max_examples=100, deadline=None)
def test_valid_rows_beside_bad_ones_are_all_kept(rows: list[tuple[bool, Any]]) -> None:
    sent = [json.dumps(row).encode() for _, row in rows]
    for parsed in (parse_json(b"[" + b",".join(sent) + b"]"), parse_ndjson(b"\n".join(sent))):
        refused = {one.row for one in parsed.refused}
        assert not refused & {at for at, (valid, _) in enumerate(rows) if valid}
        assert sorted([*refused, *parsed.index.tolist()]) == list(range(len(rows)))
        for at, row in zip(parsed.index.tolist(), range(len(parsed.pings)), strict=True):
            alone = parse_ndjson(sent[at]).pings
            assert {name: c[row] for name, c in parsed.pings.columns().items() if name != "key"} == {
                name: c[0] for name, c in alone.columns().items() if name != "key"
            }
            assert parsed.pings.keys[int(parsed.pings.key[row])] == alone.keys[0]


@given(st.lists(VALID, min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_what_is_stored_reads_back_the_same_from_frame_and_rebuilt_row(rows: list[dict[str, Any]]) -> None:
    pings = parse_json(json.dumps(rows).encode()).pings
    framed = decode_pings(encode_pings(pings))
    rebuilt = parse_ndjson(b"\n".join(rebuild(pings, row) for row in range(len(pings)))).pings
    for other in (framed, rebuilt):
        for name, column in pings.columns().items():
            if name != "key":
                assert getattr(other, name).tolist() == column.tolist(), name
        assert [other.keys[k] for k in other.key] == [pings.keys[k] for k in pings.key]
