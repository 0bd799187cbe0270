"""Open-addressing tables from a cell's key to its row: one or two reads a look-up, whatever the size of the country."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.compiled import kernel, lean

NO_KEY: Final = -1


@lean
def slot_of(key: int, mask: int) -> int:
    """Where a key's search starts in an open-addressing table of mask + 1 slots."""
    h = np.uint64(key)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return int(np.int64((h ^ (h >> np.uint64(31))) & np.uint64(mask)))


@lean
def find(table: NDArray[np.int64], rows: NDArray[np.int32], key: int) -> int:
    """The row of a key in an open-addressing table, or -1."""
    mask = len(table) - 1
    at = slot_of(key, mask)
    while True:
        seen = table[at]
        if seen == key:
            return int(rows[at])
        if seen == NO_KEY:
            return -1
        at = (at + 1) & mask


@kernel
def fill_table(keys: NDArray[np.int64], table: NDArray[np.int64], rows: NDArray[np.int32]) -> None:
    """Put keys (row = their index) into an empty table (all NO_KEY)."""
    mask = len(table) - 1
    for row in range(len(keys)):
        at = slot_of(keys[row], mask)
        while table[at] != NO_KEY:
            at = (at + 1) & mask
        table[at] = keys[row]
        rows[at] = row


def make_table(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Open-addressing table of distinct keys, at most half full."""
    size = 1 << max(4, (2 * max(1, len(keys)) - 1).bit_length())
    table = np.full(size, NO_KEY, dtype=np.int64)
    rows: NDArray[Any] = np.zeros(size, dtype=np.int32)
    fill_table(keys, table, rows)
    return table, rows
