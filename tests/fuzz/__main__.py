"""`make fuzz MINUTES=10 [ONLY=claims] [SEED=7]`: schemathesis against the real services on real Postgres and Kafka."""

import secrets
import sys
import tempfile
from pathlib import Path

import click

from tests.fuzz.attack import attack
from tests.fuzz.world import world

SHARES = {"claims": 1.0, "classifier": 0.15, "claims-ops": 0.1}
OTHERS = 0.05
"""Of the minutes, which are those of claims."""


@click.command()
@click.option("--minutes", type=click.FloatRange(min=0.2), default=10.0, show_default=True)
@click.option("--only", multiple=True, help="One of the APIs; repeatable.")
@click.option("--seed", type=int, help="Of an earlier run; else a new one, which is printed.")
def main(minutes: float, only: tuple[str, ...], seed: int | None) -> None:
    number = secrets.randbelow(2**31) if seed is None else seed
    failed = []
    with tempfile.TemporaryDirectory(prefix="rucor-fuzz-") as folder, world(Path(folder)) as found:
        for name, target in sorted(found.targets.items(), reverse=True):
            if only and name not in only:
                continue
            log = Path(folder) / f"{name}.log"
            seconds = max(20, int(minutes * 60 * SHARES.get(name, OTHERS)))
            click.echo(f"{name}: {seconds} s, seed {number}")
            if attack(target, seconds, number, log) != 0:
                failed.append(name)
                click.echo(log.read_text())
            else:
                click.echo(log.read_text()[-600:])
        faults = found.faults()
    for fault in faults:
        click.echo(fault)
    sys.exit(1 if failed or faults else 0)


if __name__ == "__main__":
    main()
