"""The stack that runs on this machine, as `rucor up` describes it in stack.json: what operators' commands begin with."""

import json
from pathlib import Path
from typing import Any, Final, Literal

import click

STACK_FILE: Final = "stack.json"

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=Path("var"),
    show_default=True,
    help="Where the stack keeps its data.",
)


def read_stack(data_dir: Path, or_else: str = "") -> dict[str, Any]:
    """What the running stack says of itself.  `or_else`: what a person can do instead of starting one, in words.

    Raises click.ClickException."""
    path = data_dir / STACK_FILE
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        instead = f", or {or_else}" if or_else else ""
        raise click.ClickException(
            f"no running stack in {data_dir}: start it with `rucor up --data-dir {data_dir}`{instead}"
        ) from None
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path} cannot be read ({error!r}): start the stack again") from error
    return found


def dsn_of(data_dir: Path, service: str, role: Literal["worker", "api"] = "worker", or_else: str = "") -> str:
    """The database address of a service's role in the running stack.  Raises click.ClickException."""
    try:
        dsn: str = read_stack(data_dir, or_else)["dsns"][service][role]
    except KeyError as error:
        path = data_dir / STACK_FILE
        raise click.ClickException(f"{path} cannot be read ({error!r}): start the stack again") from error
    return dsn
