"""`rucor sample`: write the sample district and fleet."""

from datetime import datetime
from pathlib import Path

import click


@click.command()
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="folder; made when missing"
)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    help="last NZ day of the fortnight; default: as in OUT, else the last day before the late window of 72 h",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="default: as in OUT, else 1")
@click.option("--vehicle", metavar="REF", help="besides, this vehicle by itself: REF.ndjson, and REF.env for a shell")
def sample(out: Path, until: datetime | None, seed: int | None, vehicle: str | None) -> None:
    """Write a made-up district (OSM), a fleet's fortnight of pings, the exact truth, and a register to post."""
    from deploy.demo.sample.generate import SEED, default_until, generate, made_before
    from deploy.demo.sample.one_vehicle import NoSuchVehicle, write_one
    from shared.clock import system_clock

    before = made_before(out)
    day = until.date() if until else (before[0] if before else default_until(system_clock()))
    number = seed if seed is not None else (before[1] if before else SEED)
    made = generate(out, day, number)
    click.echo(f"{made.pings:,} pings of 12 vehicles, 14 days until {made.until} (seed {made.seed}), in {made.folder}")
    click.echo(
        f"  roads {made.roads.name}, coverage {made.coverage.name}, pings {made.stream.name}, register {made.register.name}"
    )
    click.echo(f"  truth by device and day truth.csv, by device {made.truth_devices.name}")
    if vehicle is not None:
        try:
            pings, office = write_one(made, vehicle)
        except NoSuchVehicle as error:
            raise click.ClickException(str(error)) from None
        click.echo(f"  {vehicle} by itself: {pings.name}, {office.name}")
