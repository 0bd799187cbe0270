"""`rucor import KIND FILE`: a spreadsheet into the register, through the API."""

from pathlib import Path
from typing import Any, Final

import click
import httpx

from shared.running_stack import data_dir_option, read_stack

KINDS: Final = (
    "people", "claimants", "vehicles", "plates", "devices", "couplings", "recorders", "readings", "licences", "claimed-outside",
)  # fmt: skip
TIMEOUT: Final = httpx.Timeout(300.0, connect=5.0)
"""A dry run of 20,000 lines takes half a minute."""
SHOWN_MAX: Final = 100


@click.command("import")
@click.argument("kind", metavar="KIND", type=click.Choice(KINDS))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Try every line, tell what would be, and keep nothing.")
@click.option("--atomic", is_flag=True, help="All lines or none.")
@click.option("--url", help="Where the claims service answers; the running stack's where it is left out.")
@click.option(
    "--key",
    envvar="RUCOR_KEY",
    show_envvar=True,
    required=True,
    help="A key with the scope claims:write (people: people:write); better given in $RUCOR_KEY.",
)
@data_dir_option
def import_(kind: str, file: Path, *, dry_run: bool, atomic: bool, url: str | None, key: str, data_dir: Path) -> None:
    """Import the CSV FILE of KIND.  Ends with 1 where a line fails; the same file again makes nothing twice.

    KIND, in the order in which an office comes in: people, claimants, vehicles, plates, devices, couplings, recorders,
    readings, licences, claimed-outside.  Columns and examples: docs/guide/import.md."""
    at = url or str(read_stack(data_dir, "name the address with --url")["urls"]["claims"])
    answer = _send(at, key, kind, file.read_bytes(), dry_run=dry_run, atomic=atomic)
    _show(answer)
    if answer["errors"]:
        raise SystemExit(1)


def _send(url: str, key: str, kind: str, content: bytes, *, dry_run: bool, atomic: bool) -> dict[str, Any]:
    try:
        answer = httpx.post(
            f"{url.rstrip('/')}/v1/imports/{kind}",
            params={"dry_run": dry_run, "atomic": atomic},
            content=content,
            headers={"Authorization": f"Bearer {key}", "Content-Type": "text/csv"},
            timeout=TIMEOUT,
            trust_env=False,
        )
        document: dict[str, Any] = answer.json()
    except (httpx.TransportError, ValueError) as error:
        raise click.ClickException(f"claims does not answer at {url}: {error}") from error
    if answer.is_success:
        return document
    named = "".join(f"\n  {one['pointer'][1:]}: {one['detail']}" for one in document.get("errors") or ())
    told = ": ".join(filter(None, (document.get("title"), document.get("detail"))))
    raise click.ClickException(f"{told}{named}")


def _show(answer: dict[str, Any]) -> None:
    """What to look at: lines that failed, and lines that exist with other content."""
    found = [line for line in answer["report"] if line["errors"] or line["differs"]]
    for line in found[:SHOWN_MAX]:
        for one in line["errors"]:
            click.echo(f"line {line['line']}: {one['column'] + ': ' if one['column'] else ''}{one['detail']}")
        if line["differs"]:
            click.echo(f"line {line['line']}: exists with another {', '.join(line['differs'])}; nothing was changed")
    if len(found) > SHOWN_MAX:
        click.echo(f"… and {len(found) - SHOWN_MAX:,} more lines")
    kept = "" if answer["stored"] else "; nothing was stored"
    click.echo(
        f"{answer['lines']:,} lines: {answer['ok']:,} new, {answer['exists']:,} there already, "
        f"{answer['errors']:,} wrong{kept}"
    )
