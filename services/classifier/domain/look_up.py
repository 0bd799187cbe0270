"""In which cells the fixes lie, and where those stand in a road set's columns (scheme 1, paragraph 5)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain import cells, tables
from services.classifier.domain.compiled import lean
from services.classifier.domain.fixes import GOOD, Fixes
from services.classifier.domain.geometry import Roads
from services.classifier.domain.ground import Ground


class Cells(NamedTuple):
    """Per fix; rows are those of good fixes only."""

    fine_key: NDArray[np.int64]
    coarse_key: NDArray[np.int64]
    coarse_m: NDArray[np.float64]
    """From the coarse cell's centre, never too little."""
    fine_row: NDArray[np.int32]
    """-1: the cell lists no way."""
    coarse_row: NDArray[np.int32]


def empty_cells(rows: int) -> Cells:
    return Cells(
        np.empty(rows, dtype=np.int64), np.empty(rows, dtype=np.int64), np.empty(rows), np.empty(rows, dtype=np.int32),
        np.empty(rows, dtype=np.int32),
    )  # fmt: skip


@lean
def find_cells(fixes: Fixes, ground: Ground, roads: Roads, out: Cells) -> int:
    """Fill `out`; returns the most segments that any of the cells lists."""
    last_fine, last_coarse, fine, coarse, most = tables.NO_KEY, tables.NO_KEY, -1, -1, 0
    fine_table, fine_rows, coarse_table, coarse_rows, first = (
        roads.fine_table, roads.fine_rows, roads.coarse_table, roads.coarse_rows, roads.fine_first,
    )  # fmt: skip
    label, (fine_key, coarse_key, coarse_m, fine_row, coarse_row) = fixes.label, out
    _keys(roads.faces, ground.x, ground.y, ground.z, fine_key, coarse_key, coarse_m)
    for i in range(len(label)):
        if label[i] == GOOD:
            if fine_key[i] != last_fine:
                last_fine = fine_key[i]
                fine = tables.find(fine_table, fine_rows, last_fine)
                most = max(most, first[fine + 1] - first[fine] if fine >= 0 else 0)
            if coarse_key[i] != last_coarse:
                last_coarse = coarse_key[i]
                coarse = tables.find(coarse_table, coarse_rows, last_coarse)
            fine_row[i], coarse_row[i] = fine, coarse
    return most


@lean
def _keys(
    faces: NDArray[np.float64], xs: NDArray[np.float64], ys: NDArray[np.float64], zs: NDArray[np.float64],
    fine: NDArray[np.int64], coarse: NDArray[np.int64], coarse_m: NDArray[np.float64],
) -> None:  # fmt: skip
    """Keys of all positions: first as if on the face of the first, without a branch; then anew for those that may not be."""
    f = cells.face_of(faces, xs[0], ys[0], zs[0]) if len(xs) > 0 else 0
    for i in range(len(xs)):
        fine[i], coarse[i], coarse_m[i] = cells.keys_on(faces, f, xs[i], ys[i], zs[i])
    for i in range(len(xs)):
        if faces[f, 0, 0] * xs[i] + faces[f, 0, 1] * ys[i] + faces[f, 0, 2] * zs[i] < cells.INNER_COSINE:
            own = cells.face_of(faces, xs[i], ys[i], zs[i])
            fine[i], coarse[i], coarse_m[i] = cells.keys_on(faces, own, xs[i], ys[i], zs[i])
