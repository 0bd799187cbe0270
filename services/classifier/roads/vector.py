"""GeoPackage, GeoJSON and Shapefile → features in WGS84, whatever their coordinate system."""

import re
import zipfile
from pathlib import Path
from typing import Any, Final, NamedTuple
from xml.sax.saxutils import quoteattr

import numpy as np
import pyogrio
import pyogrio.raw
import shapely
from numpy.typing import NDArray

from services.classifier.roads.mapping import ANY, Mapping
from services.classifier.roads.ways import SourceError

SUFFIXES: Final = (".gpkg", ".geojson", ".json", ".shp", ".zip")
SIDECARS: Final = (".cpg", ".dbf", ".prj", ".shp", ".shx")
_INNER: Final = (".shp", ".gpkg", ".geojson")
_WGS84: Final = "OGC:CRS84"
_SHAPEFILE_NAME: Final = 10
"""A Shapefile cuts its columns' names to this."""


class Features(NamedTuple):
    """What a layer holds that the mapping takes; one row a feature."""

    source: str
    layer: str
    shapes: NDArray[Any]
    """Shapely geometries, degrees, longitude first."""
    number: NDArray[np.int64]
    fields: tuple[str, ...]
    columns: dict[str, NDArray[Any]]

    def where(self) -> str:
        return f"{self.source}, layer {self.layer}"

    def only(self, keep: NDArray[np.bool_]) -> "Features":
        columns = {name: column[keep] for name, column in self.columns.items()}
        return self._replace(shapes=self.shapes[keep], number=self.number[keep], columns=columns)

    def texts(self, wanted: str) -> list[str]:
        """A column's values as text, "" for none.  Raises SourceError."""
        return [_text(value) for value in self.columns[_field(self.where(), self.fields, wanted)].tolist()]


def read_features(path: Path, mapping: Mapping) -> Features:
    """The features of the mapping's layer that it does not skip.  Raises SourceError."""
    try:
        features = _read(path, mapping)
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        pyogrio.errors.FeatureError,
        pyogrio.errors.GeometryError,
        zipfile.BadZipFile,
        OSError,
    ) as error:
        raise SourceError(f"{path.name} cannot be read: {error}") from error
    for skip in mapping.skip:
        values = {value.casefold() for value in skip.values}
        texts = [text.casefold() for text in features.texts(skip.column)]
        features = features.only(np.array([not (t in values or (t and ANY in values)) for t in texts], dtype=np.bool_))
    if not len(features.shapes):
        raise SourceError(f"{features.where()}: no feature is left that mapping {mapping.name} takes")
    if mapping.columns.id:
        features = features._replace(number=_whole(features, mapping.columns.id))
    return features


def _read(path: Path, mapping: Mapping) -> Features:
    where = _inner(path)
    name = _layer(path.name, [str(one) for one in pyogrio.list_layers(where)[:, 0]], mapping)
    info = pyogrio.read_info(where, layer=name)
    if info["crs"] is None and not mapping.crs:
        raise SourceError(
            f'{path.name} names no coordinate system; write crs = "EPSG:…" into the mapping (NZTM2000 is EPSG:2193)'
        )
    fields = tuple(str(field) for field in info["fields"])
    wanted = sorted({_field(f"{path.name}, layer {name}", fields, one) for one in _named(mapping)})
    meta, number, shapes, columns = pyogrio.raw.read(
        _warped(where, name, mapping.crs), columns=wanted, force_2d=True, return_fids=True, datetime_as_string=True
    )
    held = dict(zip((str(field) for field in meta["fields"]), columns, strict=True))
    features = Features(path.name, name, shapely.from_wkb(shapes), number.astype(np.int64), fields, held)
    return features.only(~(shapely.is_missing(features.shapes) | shapely.is_empty(features.shapes)))


def _inner(path: Path) -> str:
    """What GDAL is to open: the file itself, or the one source inside a zip file."""
    if path.suffix.lower() != ".zip":
        return str(path.absolute())
    with zipfile.ZipFile(path) as archive:
        inner = [name for name in archive.namelist() if name.lower().endswith(_INNER)]
    if len(inner) != 1:
        raise SourceError(f"{path.name} must hold one {' or '.join(_INNER)}; it holds {', '.join(inner) or 'none'}")
    return f"/vsizip/{path.absolute()}/{inner[0]}"


def _layer(source: str, names: list[str], mapping: Mapping) -> str:
    if mapping.layer and mapping.layer not in names:
        raise SourceError(
            f"{source} has no layer {mapping.layer!r} (it has: {', '.join(names)}); put the right one into the mapping"
        )
    if not mapping.layer and len(names) != 1:
        raise SourceError(f"{source} has {len(names)} layers ({', '.join(names)}); name one as layer in the mapping")
    return mapping.layer or names[0]


def _warped(where: str, layer: str, crs: str) -> str:
    """A virtual layer that GDAL warps to WGS84 while it is read: no other projection library is needed."""
    srs = f"<LayerSRS>{crs}</LayerSRS>" if re.fullmatch(r"[A-Za-z]+:\d+", crs) else ""
    if crs and not srs:
        raise SourceError(f'crs = "{crs}" is not of the form "EPSG:2193"')
    source = f'<SrcDataSource relativeToVRT="0">{quoteattr(where)[1:-1]}</SrcDataSource>'
    plain = f"<OGRVRTLayer name={quoteattr(layer)}>{source}{srs}</OGRVRTLayer>"
    warped = f"<OGRVRTWarpedLayer>{plain}<TargetSRS>{_WGS84}</TargetSRS></OGRVRTWarpedLayer>"
    return f"<OGRVRTDataSource>{warped}</OGRVRTDataSource>"


def _named(mapping: Mapping) -> list[str]:
    of = mapping.columns
    skipped = (one.column for one in mapping.skip)
    return [
        name for name in (of.id, of.name, of.width_m, of.lanes, of.date, mapping.maintainer.column, *skipped) if name
    ]


def _field(where: str, fields: tuple[str, ...], wanted: str) -> str:
    """A column's name as the source has it: whatever the case, and cut short by a Shapefile.  Raises SourceError."""
    for name in (wanted, wanted[:_SHAPEFILE_NAME]):
        for field in fields:
            if field.casefold() == name.casefold():
                return field
    raise SourceError(
        f"{where}: there is no column {wanted!r} (there are: {', '.join(fields)}); put the right name into the mapping"
    )


def _text(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124 - not a number is the one that differs from itself
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _whole(features: Features, wanted: str) -> NDArray[np.int64]:
    texts = features.texts(wanted)
    for text in texts:
        if not re.fullmatch(r"\d{1,18}", text):
            raise SourceError(
                f"{features.where()}: column {wanted!r} holds {text!r}, which is no whole number; leave id out of "
                "[columns] in the mapping, and the features' own numbers are used"
            )
    return np.array([int(text) for text in texts], dtype=np.int64)
