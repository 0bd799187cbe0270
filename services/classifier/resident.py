"""How much of the mapped road data sets stays in memory: a fleet spread over a country touches all of them in time.

What is mapped is a copy of files, so pages can be handed back at any moment, also while a kernel runs: the next read brings
them in again.  Only resident memory is bounded by it, not what the scheme says (design section 9: 400 MB for a nation)."""

import mmap
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np

from services.classifier.roads.dataset import RoadSet

STATUS: Final = Path("/proc/self/status")
MB: Final = 1_000_000
_FIELD: Final = "RssFile:"
_FORGET: Final = getattr(mmap, "MADV_DONTNEED", None)


def file_mb() -> float:
    """Resident megabytes of mapped files, programs and libraries among them; 0 where the system does not tell."""
    try:
        lines = STATUS.read_text("ascii").splitlines()
    except OSError:
        return 0.0
    kilobytes = next((line.split()[1] for line in lines if line.startswith(_FIELD)), "0")
    return int(kilobytes) * 1_024 / MB


def maps_of(roads: RoadSet) -> list[mmap.mmap]:
    """The mappings under a data set's columns."""
    found: list[mmap.mmap] = []
    columns = (*roads.roads, roads.way_id, roads.way_rule, roads.way_name, roads.text_first, roads.text_bytes)
    for column in columns:
        under: object = column
        while isinstance(under, np.ndarray):
            under = under.base
        if isinstance(under, mmap.mmap):
            found.append(under)
    return found


def hand_back(sets: Iterable[RoadSet], above_mb: float) -> bool:
    """Hand the sets' pages back when more than `above_mb` of mapped files are resident; returns whether it did."""
    if _FORGET is None or file_mb() <= above_mb:
        return False
    for roads in sets:
        for mapped in maps_of(roads):
            mapped.madvise(_FORGET)
    return True
