"""Pools, transactions, migrations and API keys on real Postgres."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from deploy.embedded.info import StackInfo
from shared.clock import new_id
from shared.db.api_keys import find_key, hash_key, issue_key, key_id_of, revoke_key
from shared.db.errors import DatabaseUnavailable, constraints
from shared.db.migrate import MigrationError, migrate
from shared.db.pool import Pool, open_pool, tenant_tx, tx
from tests.stream_tables import SharedDatabase, bare_database, tables_sql

pytestmark = pytest.mark.integration


@pytest.fixture
async def api_pool(shared_db: SharedDatabase) -> AsyncIterator[Pool]:
    opened = await shared_db.pool("api")
    yield opened
    await opened.close()


@pytest.fixture
async def bare_db(infra: StackInfo) -> AsyncIterator[SharedDatabase]:
    async with bare_database(infra) as database:
        yield database


# --- pool ------------------------------------------------------------------------------------------------------------


async def test_every_connection_has_the_four_timeouts_and_a_name(pool: Pool) -> None:
    names = ("statement_timeout", "lock_timeout", "transaction_timeout", "idle_in_transaction_session_timeout")
    async with tx(pool) as conn:
        assert [await conn.fetchval("select current_setting($1)", name) for name in names] == ["4s", "3s", "5s", "5s"]
        assert await conn.fetchval("select current_setting('application_name')") == "test-worker"


async def test_a_transaction_that_idles_too_long_is_ended_and_frees_its_locks(shared_db: SharedDatabase) -> None:
    hasty = await open_pool(shared_db.dsn("worker"), name="test-hasty", transaction_ms=300)
    with pytest.raises(DatabaseUnavailable):  # noqa: PT012 - what happens inside is what is tested
        async with tx(hasty) as conn:
            await conn.execute("lock table outbox in access exclusive mode")
            await asyncio.sleep(0.6)
            await conn.execute("select 1")
    async with tx(hasty) as conn:
        assert await conn.fetchval("select count(*) from outbox") == 0
    await hasty.close()


async def test_an_exception_rolls_back(pool: Pool) -> None:
    with pytest.raises(KeyError):  # noqa: PT012 - as above
        async with tx(pool) as conn:
            await conn.execute("insert into outbox (topic, partition, frame) values ('t', 0, '')")
            raise KeyError
    async with tx(pool) as conn:
        assert await conn.fetchval("select count(*) from outbox") == 0


async def test_a_terminated_connection_is_retryable_and_the_pool_recovers(
    pool: Pool, shared_db: SharedDatabase
) -> None:
    superuser = await asyncpg.connect(
        shared_db.info.superuser_dsn,
    )
    with pytest.raises(DatabaseUnavailable):  # noqa: PT012 - as above
        async with tx(pool) as conn:
            await superuser.execute("select pg_terminate_backend($1)", await conn.fetchval("select pg_backend_pid()"))
            await conn.execute("select 1")
    await superuser.close()
    async with tx(pool) as conn:
        assert await conn.fetchval("select 1") == 1


async def test_a_bug_in_a_statement_is_no_outage(pool: Pool) -> None:
    async with tx(pool) as conn:
        with pytest.raises(asyncpg.UndefinedTableError):
            await conn.execute("select * from nothing_of_that_name")


async def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="test-nowhere"):
        await open_pool("postgresql://nobody@127.0.0.1:1/rucor", name="test-nowhere")


async def test_a_wrong_password_is_no_outage(shared_db: SharedDatabase) -> None:
    user, _, rest = shared_db.dsn("worker").partition("@")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await open_pool(f"{user}wrong@{rest}", name="test-wrong")


async def test_named_constraints_become_what_they_mean(pool: Pool) -> None:
    class Taken(Exception):
        pass

    meanings = {"stream_position_pkey": Taken}
    insert = "insert into stream_position values ('t', $1, 'id', $2, null, 0)"
    async with tx(pool) as conn:
        await conn.execute(insert, 0, 0)
    with pytest.raises(Taken), constraints(meanings):
        async with tx(pool) as conn:
            await conn.execute(insert, 0, 0)
    with pytest.raises(asyncpg.CheckViolationError), constraints(meanings):
        async with tx(pool) as conn:
            await conn.execute(insert, 1, -1)


# --- tenants ---------------------------------------------------------------------------------------------------------


async def keys_seen(pool: Pool, tenant: UUID | None) -> int:
    if tenant is None:
        async with tx(pool) as conn:
            return int(await conn.fetchval("select count(*) from api_key"))
    async with tenant_tx(pool, tenant) as conn:
        return int(await conn.fetchval("select count(*) from api_key"))


async def test_G6_the_tenant_ends_with_its_transaction_and_without_one_nothing_is_seen(
    shared_db: SharedDatabase, pool: Pool
) -> None:
    first, second = new_id(), new_id()
    async with tx(pool) as conn:
        await issue_key(conn, first, "one", ["pings:write"])
        await issue_key(conn, second, "two", ["pings:write"])
        await issue_key(conn, second, "three", ["pings:write"])
        # what a service's API would be granted on a table of its own
    owner = await asyncpg.connect(shared_db.dsn("owner"))
    await owner.execute("grant select, insert on api_key to rucor_classifier_api")
    await owner.close()
    api = await open_pool(shared_db.dsn("api"), name="test-api", size=1)
    assert [await keys_seen(api, tenant) for tenant in (first, second, None, first)] == [1, 2, 0, 1]
    assert await keys_seen(pool, None) == 3
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tenant_tx(api, first) as conn:
            await issue_key(conn, second, "another's", [])
    await api.close()


# --- API keys --------------------------------------------------------------------------------------------------------


async def test_a_key_is_found_by_the_api_role_through_the_function_alone(pool: Pool, api_pool: Pool) -> None:
    tenant = new_id()
    async with tx(pool) as conn:
        key = await issue_key(conn, tenant, "telematics", ["pings:write", "pings:read"])
        assert key not in str(await conn.fetch("select * from api_key"))
    key_id = key_id_of(key)
    assert key_id is not None
    async with tx(api_pool) as conn:
        row = await find_key(conn, key_id)
        assert row is not None
        assert (row.tenant_id, row.secret_sha256, row.revoked) == (tenant, hash_key(key), False)
        assert row.scopes == {"pings:write", "pings:read"}
        assert await find_key(conn, "00000000") is None
    async with tx(api_pool) as conn:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.fetch("select * from api_key")


async def test_a_key_is_revoked_once_and_only_by_its_tenant(pool: Pool) -> None:
    tenant = new_id()
    async with tx(pool) as conn:
        key_id = key_id_of(await issue_key(conn, tenant, "lost phone", []))
        assert key_id is not None
        assert not await revoke_key(conn, new_id(), key_id)
        assert await revoke_key(conn, tenant, key_id)
        assert not await revoke_key(conn, tenant, key_id)
        row = await find_key(conn, key_id)
    assert row is not None
    assert row.revoked


async def test_a_taken_key_id_is_tried_again(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = iter(["00000001", "00000001", "00000002"])
    monkeypatch.setattr(secrets, "token_hex", lambda _: next(ids))
    async with tx(pool) as conn:
        keys = [await issue_key(conn, new_id(), "collides", []) for _ in range(2)]
    assert [key_id_of(key) for key in keys] == ["00000001", "00000002"]


async def test_the_api_role_adds_to_the_outbox_and_cannot_read_it(api_pool: Pool) -> None:
    async with tx(api_pool) as conn:
        await conn.execute("insert into outbox (topic, partition, frame) values ('t', 0, 'x')")
    async with tx(api_pool) as conn:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.fetch("select * from outbox")


# --- migrations ------------------------------------------------------------------------------------------------------


def write(directory: Path, **files: str) -> Path:
    directory.mkdir(exist_ok=True)
    for name, sql in files.items():
        (directory / f"{name.removeprefix('m')}.sql").write_text(sql)
    return directory


async def test_migrations_run_once_in_order_in_their_schema(bare_db: SharedDatabase, tmp_path: Path) -> None:
    files = write(tmp_path / "m", m0001_first="create table one (n int)", m0002_second="insert into one values (2)")
    dsn = bare_db.dsn("owner")
    assert await migrate(dsn, files) == ["0001_first.sql", "0002_second.sql"]
    assert await migrate(dsn, files) == []
    write(files, m0003_third="insert into one values (3)")
    assert await migrate(dsn, files) == ["0003_third.sql"]
    conn = await asyncpg.connect(dsn)
    assert [row["n"] for row in await conn.fetch("select n from classifier.one order by n")] == [2, 3]
    assert await conn.fetchval("select count(*) from classifier.schema_migration") == 3
    await conn.close()


async def test_several_processes_may_migrate_at_once(bare_db: SharedDatabase, tmp_path: Path) -> None:
    files = write(tmp_path / "m", m0001_first="create table one (n int)", m0002_second="insert into one values (1)")
    ran = await asyncio.gather(*(migrate(bare_db.dsn("owner"), files) for _ in range(6)))
    assert sorted(len(names) for names in ran) == [0, 0, 0, 0, 0, 2]


async def test_an_applied_file_never_changes(bare_db: SharedDatabase, tmp_path: Path) -> None:
    files = write(tmp_path / "m", m0001_first="create table one (n int)")
    await migrate(bare_db.dsn("owner"), files)
    write(files, m0001_first="create table one (n bigint)")
    with pytest.raises(MigrationError, match=r"0001_first\.sql was changed"):
        await migrate(bare_db.dsn("owner"), files)


async def test_a_newer_database_is_refused(bare_db: SharedDatabase, tmp_path: Path) -> None:
    files = write(tmp_path / "m", m0001_first="create table one (n int)", m0002_second="select 1")
    await migrate(bare_db.dsn("owner"), files)
    (files / "0002_second.sql").unlink()
    with pytest.raises(MigrationError, match="newer release"):
        await migrate(bare_db.dsn("owner"), files)


async def test_a_broken_file_is_named_and_leaves_nothing(bare_db: SharedDatabase, tmp_path: Path) -> None:
    files = write(
        tmp_path / "m", m0001_first="create table one (n int)", m0002_second="create table two (); select 1/0"
    )
    with pytest.raises(MigrationError, match=r"0002_second\.sql: division by zero"):
        await migrate(bare_db.dsn("owner"), files)
    conn = await asyncpg.connect(bare_db.dsn("owner"))
    assert await conn.fetchval("select to_regclass('two')") is None
    assert await conn.fetchval("select to_regclass('one')") is not None
    await conn.close()


async def test_a_role_without_its_schema_is_told_to_bootstrap(bare_db: SharedDatabase, tmp_path: Path) -> None:
    files = write(tmp_path / "m", m0001_first="select 1")
    with pytest.raises(MigrationError, match="bootstrap"):
        await migrate(bare_db.info.superuser_dsn, files)


@pytest.mark.parametrize("service", ["ingest", "classifier", "claims"])
def test_the_published_tables_name_the_service_everywhere(service: str) -> None:
    text = tables_sql(service)
    assert "SERVICE" not in text
    assert f"rucor_{service}_worker" in text
