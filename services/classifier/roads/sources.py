"""A road source → ways, whatever its format."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec

from services.classifier.roads import mapped, mapping, osm, vector
from services.classifier.roads.ways import SourceError, SourceMeta, Ways


class Source(NamedTuple):
    """What one source holds."""

    ways: Ways
    private: mapped.Parcels | None
    warnings: tuple[str, ...]


def read_all(paths: Sequence[Path], mappings: Sequence[str]) -> list[Source]:
    """All sources, in their order; each that is not OpenStreetMap takes the next mapping.  Raises SourceError."""
    left = list(mappings)
    out: list[Source] = []
    for path in paths:
        if path.name.lower().endswith(osm.SUFFIXES):
            out.append(read(path))
            continue
        if not left:
            raise SourceError(
                f"{path.name} needs a mapping: give --mapping once for each source that is not OpenStreetMap, in the same "
                f"order; a file, or one of {', '.join(mapping.built_in())}"
            )
        out.append(read(path, left.pop(0)))
    if left:
        raise SourceError(f"--mapping {left[0]} belongs to no source: OpenStreetMap files need none")
    return out


def read(path: Path, mapping_name: str = "") -> Source:
    """One source.  Raises SourceError."""
    if not path.is_file():
        raise SourceError(f"{path} is not there")
    if path.name.lower().endswith(osm.SUFFIXES):
        return Source(osm.read_osm(path, sha256_of([path])), None, ())
    if not path.name.lower().endswith(vector.SUFFIXES):
        known = ", ".join((*osm.SUFFIXES, *vector.SUFFIXES))
        raise SourceError(f"{path.name}: this kind of file is not read; these are: {known}")
    with_ = mapping.load(mapping_name)
    features = vector.read_features(path, with_)
    said = mapped.said_of(features, with_)
    meta = SourceMeta(path.name, sha256_of(parts_of(path)), mapped.date_of(features, with_), with_.name, 0)
    private = None
    if with_.geometry == "centrelines":
        ways = mapped.lines(features, with_, said, meta)
    else:
        ways, private = mapped.parcels(features, with_, said, meta)
    meta = msgspec.structs.replace(meta, ways=len(ways.way_id))
    return Source(replace(ways, sources=(meta,)), private, mapped.warnings_of(features, with_, said))


def parts_of(path: Path) -> list[Path]:
    """The files that a source is made of: a Shapefile has several."""
    if path.suffix.lower() != ".shp":
        return [path]
    return sorted(one for one in path.parent.glob(f"{path.stem}.*") if one.suffix.lower() in vector.SIDECARS)


def sha256_of(paths: Sequence[Path]) -> str:
    """Of the files' contents, one after another.  Raises OSError."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
