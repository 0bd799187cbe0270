"""`rucor up`, `rucor status`, `rucor fetch-kafka`: the embedded stack from the command line."""

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final

import click

from deploy.embedded import jars
from deploy.embedded.errors import StackError
from deploy.embedded.info import FILE, StackInfo
from deploy.embedded.kafka import java_executable
from deploy.embedded.stack import DEFAULT_PORT_BASE, SERVICES, Stack

_EXIT_FAILED: Final = 1


class _Failed(click.ClickException):
    """Our own message, as it is: the stack's errors already say what to do."""

    exit_code = _EXIT_FAILED

    def show(self, file: object = None) -> None:  # noqa: ARG002 - click's signature
        click.secho("\nrucor: ", fg="red", bold=True, nl=False, err=True)
        click.echo(self.message, err=True)


def narrator() -> Callable[[str], None]:
    """Prints each line with the seconds since now; whole lines, from any thread."""
    begin = time.monotonic()
    lock = threading.Lock()

    def say(line: str) -> None:
        with lock:
            click.echo(f"{time.monotonic() - begin:7.1f} s  {line}")

    return say


@click.command()
@click.option(
    "--data-dir", type=click.Path(path_type=Path), default=Path("var"), show_default=True, help="All data, one folder."
)
@click.option(
    "--port-base",
    type=int,
    default=DEFAULT_PORT_BASE,
    show_default=True,
    help="First of the services' ports; 0: free ones.",
)
@click.option("--no-services", is_flag=True, help="Kafka and Postgres only, to run services by hand.")
def up(data_dir: Path, port_base: int, no_services: bool) -> None:
    """Start Kafka, Postgres and all services; stop them with Ctrl-C.

    KAFKA_BOOTSTRAP_SERVERS (with KAFKA_USERNAME, KAFKA_PASSWORD) or DATABASE_URL replace the embedded servers by your own.
    """
    say = narrator()
    stack = Stack(data_dir, port_base=port_base, services=() if no_services else SERVICES, log=say)
    _end_on_signals()
    try:
        info = stack.start()
        click.echo(where_to_look(info))
        stack.run_forever()
    except KeyboardInterrupt:
        say("stopping")
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not cut the clean stop short
        stack.stop()
        say("stopped; the data stay in " + str(stack.data_dir))
    except StackError as error:
        stack.stop()
        raise _Failed(str(error)) from None


@click.command()
@click.option(
    "--data-dir", type=click.Path(path_type=Path), default=Path("var"), show_default=True, help="The stack's folder."
)
def status(data_dir: Path) -> None:
    """Show where a running stack is to be found."""
    try:
        click.echo(where_to_look(StackInfo.read(data_dir / FILE)))
    except StackError as error:
        raise _Failed(str(error)) from None


@click.command("fetch-kafka")
def fetch_kafka() -> None:
    """Fetch Kafka's jars into the per-user cache, checking every hash, so that a later start needs no network."""
    try:
        java_executable()
        locked = jars.read_lock()
        jars.class_path(locked, jars.cache_dir(), click.echo)
    except StackError as error:
        raise _Failed(str(error)) from None
    click.echo(f"Kafka {jars.kafka_version(locked)}: {len(locked)} jars in {jars.cache_dir()}, all hashes right")


def where_to_look(info: StackInfo) -> str:
    """Addresses and files of a running stack; no password is shown."""
    width = max(len(name) for name in (*info.urls, "postgres"))
    lines = [
        f"  {name:<{width}}  {url}{'' if name == 'identity' else '/openapi.json'}" for name, url in info.urls.items()
    ]
    lines += [
        f"  {'kafka':<{width}}  {info.kafka_bootstrap}",
        f"  {'postgres':<{width}}  {info.superuser_dsn.rpartition('@')[2]}",
        f"  {'logs':<{width}}  {info.data_dir}/logs",
        f"  {'secrets':<{width}}  {info.data_dir}/{FILE} (0600)",
    ]
    return "\n".join(["", "Running:", *lines, ""])


def _end_on_signals() -> None:
    def end(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)  # a shell starts background jobs with it ignored
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # ignored by nohup, on purpose
        signal.signal(signal.SIGHUP, end)
