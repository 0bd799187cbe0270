"""A chunk gives back every bit of every fix, whatever the columns hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.contracts import pings
from shared.contracts.chunk import COLUMNS, Kept, decode_chunk, encode_chunk
from shared.contracts.pings import LAYOUT, NONE
from shared.errors import Poison

KEY = ("00000000-0000-0000-0000-000000000001", "ute-1")
DTYPES = dict(LAYOUT) | {"rev": "<i8"}


def kept(columns: dict[str, NDArray[np.int64]], key: tuple[str, str] = KEY) -> Kept:
    rows = len(columns["rev"])
    given_columns = {name: columns[name] for name in COLUMNS if name != "rev"} | {"key": np.zeros(rows)}
    return Kept(pings.make([key], given_columns), columns["rev"].astype(np.int64))


def rows_of(one: Kept) -> list[tuple[int, ...]]:
    """Every field of every row, in an order of its own."""
    columns = one.pings.columns()
    table = [columns[name].tolist() for name in COLUMNS if name != "rev"] + [one.revs.tolist()]
    return sorted(zip(*table, strict=True))


def assert_kept_whole(one: Kept) -> None:
    chunk = encode_chunk(one)
    back = decode_chunk(chunk)
    assert back.pings.keys == (one.pings.keys[0],)
    assert rows_of(back) == rows_of(one)
    assert (back.pings.ts_ms[1:] >= back.pings.ts_ms[:-1]).all()
    assert encode_chunk(back) == chunk


def extremes(name: str) -> tuple[int, int]:
    info = np.iinfo(np.dtype(DTYPES[name]))
    return int(info.min), int(info.max)


def column(name: str, rows: int) -> st.SearchStrategy[list[int]]:
    """NONE throughout, noise, extremes, a steady climb, multiples, or anything at all."""
    low, high = extremes(name)
    return st.one_of(
        st.just([NONE] * rows),
        st.lists(st.sampled_from([low, low + 1, NONE, 0, 1, high - 1, high]), min_size=rows, max_size=rows),
        st.lists(st.integers(low, high), min_size=rows, max_size=rows),
        st.builds(
            lambda start, step: [(start + step * i) % (high + 1) for i in range(rows)],
            st.integers(0, min(high, 2**40)), st.integers(0, 20_000),
        ),
        st.lists(st.integers(0, 9).map(lambda n: min(n * 1_000, high)), min_size=rows, max_size=rows),
    )  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> dict[str, NDArray[np.int64]]:
    rows = draw(st.integers(1, 40))
    return {name: np.array(draw(column(name, rows)), np.int64) for name in COLUMNS}


@settings(max_examples=150, deadline=None)
@given(tables())
def test_any_columns_come_back_bit_for_bit(columns: dict[str, NDArray[np.int64]]) -> None:
    assert_kept_whole(kept(columns))


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 8, 9, 5_000])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_day_of_fixes_comes_back(rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns = {name: np.full(rows, NONE, np.int64) for name in COLUMNS} | {
        "ts_ms": 1_772_000_000_000 + np.cumsum(rng.integers(0, 30_000, rows)),
        "lat_e6": -40_000_000 + np.cumsum(rng.integers(-900, 900, rows)),
        "lng_e6": 175_000_000 + np.cumsum(rng.integers(-900, 900, rows)),
        "speed_mmps": rng.integers(0, 30_000, rows),
        "odometer_mm": np.cumsum(rng.integers(0, 4, rows)) * 1_000_000,
        "ignition": rng.integers(-1, 2, rows),
        "received_ms": 1_772_100_000_000 + rng.integers(0, 10, rows) * 137,
        "rev": rng.permutation(rows),  # late fixes: not in the order of time
    }
    assert_kept_whole(kept(columns))


def test_duplicates_with_other_content_and_equal_instants_are_all_kept() -> None:
    columns = {name: np.zeros(4, np.int64) for name in COLUMNS}
    columns["ts_ms"] = np.array([5, 5, 5, 5])
    columns["lat_e6"] = np.array([1, 2, 1, 2])
    columns["rev"] = np.array([9, 3, 4, 3])
    assert len(rows_of(decode_chunk(encode_chunk(kept(columns))))) == 4
    assert_kept_whole(kept(columns))


def test_the_device_is_named_verbatim() -> None:
    columns = {name: np.zeros(1, np.int64) for name in COLUMNS}
    assert_kept_whole(kept(columns, (KEY[0], "тягач 7/\u0000\\")))


@pytest.mark.parametrize("at", [0, 6, 9, 13, 17, 25, -1])
def test_a_flipped_byte_is_found(at: int) -> None:
    columns = {name: np.arange(50, dtype=np.int64) for name in COLUMNS}
    broken = bytearray(encode_chunk(kept(columns)))
    broken[at] ^= 1
    with pytest.raises(Poison):
        decode_chunk(bytes(broken))


def test_several_devices_are_refused() -> None:
    one = kept({name: np.zeros(2, np.int64) for name in COLUMNS}).pings
    two = pings.concat([one, pings.make([(KEY[0], "ute-2")], one.columns())])
    with pytest.raises(ValueError, match="one device"):
        encode_chunk(Kept(two, np.zeros(4, np.int64)))
