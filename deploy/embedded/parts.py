"""The parts of a stack as the supervisor sees them: how each is started and how a real client finds it ready."""

import asyncio
import contextlib
import logging
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM, Signals
from typing import Any, Final, Protocol, TypeVar

import asyncpg

from deploy.embedded.children import NO_OUTPUT, Child, Spec
from deploy.embedded.credentials import KAFKA_ADMIN
from deploy.embedded.errors import StackError, missing_library
from deploy.embedded.kafka import Kafka
from deploy.embedded.ports import LOOPBACK
from deploy.embedded.postgres import STOP_SIGNAL, SUPERUSER, Postgres
from deploy.kafka.admin import KafkaError, brokers_alive

Say = Callable[[str], None]
T = TypeVar("T")
_POLL_S: Final = 0.05
_PROGRESS_EVERY_S: Final = 5.0
INFRASTRUCTURE_PATIENCE_S: Final = 600.0
"""Recovery of a large log or of much WAL takes minutes; progress is shown meanwhile."""
SERVICE_PATIENCE_S: Final = 60.0
_ENDED_HINTS: Final = {
    "No space left on device": "The disk is full: free some space, then start again.  Nothing acknowledged is lost.",
    "Address already in use": "Its port was taken between our check and its start: start again.",
}


class ChildEnded(StackError):
    """A child ended while we waited for it."""


class Stopped(Exception):
    """We were asked to stop while waiting."""


class Part(Protocol):
    """What the supervisor keeps running."""

    @property
    def name(self) -> str: ...
    @property
    def record(self) -> Path: ...
    @property
    def stop_signal(self) -> Signals: ...
    def prepare(self, say: Say) -> Spec: ...
    def is_ready(self, patience_s: float) -> bool:
        """Whether a real client gets an answer now; False while it is still starting."""

    @property
    def patience_s(self) -> float: ...


def run_async(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end from synchronous code, also where the caller's thread has an event loop already."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def target() -> None:
        try:
            outcome.append(asyncio.run(work()))
        except BaseException as error:  # noqa: BLE001 - handed to the caller below
            failure.append(error)

    thread = threading.Thread(target=target, name="rucor-client")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def listens(port: int) -> bool:
    """Whether anybody accepts connections on this loopback port."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


@dataclass(frozen=True)
class KafkaPart:
    kafka: Kafka
    name: str = "kafka"
    stop_signal: Signals = SIGTERM
    patience_s: float = INFRASTRUCTURE_PATIENCE_S

    @property
    def record(self) -> Path:
        return self.kafka.record

    def prepare(self, say: Say) -> Spec:
        return self.kafka.prepare(say)

    def is_ready(self, patience_s: float) -> bool:
        if not listens(self.kafka.clients_port):
            return False
        logger = logging.getLogger("aiokafka")
        before, logger.disabled = logger.disabled, True  # it reports every refusal while the broker starts
        try:
            password = self.kafka.credentials.kafka[KAFKA_ADMIN]
            alive = run_async(
                lambda: asyncio.wait_for(brokers_alive(self.kafka.bootstrap, KAFKA_ADMIN, password), patience_s)
            )
        except (KafkaError, TimeoutError, OSError):
            return False
        finally:
            logger.disabled = before
        return alive > 0


@dataclass(frozen=True)
class PostgresPart:
    postgres: Postgres
    name: str = "postgres"
    stop_signal: Signals = STOP_SIGNAL
    patience_s: float = INFRASTRUCTURE_PATIENCE_S

    @property
    def record(self) -> Path:
        return self.postgres.record

    def prepare(self, say: Say) -> Spec:
        return self.postgres.prepare(say)

    def is_ready(self, patience_s: float) -> bool:
        if not listens(self.postgres.port):
            return False
        dsn = self.postgres.dsn(SUPERUSER, self.postgres.password, "postgres")

        async def ask() -> bool:
            connection = await asyncpg.connect(dsn, timeout=patience_s)
            try:
                return bool(await connection.fetchval("select not pg_is_in_recovery()"))
            finally:
                await connection.close()

        try:
            return run_async(ask)
        except (asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError, TimeoutError, OSError):
            return False


@dataclass(frozen=True)
class ServicePart:
    """A service process; ready for the supervisor once it is alive (`/healthz`): what it still waits for is its `/readyz`."""

    name: str
    spec: Spec
    port: int
    stop_signal: Signals = SIGTERM
    patience_s: float = SERVICE_PATIENCE_S

    @property
    def record(self) -> Path:
        return self.spec.record

    def prepare(self, say: Say) -> Spec:  # noqa: ARG002 - nothing to prepare
        return self.spec

    def is_ready(self, patience_s: float) -> bool:
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}/healthz", timeout=patience_s) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False


def wait_until_ready(part: Part, child: Child, say: Say, stopping: threading.Event) -> None:
    """Return once a client gets an answer.  ChildEnded with the log's tail where it ends before; progress is said."""
    begin = shown = time.monotonic()
    while not part.is_ready(5.0):
        code = child.exit_code()
        if code is not None:
            raise ended(part.name, child, code)
        if stopping.wait(_POLL_S):
            raise Stopped
        now = time.monotonic()
        if now - begin > part.patience_s:
            raise StackError(
                f"{part.name} runs but does not answer after {now - begin:.0f} s.  Its log:\n{child.tail()}"
            )
        if now - shown > _PROGRESS_EVERY_S:
            shown = now
            say(f"{part.name}: not ready after {now - begin:.0f} s{_last_words(child)}")
    say(f"{part.name}: ready after {time.monotonic() - begin:.1f} s (pid {child.pid})")


def _last_words(child: Child) -> str:
    """The end of its log, such as how far a recovery has come; nothing while it is silent."""
    last = child.tail().splitlines()[-1]
    return "" if last == NO_OUTPUT else f"; its log says: {last[:120]}"


def ended(name: str, child: Child, code: int) -> ChildEnded:
    """What to tell about a child that ended by itself."""
    how = f"was ended by {Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    tail = child.tail()
    hints = [hint for text, hint in _ENDED_HINTS.items() if text in tail]
    library = missing_library(tail)
    if library is not None:
        hints.append(str(library))
    return ChildEnded("\n".join([f"{name} {how}.  The end of its log ({child.spec.log}):", tail, *hints]))
