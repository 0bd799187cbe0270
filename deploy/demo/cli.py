"""`rucor demo`: start the stack, do the main job, say how it came out, stop the stack."""

import sys
from datetime import date
from pathlib import Path

import click
from rich.console import Console

LOG_WIDTH = 150
"""Of the output where it goes to a file: the table must stay whole."""


@click.command()
@click.option(
    "--data-dir", type=click.Path(path_type=Path), default=Path("var"), show_default=True, help="the stack's data"
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("out"), show_default=True, help="forms and reports"
)
@click.option(
    "--roads", type=click.Path(exists=True, path_type=Path), help="your own road source (OSM PBF) instead of the sample"
)
@click.option("--coverage", type=click.Path(exists=True, path_type=Path), help="its coverage polygon (GeoJSON)")
@click.option("--pings", type=click.Path(exists=True, path_type=Path), help="your own pings (.ndjson or .ndjson.gz)")
@click.option(
    "--truth",
    type=click.Path(exists=True, path_type=Path),
    help="true off-road metres by device (CSV: device_id, off_m)",
)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="last day of the sample's fortnight")
@click.option(
    "--port-base", type=int, default=8081, show_default=True, help="first of the four services' ports; 0 for free ones"
)
def demo(
    data_dir: Path,
    out: Path,
    roads: Path | None,
    coverage: Path | None,
    pings: Path | None,
    truth: Path | None,
    until: object,
    port_base: int,
) -> None:
    """The whole road, from pings to a claim form: on the sample fleet, or on roads and pings of your own."""
    from deploy.demo.problems import DemoProblem
    from deploy.demo.run import install_roads, run
    from deploy.demo.sources import own_job, sample_job
    from deploy.embedded.errors import StackError
    from deploy.embedded.stack import Stack

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=max(console.width, LOG_WIDTH))
    if (roads is None) != (pings is None):
        raise click.UsageError("--roads and --pings go together: pings are judged against the roads under them.")
    stack = Stack(data_dir, port_base=port_base, log=lambda text: console.print(text, style="dim", markup=False))
    code = 1
    try:
        if roads is not None and pings is not None:
            job = own_job(roads, coverage, pings, truth)
        else:
            with console.status("making the sample district and fleet"):
                job = sample_job(data_dir, until.date() if hasattr(until, "date") else _as_date(until))
        console.rule(job.title, align="left")
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        install_roads(data_dir, job, console)
        code = run(stack.start(), job, out, console)
    except (DemoProblem, StackError) as error:
        console.print(f"[red]stopped:[/] {error}", soft_wrap=True)
    except KeyboardInterrupt:
        console.print("interrupted")
    finally:
        stack.stop()
    console.print("[bold green]demo ended well[/]" if code == 0 else "[bold red]demo failed[/]")
    if code == 0:
        console.print(f"to look around: make up (data in {data_dir})")
    sys.exit(code)


def _as_date(value: object) -> date | None:
    return value if isinstance(value, date) else None
