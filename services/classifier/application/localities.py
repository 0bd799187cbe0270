"""Names of localities beside a road data set: for names of places only (rule DI6).  They are no part of the set's content: no
metre depends on them, and a set without them names roads alone."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.cells import metres_per_e6

FILE: Final = "localities.json"
OSM_SUFFIXES: Final = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2")
KINDS: Final = frozenset({"city", "town", "village", "suburb", "hamlet", "locality", "neighbourhood"})
REACH_M: Final = 20_000.0
"""No locality further away names a place."""


class Locality(msgspec.Struct, frozen=True):
    """Micro-degrees."""

    name: str
    lat_e6: int
    lng_e6: int


@dataclass(frozen=True)
class Localities:
    names: tuple[str, ...]
    lat_e6: NDArray[np.int64]
    lng_e6: NDArray[np.int64]

    def nearest(self, lat_e6: int, lng_e6: int) -> str:
        """The nearest within reach, of equals the first by name; "" where there is none."""
        if not self.names:
            return ""
        kx, ky = metres_per_e6(lat_e6)
        metres = np.hypot((self.lng_e6 - lng_e6) * kx, (self.lat_e6 - lat_e6) * ky)
        at = int(np.argmin(metres))
        return self.names[at] if metres[at] <= REACH_M else ""


def localities(found: Iterable[Locality]) -> Localities:
    rows = sorted(found, key=lambda one: (one.name, one.lat_e6, one.lng_e6))
    return Localities(
        tuple(one.name for one in rows),
        np.array([one.lat_e6 for one in rows], np.int64),
        np.array([one.lng_e6 for one in rows], np.int64),
    )


@lru_cache(maxsize=64)
def localities_of(folder: Path) -> Localities:
    """Of a road data set's folder; none where it has no such file.  Read once."""
    file = folder / FILE
    return localities(msgspec.json.decode(file.read_bytes(), type=list[Locality]) if file.is_file() else [])


def note_localities(folder: Path, sources: Sequence[Path]) -> int:
    """Read the sources' places and lay them beside the set; how many there are.  Raises OSError, RuntimeError."""
    found = sorted(
        {one for source in sources for one in _read(source)}, key=lambda one: (one.name, one.lat_e6, one.lng_e6)
    )
    part = folder / f".{FILE}.part"
    part.write_bytes(msgspec.json.encode(found))
    os.replace(part, folder / FILE)  # noqa: PTH105 - the atomic one, by name
    return len(found)


def _read(source: Path) -> list[Locality]:
    """Named place nodes of an OSM file; other sources have none."""
    import osmium

    if not source.name.lower().endswith(OSM_SUFFIXES):
        return []
    every = osmium.FileProcessor(str(source), osmium.osm.NODE).with_filter(osmium.filter.KeyFilter("place"))
    found = []
    for node in cast("Iterable[Any]", every):
        tags = dict(node.tags)
        if tags.get("place") in KINDS and tags.get("name"):
            found.append(Locality(tags["name"], round(node.location.lat * 1e6), round(node.location.lon * 1e6)))
    return found
