"""`rucor roads build` and `rucor classify`: need no broker, no database and no running service."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from services.classifier.cli_missing import missing
from services.classifier.cli_roads import build_command, list_command, show_command

if TYPE_CHECKING:
    from services.classifier.domain.closed import ClosedDay
    from services.classifier.domain.device_day import DayOutcome
    from services.classifier.roads.dataset import RoadSet
    from shared.contracts.neutral import Parsed

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_REFUSED_SHOWN: Final = 5


@click.group()
def roads() -> None:
    """Road data sets."""


for command in (build_command, list_command, show_command, missing):
    roads.add_command(command)


@click.command()
@click.option("--roads", "roads_dir", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--pings", required=True, type=_FILE, help="Neutral pings, .ndjson or .ndjson.gz, in any order.")
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Segments as NDJSON; folders are made.",
)
def classify(roads_dir: Path, pings: Path, out: Path) -> None:
    """Classify pings offline, closed on each device's own odometer (rules DI1, DI2)."""
    from services.classifier.domain.closed import close_day
    from services.classifier.domain.device_day import classify_days
    from services.classifier.roads.dataset import DataSetError, RoadSet
    from shared.contracts.neutral import read_ndjson

    try:
        road_set = RoadSet.open(roads_dir)
        parsed = read_ndjson(pings)
    except (DataSetError, OSError, EOFError) as error:
        raise click.ClickException(str(error)) from error
    days = classify_days(parsed.pings, None, road_set)
    closed = [close_day(day) for day in days]
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8") as file:
        for day, result in zip(days, closed, strict=True):
            file.writelines(_lines(day.key[1], result))
    _report(road_set, parsed, days, closed)


def _lines(device_id: str, day: "ClosedDay") -> Iterator[str]:
    """One segment a line; `distance_m` is written from whole millimetres."""
    device = json.dumps(device_id, ensure_ascii=False)
    for part in day.segments:
        yield (
            f'{{"device_id": {device}, "start_ts": "{_instant(part.start_ms)}", "end_ts": "{_instant(part.end_ms)}", '
            f'"surface": "{part.surface}", "basis": "{part.basis}", "distance_m": {part.mm // 1000}.{part.mm % 1000:03d}, '
            f'"why": {json.dumps(part.why, ensure_ascii=False)}}}\n'
        )


def _instant(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03d}Z"


class _Sums(NamedTuple):
    mm: Counter[str]
    rules: Counter[str]


def _sums(closed: "Sequence[ClosedDay]") -> _Sums:
    mm: Counter[str] = Counter()
    for day in closed:
        for part in day.segments:
            mm[part.surface] += part.mm
    return _Sums(mm, Counter(day.closure.rule for day in closed))


def _report(road_set: "RoadSet", parsed: "Parsed", days: "Sequence[DayOutcome]", closed: "Sequence[ClosedDay]") -> None:
    sums = _sums(closed)
    total = sum(sums.mm.values()) or 1
    devices = len({day.key for day in days})
    click.echo(
        f"{parsed.rows:,} pings read, {len(parsed.refused):,} refused: {sum(day.fixes for day in days):,} fixes "
        f"of {devices:,} devices on {len(days):,} device-days"
    )
    for refused in parsed.refused[:_REFUSED_SHOWN]:
        click.echo(f"  line {refused.row + 1}: {refused.code}: {refused.detail}", err=True)
    if len(parsed.refused) > _REFUSED_SHOWN:
        click.echo(f"  and {len(parsed.refused) - _REFUSED_SHOWN:,} more lines", err=True)
    for surface, mm in sorted(sums.mm.items()):
        click.echo(f"  {surface:12} {mm / 1e6:12,.1f} km  {100 * mm / total:5.1f} %")
    words = {
        "no_recorder": "without odometer (GPS distance stands)", "lack": "odometer above GPS (the lack is unknown)",
        "scaled_down": "GPS above odometer (scaled down)", "within_display": "within one display unit",
        "still": "odometer stood still",
    }  # fmt: skip
    for rule, count in sorted(sums.rules.items()):
        click.echo(f"  {count:,} device-days {words[rule]}")
    click.echo(
        f"closed on the devices' own odometers, not on a legal recorder (rule DI2); scheme 1, road set {road_set.name}"
    )
    for warning in road_set.meta.warnings:
        click.echo(f"warning: {warning}", err=True)


@click.command()
@click.option("--roads", "roads_dir", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--pings", required=True, type=_FILE, help="Neutral pings, .ndjson or .ndjson.gz, in any order.")
@click.option("--device", required=True, help="As the pings name it.")
@click.option("--at", required=True, help="The instant in question, with its offset: 2026-03-02T09:14:00+13:00.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The picture (SVG).")
@click.option("--json", "values", type=click.Path(dir_okay=False, path_type=Path), help="All values behind it.")
def explain(roads_dir: Path, pings: Path, device: str, at: str, out: Path, values: Path | None) -> None:
    """Why was this kilometre counted?  Offline, from a road data set and a file of pings."""
    from services.classifier.application.explain_files import NothingToExplain, explain_files
    from services.classifier.roads.dataset import DataSetError, RoadSet
    from shared.contracts.neutral import read_ndjson

    try:
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise click.ClickException(f"--at {at}: give the offset, for example {at}+13:00")
        told = explain_files(read_ndjson(pings).pings, device, moment, RoadSet.open(roads_dir), out, values)
    except (DataSetError, NothingToExplain, ValueError, OSError, EOFError) as error:
        raise click.ClickException(str(error)) from error
    for sentence in told:
        click.echo(sentence)
    click.echo(f"picture: {out}")


if __name__ == "__main__":
    sys.exit(classify())
