"""A road data set on disk: a folder of .npy columns and meta.json, named by the hash of its content, opened memory-mapped.

Layout: DIR/<name>/{*.npy, meta.json} and DIR/LATEST, which holds the name built last.  The name is the first 16 hexadecimal
digits of SHA-256 over all columns and meta (without name): the same source and options give the same bytes and name.
"""

import hashlib
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.classifier.domain import cells
from services.classifier.domain.geometry import Roads
from services.classifier.domain.way_kinds import CLASS_NAMES
from services.classifier.roads.ways import SourceMeta

if TYPE_CHECKING:
    from services.classifier.roads.look import Looked

FORMAT: Final = 2
LATEST: Final = "LATEST"
_WORDS_MAX: Final = 50_000
META: Final = "meta.json"
COLUMNS: Final = tuple(name for name in Roads._fields if name != "faces")
EXTRA: Final = ("way_id", "way_rule", "way_name", "way_source", "way_decided", "text_first", "text_bytes")


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """What a data set says about itself."""

    format: int
    source: str
    source_date: str
    """ISO date up to which the newest source is current; "" where none says."""
    valid_from: str
    """ISO date from which travel is judged by this set (rule SU9); the source's date where nothing else was said."""
    supersedes: str
    """Name of the set that this one corrects (rule SU9); "": none."""
    sources: tuple[SourceMeta, ...]
    """In order of trust."""
    coverage: str
    """"derived" (the cells within 3 km of any way) or "polygon:" and the SHA-256 of the polygon's file."""
    warnings: tuple[str, ...]
    ways: int
    vertices: int
    public_km: float
    private_km: float
    unknown_km: float
    areas: int
    fine_cells: int
    coarse_cells: int
    fine_res: int = cells.FINE_RES
    coarse_res: int = cells.COARSE_RES
    name: str = ""


class DataSetError(Exception):
    """The folder is no road data set of a known format; the message says what to do."""


@dataclass(frozen=True)
class RoadSet:
    """An open road data set; columns stay on disk and are paged in as they are read."""

    name: str
    meta: Meta
    roads: Roads
    way_id: NDArray[np.int64]
    way_rule: NDArray[np.int32]
    way_name: NDArray[np.int32]
    way_source: NDArray[np.uint8]
    way_decided: NDArray[np.int32]
    """The way of another source that decided what this one is taken as; -1: its own source did."""
    text_first: NDArray[np.int64]
    text_bytes: NDArray[np.uint8]
    path: Path
    _words: dict[int, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Ways put into words lately: a device-day names the same few again and again."""

    @classmethod
    def open(cls, path: Path) -> "RoadSet":
        """A data set's own folder, or the folder that `roads build --out` was given (then the one built last).

        Raises DataSetError."""
        folder = resolve(path)
        try:
            meta = msgspec.json.decode((folder / META).read_bytes(), type=Meta)
        except (OSError, msgspec.DecodeError) as error:
            raise DataSetError(f"{folder}: {META} cannot be read: {error}") from error
        if (meta.format, meta.fine_res, meta.coarse_res) != (FORMAT, cells.FINE_RES, cells.COARSE_RES):
            raise DataSetError(
                f"{folder}: format {meta.format} is not known to this release, run `rucor roads build` again"
            )
        try:
            columns = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in COLUMNS + EXTRA}
        except (OSError, ValueError) as error:
            raise DataSetError(f"{folder}: {error}") from error
        # plain arrays over the same mapping: numba compiles the kernels once for arrays, not again for memmaps
        plain: dict[str, Any] = {name: np.asarray(column) for name, column in columns.items()}
        roads = Roads(faces=cells.FACES, **{name: plain[name] for name in COLUMNS})
        return cls(name=meta.name, meta=meta, roads=roads, path=folder, **{name: plain[name] for name in EXTRA})

    def text(self, index: int) -> str:
        a, b = int(self.text_first[index]), int(self.text_first[index + 1])
        return self.text_bytes[a:b].tobytes().decode("utf-8")

    def describe(self, way: int) -> str:
        """A way in words: its name (or "unnamed"), the rule that says who maintains it, its number and its source."""
        words = self._words.get(way)
        if words is None:
            if len(self._words) >= _WORDS_MAX:
                self._words.clear()
            words = self._words[way] = self._describe(way)
        return words

    def _describe(self, way: int) -> str:
        name = self.text(int(self.way_name[way])) or "unnamed"
        by = int(self.way_decided[way])
        said = (
            f"; taken as {CLASS_NAMES[int(self.roads.way_kind[way])]}, as it runs along {self.describe(by)}"
            if by >= 0
            else ""
        )
        return f"{name} ({self.rule(way)}; {self.origin(way)}{said})"

    def rule(self, way: int) -> str:
        """What its own source's tags, or the mapping of its source, say of a way."""
        return self.text(int(self.way_rule[way]))

    def origin(self, way: int) -> str:
        """A way's number and source, e.g. "way 123 of nz.osm.pbf"."""
        source, number = self.meta.sources[int(self.way_source[way])], int(self.way_id[way])
        what = "feature" if source.mapping else "relation" if number < 0 else "way"
        return f"{what} {abs(number)} of {source.name}"

    def explain_cell(self, place: "str | int | tuple[float, float]") -> "Looked":
        """Ways and areas known around a place (an H3 cell, a fine cell's key, or latitude and longitude), and who said so."""
        from services.classifier.roads.look import look

        return look(self, place)

    def road_name(self, way: int) -> str:
        return self.text(int(self.way_name[way]))


def resolve(path: Path) -> Path:
    """The folder of one data set.  Raises DataSetError."""
    if (path / META).is_file():
        return path
    if (path / LATEST).is_file():
        return path / (path / LATEST).read_text("ascii").strip()
    found = folders(path)
    if len(found) == 1:
        return found[0]
    if not found:
        raise DataSetError(f"{path} holds no road data set; make one with `rucor roads build SOURCE --out {path}`")
    raise DataSetError(f"{path} holds {len(found)} road data sets; name one of {', '.join(one.name for one in found)}")


def folders(path: Path) -> list[Path]:
    """The folders of all data sets in a folder, by name; half-written ones begin with a dot and are left out."""
    return sorted(one.parent for one in path.glob(f"*/{META}") if not one.parent.name.startswith("."))


def write(out: Path, columns: dict[str, NDArray[Any]], meta: Meta) -> Path:
    """Write a data set under its content's name, whole or not at all; returns its folder."""
    digest = hashlib.sha256()
    for name in sorted(COLUMNS + EXTRA):
        column = np.ascontiguousarray(columns[name])
        digest.update(f"{name} {column.dtype.str} {len(column)}\n".encode())
        digest.update(column.tobytes())
    digest.update(msgspec.json.encode(meta))
    name = digest.hexdigest()[:16]
    out.mkdir(parents=True, exist_ok=True)
    folder = out / name
    if not (folder / META).is_file():
        part = out / f".{name}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        for column_name in COLUMNS + EXTRA:
            np.save(part / f"{column_name}.npy", np.ascontiguousarray(columns[column_name]))
        named = msgspec.structs.replace(meta, name=name)
        (part / META).write_bytes(msgspec.json.format(msgspec.json.encode(named), indent=1) + b"\n")
        shutil.rmtree(folder, ignore_errors=True)
        part.replace(folder)
    pointer = out / f".{LATEST}.part"
    pointer.write_text(name + "\n", "ascii")
    os.replace(pointer, out / LATEST)  # noqa: PTH105 - the atomic one, by name
    return folder
