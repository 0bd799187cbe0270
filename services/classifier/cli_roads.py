"""`rucor roads build`, `list` and `show`: make road data sets, and look into them."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

import click

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)


def _day(_context: click.Context, _option: click.Parameter, value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat() if value else ""
    except ValueError as error:
        raise click.BadParameter(f"{value} is no date, write YYYY-MM-DD") from error


@click.command("build")
@click.argument("sources", nargs=-1, required=True, type=_FILE)
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for data sets; made when missing.",
)
@click.option(
    "--mapping",
    "mappings",
    multiple=True,
    help="What the columns of a source mean: a built-in mapping's name or a TOML file; once for each source that is not OSM.",
)
@click.option("--coverage", type=_FILE, help="GeoJSON polygon for which the sources hold every public road.")
@click.option(
    "--date",
    "source_date",
    default="",
    callback=_day,
    help="Date (YYYY-MM-DD) of the sources, where they have none or a wrong one.",
)
@click.option(
    "--valid-from",
    default="",
    callback=_day,
    help="Day from which travel is judged by this set (default: the sources' date).",
)
@click.option(
    "--supersedes", default="", help="Name of the set that this one corrects: its days are judged again (rule SU9)."
)
def build_command(
    sources: Sequence[Path],
    out: Path,
    mappings: Sequence[str],
    coverage: Path | None,
    source_date: str,
    valid_from: str,
    supersedes: str,
) -> None:
    """Build a road data set into OUT/<content hash>.

    SOURCES stand in order of trust: OpenStreetMap files (.osm.pbf, .osm), and GeoPackage, GeoJSON or Shapefile (also zipped)
    with a mapping each."""
    from services.classifier.application.localities import note_localities
    from services.classifier.roads.build import build
    from services.classifier.roads.ways import SourceError

    try:
        made = build(sources, out, coverage, source_date, valid_from, supersedes, mappings)
        places = note_localities(made.path, sources)
    except (SourceError, RuntimeError, ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    meta = made.meta
    size = sum(one.stat().st_size for one in made.path.iterdir())
    click.echo(
        f"road set {made.name} ({meta.source}, {meta.source_date or 'no date'}): {size / 1e6:.1f} MB in {made.path}"
    )
    click.echo(
        f"  {meta.ways:,} ways: {meta.public_km:,.0f} km public, {meta.private_km:,.0f} private, "
        f"{meta.unknown_km:,.0f} of unknown maintainer"
    )
    click.echo(
        f"  {meta.fine_cells:,} H3 cells of resolution {meta.fine_res}, {meta.coarse_cells:,} of {meta.coarse_res}"
    )
    click.echo(f"  {places:,} localities, for names of places only")
    for warning in meta.warnings:
        click.echo(f"warning: {warning}", err=True)


@click.command("list")
@click.option(
    "--roads", "folder", required=True, type=_FOLDER, help="The folder that `rucor roads build --out` was given."
)
def list_command(folder: Path) -> None:
    """All road data sets in a folder: sources, dates, what each supersedes, kilometres and warnings."""
    from services.classifier.roads.dataset import DataSetError, RoadSet, folders

    found = folders(folder)
    if not found:
        raise click.ClickException(f"{folder} holds no road data set; make one with `rucor roads build`")
    for one in found:
        try:
            made = RoadSet.open(one)
        except DataSetError as error:
            click.echo(f"{one.name}: {error}", err=True)
            continue
        meta = made.meta
        after = f", supersedes {meta.supersedes}" if meta.supersedes else ""
        click.echo(f"{made.name}  valid from {meta.valid_from or 'ever'}{after}")
        for source in meta.sources:
            by = f", mapping {source.mapping}" if source.mapping else ""
            click.echo(
                f"  {source.name} ({source.date or 'no date'}{by}): {source.ways:,} ways, sha256 {source.sha256[:16]}"
            )
        click.echo(
            f"  {meta.public_km:,.0f} km public, {meta.private_km:,.0f} private, {meta.unknown_km:,.0f} of unknown maintainer; "
            f"{meta.areas:,} areas; coverage {meta.coverage[:16]}"
        )
        for warning in meta.warnings:
            click.echo(f"  warning: {warning}")


@click.command("show", context_settings={"ignore_unknown_options": True})
@click.option(
    "--roads", "folder", required=True, type=_FOLDER, help="A data set, or a folder of them (then the last built)."
)
@click.argument("lat", type=float)
@click.argument("lng", type=float)
def show_command(folder: Path, lat: float, lng: float) -> None:
    """What the data set knows around LAT LNG (degrees): ways and areas, by which rule of which source."""
    from services.classifier.roads.dataset import DataSetError, RoadSet
    from services.classifier.roads.look import look

    try:
        told = look(RoadSet.open(folder), (lat, lng))
    except DataSetError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"cell {told.h3} of road set {told.road_set}")
    if told.edge_m < 0:
        click.echo("outside the coverage of the data set: travel is unknown (rule SU5)")
    else:
        click.echo(
            f"public roads: none nearer than {told.public_m:,.0f} m by the cell's bound; edge of coverage {told.edge_m:,.0f} m"
        )
    for way in told.ways:
        where = "inside" if way.inside else f"{way.metres:6.1f} m"
        click.echo(f"  {where}  {way.kind_name}: {way.words}")
    if not told.ways:
        click.echo("  no way or area within 100 m of any point of the cell")
