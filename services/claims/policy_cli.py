"""`rucor policy show|set|history`: rates, fees, reason codes and thresholds, changed without a release."""

import asyncio
from pathlib import Path
from typing import Final

import click

from services.claims.application.policies import Change, change_policy, current
from services.claims.policy import load
from services.claims.repo import policies
from services.claims.repo.policies import ChangeRow
from shared.db.pool import lone_tx, open_pool
from shared.http.problems import Problem
from shared.running_stack import data_dir_option, dsn_of

CONNECTION: Final = "rucor-claims-policy"
CHANGES_SHOWN: Final = 500
_FILES: Final = tuple(policies.COLUMNS)


@click.group()
def policy() -> None:
    """The policy data: rates, fees, reason codes, thresholds."""


@policy.command("show")
@click.argument("file", type=click.Choice(_FILES))
@data_dir_option
def show(file: str, data_dir: Path) -> None:
    """Print FILE as it holds now."""

    async def read() -> str:
        async with lone_tx(dsn_of(data_dir, "claims"), name=CONNECTION) as conn:
            return (await current(conn, load())).texts[file]

    click.echo(asyncio.run(read()), nl=False)


@policy.command("set")
@click.argument("file", type=click.Choice(_FILES))
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--actor", required=True, help="Your name.")
@click.option("--reason", required=True, help="Why, with the source: it is kept for ever.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@data_dir_option
def set_(file: str, path: Path, actor: str, reason: str, data_dir: Path, *, dry_run: bool) -> None:
    """Put the text in PATH in force as FILE, for every tenant, at once."""
    text = path.read_text(encoding="utf-8")

    async def write() -> Change:
        pool = await open_pool(dsn_of(data_dir, "claims"), name=CONNECTION, size=1)
        try:
            async with pool.acquire() as conn:
                based_on = (await current(conn, load())).name
            return await change_policy(pool, load(), {file: text}, based_on, actor, reason, dry_run=dry_run)
        finally:
            await pool.close()

    try:
        change = asyncio.run(write())
    except Problem as problem:
        raise click.ClickException(_words(problem)) from None
    for name, lines in change.lines.items():
        click.echo("\n".join([f"{name}:", *lines]))
    for warning in change.warnings:
        click.echo(f"warning: {warning}", err=True)
    done = "would hold" if dry_run else "holds" if change.row else "held already"
    click.echo(f"edition {change.name} {done}")


@policy.command("history")
@data_dir_option
def history(data_dir: Path) -> None:
    """Who changed the policy, when and why, the latest first."""

    async def read() -> list[ChangeRow]:
        async with lone_tx(dsn_of(data_dir, "claims"), name=CONNECTION) as conn:
            return await policies.changes(conn, 2**62, CHANGES_SHOWN)

    for row in asyncio.run(read()):
        click.echo(f"{row.created_at:%Y-%m-%d %H:%M}Z  {row.edition}  {row.actor}: {row.reason}")
    click.echo(f"as shipped: {load().name}")


def _words(problem: Problem) -> str:
    faults = [error["detail"] for error in problem.extra.get("errors", ())]
    return "; ".join(faults) or f"{problem.title}: {problem.detail}"
