"""Mapping files: which column of a vector source says who maintains a road, and what its values mean (rules SU1-SU3)."""

from importlib import resources
from pathlib import Path
from typing import Final, Literal

import msgspec

from services.classifier.roads.ways import SourceError

Maintainer = Literal["public", "private", "unknown"]
ANY: Final = "*"
"""In a list of values: every value that is not empty."""
_BUILT_IN: Final = resources.files("services.classifier.roads") / "mappings"


class Columns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names of columns; "" where the source has none."""

    id: str = ""
    """Whole numbers; without one the feature's own number in the file is used."""
    name: str = ""
    width_m: str = ""
    lanes: str = ""
    date: str = ""
    """Dates of change: the newest one dates the source, where `date` does not."""


class MaintainerColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who maintains what: the values of one column, or one answer for `all` features."""

    column: str = ""
    public: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    empty: Maintainer = "unknown"
    other: Maintainer = "unknown"
    """What values are taken as that none of the lists holds."""
    all: Maintainer | None = None
    because: str = ""
    """The reason in words, which a way's rule repeats."""


class Skip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Features that are no road (any more): where `column` holds one of `values`."""

    column: str
    values: tuple[str, ...]


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a mapping file says; docs/guide/road-data.md is its reference."""

    name: str
    geometry: Literal["centrelines", "parcels"]
    maintainer: MaintainerColumn
    columns: Columns = Columns()
    skip: tuple[Skip, ...] = ()
    layer: str = ""
    crs: str = ""
    """Only where the source itself names none, e.g. "EPSG:2193"."""
    date: str = ""
    unknown_ways_inside: Literal["", "private"] = ""
    """Parcels: ways of unknown maintainer that lie wholly inside one private parcel are taken as private."""


def built_in() -> list[str]:
    """Names of the mappings that come with this release."""
    return sorted(one.name.removesuffix(".toml") for one in _BUILT_IN.iterdir() if one.name.endswith(".toml"))


def load(wanted: str) -> Mapping:
    """A mapping by the name of a built-in one, or from a file.  Raises SourceError."""
    path = Path(wanted)
    known = built_in()
    if wanted not in known and not path.is_file():
        raise SourceError(f"no mapping {wanted}: give a file, or one of {', '.join(known)}")
    text = (_BUILT_IN / f"{wanted}.toml").read_text("utf-8") if wanted in known else path.read_text("utf-8")
    try:
        mapping = msgspec.toml.decode(text, type=Mapping)
    except msgspec.DecodeError as error:
        raise SourceError(f"mapping {wanted}: {error} (docs/guide/road-data.md lists what can be written)") from error
    _check(mapping, wanted)
    return mapping


def _check(mapping: Mapping, wanted: str) -> None:
    of = mapping.maintainer
    if (of.all is None) == (of.column == ""):
        raise SourceError(f'mapping {wanted}: [maintainer] needs either column = "…" or all = "public|private|unknown"')
    if of.all is not None and (of.public or of.private or of.unknown):
        raise SourceError(f"mapping {wanted}: [maintainer] has `all` and lists of values; keep one of them")
    listed = [value.casefold() for values in (of.public, of.private, of.unknown) for value in values]
    twice = sorted({value for value in listed if listed.count(value) > 1})
    if twice:
        raise SourceError(f"mapping {wanted}: the value {twice[0]!r} stands in two lists of [maintainer]")
    if mapping.unknown_ways_inside and mapping.geometry != "parcels":
        raise SourceError(f"mapping {wanted}: unknown_ways_inside is for parcels")


def maintainer_of(of: MaintainerColumn, value: str) -> Maintainer:
    """What one value of the column means; exact values before "*", whatever their case."""
    if of.all is not None:
        return of.all
    if not value:
        return of.empty
    lists: tuple[tuple[Maintainer, tuple[str, ...]], ...] = (
        ("public", of.public), ("private", of.private), ("unknown", of.unknown),
    )  # fmt: skip
    for sought in (value.casefold(), ANY):
        for answer, values in lists:
            if sought in {one.casefold() for one in values}:
                return answer
    return of.other


def is_listed(of: MaintainerColumn, value: str) -> bool:
    """Whether the mapping says something about this very value, or about every value."""
    listed = {one.casefold() for one in (*of.public, *of.private, *of.unknown)}
    return of.all is not None or not value or value.casefold() in listed or ANY in listed
