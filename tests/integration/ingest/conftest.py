"""A real ingest process on the test's own database and topics, and what its topics and table hold."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.embedded.info import StackInfo
from deploy.embedded.parts import run_async
from services.ingest.cli import SCOPES, issue_key
from shared.contracts.topics import Topic
from shared.stream.connection import client_options
from tests.stack import Database, Databases, Topics, recreate_topics

START_S = 60.0
CLIENT = httpx.Client(verify=False, trust_env=False, timeout=30, limits=httpx.Limits(max_keepalive_connections=0))  # noqa: S501 - no TLS here
"""One for all: making a client loads certificates, and a kept connection would outlive a killed process."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass
class Ingest:
    """One service process; `start` again after `kill` uses the same database and topics."""

    database: Database
    topics: Topics
    folder: Path
    extra: dict[str, str] = field(default_factory=dict)
    tenant: UUID = field(default_factory=uuid4)
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    key: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "ingest.log"

    def start(self, *, ready: bool = True) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RUCOR_")}
        environment |= self.database.environment("ingest", port=self.port) | self.extra
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.ingest.main"], env=environment, stdout=output, stderr=output
            )
        if ready:
            self.wait_until(self._is_ready)

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        try:
            return CLIENT.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def wait_until(self, true: Callable[[], bool], within_s: float = START_S) -> None:
        give_up = time.monotonic() + within_s
        while not true():
            assert time.monotonic() < give_up, self.log.read_text()[-3000:]
            time.sleep(0.05)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(timeout=40)
        self.process = None
        return code

    def new_key(self, tenant: UUID, scopes: tuple[str, ...] = SCOPES) -> str:
        made: list[str] = []

        async def make() -> None:
            made.append(await issue_key(self.database.dsn("ingest", "worker"), tenant, "test", scopes))

        run_async(make)
        return made[0]

    def headers(self, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"} | more

    def post(self, body: Any, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return CLIENT.post(f"{self.url}/v1/pings", content=content, headers=self.headers(**named))

    def quarantine(self, **parameters: Any) -> dict[str, Any]:
        answer = CLIENT.get(f"{self.url}/v1/quarantine", params=parameters, headers=self.headers())
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    def audit_log(self) -> list[dict[str, Any]]:
        answer = CLIENT.get(f"{self.url}/v1/audit-log", headers=self.headers())
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return [item for item in items if item["method"] != "CLI"]

    def as_superuser(self, statement: str) -> None:
        async def execute() -> None:
            connection = await asyncpg.connect(self.database.superuser)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        run_async(execute)

    def values(self, topic: Topic) -> list[tuple[int, bytes]]:
        """Everything on a topic: (partition, value)."""
        found: list[tuple[int, bytes]] = []

        async def read() -> None:
            options = client_options(self.topics.settings("admin"), "test-reader")
            consumer = AIOKafkaConsumer(**options, enable_auto_commit=False, auto_offset_reset="earliest")
            await consumer.start()
            try:
                parts = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
                consumer.assign(parts)
                ends = await consumer.end_offsets(parts)
                left = {tp for tp, end in ends.items() if end}
                while left:
                    for tp, records in (await consumer.getmany(timeout_ms=500)).items():
                        found.extend((record.partition, record.value) for record in records)
                        if records and records[-1].offset + 1 >= ends[tp]:
                            left.discard(tp)
            finally:
                await consumer.stop()

        run_async(read)
        return found

    def rows(self, query: str) -> list[asyncpg.Record]:
        """What the worker's role sees."""
        found: list[asyncpg.Record] = []

        async def ask() -> None:
            connection = await asyncpg.connect(self.database.dsn("ingest", "worker"))
            try:
                found.extend(await connection.fetch(query))
            finally:
                await connection.close()

        run_async(ask)
        return found


def _closed(made: Ingest) -> None:
    if made.process is not None:
        made.process.kill()
        made.process.wait()


@pytest.fixture
def unstarted(database: Database, topics: Topics, tmp_path: Path) -> Iterator[Ingest]:
    """A process of the test's own, to be started with settings of its own, killed, frozen."""
    made = Ingest(database, topics, tmp_path)
    made.key = made.new_key(made.tenant)
    yield made
    _closed(made)


@pytest.fixture(scope="module")
def process(infra: StackInfo, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingest]:
    with databases.clone() as database:
        made = Ingest(database, recreate_topics(infra), tmp_path_factory.mktemp("ingest"))
        made.start()
        yield made
        _closed(made)


@pytest.fixture
def ingest(process: Ingest) -> Ingest:
    """The module's process seen by a tenant of the test's own."""
    mine = dataclasses.replace(process, tenant=uuid4())
    mine.key = mine.new_key(mine.tenant)
    return mine
