"""A road source → ways, whatever its format."""

import hashlib
from pathlib import Path

from services.classifier.roads import osm
from services.classifier.roads.ways import SourceError, Ways


def read(path: Path) -> Ways:
    """All ways of a source.  Raises SourceError."""
    if not path.is_file():
        raise SourceError(f"{path} is not there")
    if path.name.endswith(osm.SUFFIXES):
        return osm.read_osm(path, sha256_of(path))
    raise SourceError(f"{path.name}: only OpenStreetMap files are read yet ({', '.join(osm.SUFFIXES)})")


def sha256_of(path: Path) -> str:
    """Of a file's content.  Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
