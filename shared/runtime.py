"""The life of a service process: settings, logs, HTTP and background loops on one event loop, an orderly end.

A background task that ends before it is asked to ends the process with 1: the supervisor restarts it, and the restart
re-reads the truth from Postgres.  SIGTERM and SIGINT drain HTTP first, because requests wait for the loops' work."""

import argparse
import asyncio
import contextlib
import errno
import gc
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import Any, Final, TypeVar

import uvicorn
from fastapi import FastAPI

from shared.errors import Retryable
from shared.http.heads import HurriedHeads
from shared.http.lingering import Lingering
from shared.observability import health as health_routes
from shared.observability import logging as logs
from shared.observability.health import Health
from shared.settings import ProcessSettings, load, masked

EXIT_FAILED: Final = 1
EXIT_PORT: Final = 3
DRAIN_S: Final = 15
DRAIN_AFTER_FAILURE_S: Final = 3
TASKS_END_S: Final = 15.0
YOUNG_MAX: Final = 20_000
"""Containers made since the last collection of the young: a statement of two years makes about so many."""

S = TypeVar("S", bound=ProcessSettings)
Task = tuple[str, Callable[[], Awaitable[None]]]

log = logs.get_logger(__name__)


class PortTaken(Exception):
    """Another process listens where we were told to."""


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling, which re-raises the signal and so would hide our exit code."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """The listening socket, bound before anything else starts.  Raises PortTaken with what to do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        if error.errno in {errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL}:
            raise PortTaken(
                f"cannot listen on {host}:{port} ({error.strerror}): stop what uses it or set RUCOR_PORT to another"
            ) from error
        raise


async def _until_asked(stop: asyncio.Event, server: "asyncio.Task[None]", tasks: "list[asyncio.Task[None]]") -> int:
    """Wait for the first end: our being asked to stop (0), or a task's or the server's own end (1)."""
    asked = asyncio.create_task(stop.wait(), name="stop")
    done, _ = await asyncio.wait([asked, server, *tasks], return_when=asyncio.FIRST_COMPLETED)
    if asked in done:
        return 0
    asked.cancel()
    for task in done:
        error = task.exception() if not task.cancelled() else None
        log.error("background task ended", task=task.get_name(), error=repr(error), exc_info=error)
    return EXIT_FAILED


async def _end_tasks(tasks: "list[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    if not tasks:
        return
    done, late = await asyncio.wait(tasks, timeout=TASKS_END_S)
    for task in late:
        log.error("background task does not end", task=task.get_name())
    for task in done:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background task failed while ending", task=task.get_name(), exc_info=error)


async def serve(app: FastAPI, settings: ProcessSettings, tasks: Sequence[Task], *, health: Health | None = None) -> int:
    """Run the API and the named background loops until SIGTERM or a failure; returns the process's exit code.

    `health` feeds `/healthz` and `/readyz`, which are added here with `/metrics`.  On SIGTERM: no new connections,
    requests under way are answered, then the loops are cancelled and awaited (they close what they opened)."""
    health_routes.install(app, health or Health())
    # What the start has made stays for ever: walked again in every full collection, it was a third of a long answer's time.
    # What an answer makes dies with it: the young are looked through less often than every 700 objects, for nothing.
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX)
    sock = listen(settings.host, settings.port)
    config = uvicorn.Config(
        Lingering(app), http=HurriedHeads, log_config=None, access_log=False, server_header=False,
        timeout_graceful_shutdown=DRAIN_S, lifespan="on",
    )  # fmt: skip
    server = _Server(config)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    serving = asyncio.create_task(server.serve([sock]), name="http")
    running = [asyncio.create_task(_awaited(run), name=name) for name, run in tasks]
    log.info("started", host=settings.host, port=sock.getsockname()[1], tasks=[name for name, _ in tasks])
    code = await _until_asked(stop, serving, running)
    log.info("stopping", code=code)
    config.timeout_graceful_shutdown = DRAIN_S if code == 0 else DRAIN_AFTER_FAILURE_S
    server.should_exit = True
    with contextlib.suppress(SystemExit, Exception):  # its failure is logged already, as the reason of the end
        await serving
    await _end_tasks(running)
    log.info("stopped", code=code)
    return code


async def _awaited(run: Callable[[], Awaitable[None]]) -> None:
    await run()


def _run(coroutine: Coroutine[Any, Any, int]) -> int:
    if sys.platform == "win32":
        return asyncio.run(coroutine)
    import uvloop

    return uvloop.run(coroutine)


def _service(settings_cls: type[ProcessSettings]) -> str:
    """The class's own name for it, else `services.ingest.settings` → `ingest`."""
    if settings_cls.service:
        return settings_cls.service
    parts = settings_cls.__module__.split(".")
    return parts[1] if parts[0] == "services" else parts[-1].strip("_")


def main(settings_cls: type[S], build: Callable[[S], Awaitable[int]]) -> None:
    """Entry of `python -m services.<name>.main`: settings, logs, `build(settings)` on an event loop, `sys.exit`.

    `build` joins the objects and awaits `serve`.  `--check-config` prints the masked settings, exits with 0 or 2."""
    parser = argparse.ArgumentParser(prog=f"python -m {settings_cls.__module__.removesuffix('.settings')}.main")
    parser.add_argument(
        "--check-config", action="store_true", help="validate the settings, print them masked, and exit"
    )
    arguments = parser.parse_args()
    settings = load(settings_cls)
    if arguments.check_config:
        sys.stdout.write(masked(settings) + "\n")
        sys.exit(0)
    logs.configure(_service(settings_cls), settings.log_level)

    async def run() -> int:
        try:
            return await build(settings)
        except PortTaken as error:
            log.error("port taken", error=str(error))  # noqa: TRY400 - the message says it all
            return EXIT_PORT
        except Retryable as error:
            log.error("a dependency is away", error=str(error))  # noqa: TRY400 - as above
            return EXIT_FAILED
        except Exception as error:
            log.critical("start failed", exc_info=error)
            return EXIT_FAILED

    sys.exit(_run(run()))
