"""Rows that were there before a rule was mended are put right by the migration that mends it."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from deploy.embedded.info import StackInfo, on_database
from shared.clock import new_id
from shared.db.migrate import migrate
from shared.http.auth import OPERATOR
from shared.mailbox import mailbox
from tests.stream_tables import bare_database

pytestmark = pytest.mark.integration

MIGRATIONS = Path(__file__).parents[3] / "services" / "claims" / "migrations"
PERSON = """
insert into claims.person (tenant_id, id, name, email, email_key, created_by, created_at)
values ($1, $2, $3, $4, $5, 'a', now())"""


@asynccontextmanager
async def before(infra: StackInfo, folder: Path, first: str) -> AsyncIterator[tuple[asyncpg.Connection, Path]]:
    """A database as it was before the migration `first`, and where to put what is to come."""
    done = folder / "migrations"
    done.mkdir()
    for path in sorted(MIGRATIONS.glob("*.sql")):
        if path.name < first:
            shutil.copy(path, done)
    async with bare_database(infra) as database:
        await migrate(on_database(infra.dsns["claims"]["owner"], database.name), done)
        conn = await asyncpg.connect(on_database(infra.superuser_dsn, database.name))
        try:
            yield conn, done
        finally:
            await conn.close()


async def go_on(infra: StackInfo, conn: asyncpg.Connection, done: Path) -> None:
    """The migrations that are left."""
    for path in MIGRATIONS.glob("*.sql"):
        shutil.copy(path, done)
    name = await conn.fetchval("select current_database()")
    await migrate(on_database(infra.dsns["claims"]["owner"], name), done)


async def test_PA2_people_are_known_by_mailbox_from_now_on(infra: StackInfo, tmp_path: Path) -> None:
    async with before(infra, tmp_path, "0043_mailboxes.sql") as (conn, done):
        tenant, gone = new_id(), new_id()
        await conn.execute("insert into claims.tenant (tenant_id, name) values ($1, 'Hill Farms')", tenant)
        for email in ("Mary@Hill.example", "M@Straße.example", "\N{KELVIN SIGN}im@hill.example", "É@hill.example"):
            await conn.execute(PERSON, tenant, new_id(), "M", email, email.casefold())
        await conn.execute(PERSON, tenant, gone, "erased", "", f"erased {gone}")
        await go_on(infra, conn, done)
        rows = await conn.fetch("select email, email_key from claims.person where tenant_id = $1", tenant)
        assert {row["email_key"] for row in rows} == {mailbox(row["email"]) or f"erased {gone}" for row in rows}


async def test_PA2_who_has_signed_in_somewhere_need_not_name_it_again(infra: StackInfo, tmp_path: Path) -> None:
    async with before(infra, tmp_path, "0044_accepted_places.sql") as (conn, done):
        tenant = new_id()
        await conn.execute("insert into claims.tenant (tenant_id, name) values ($1, 'Hill Farms')", tenant)
        for by in ("sign-in", "R Hill"):
            person = new_id()
            await conn.execute(PERSON, tenant, person, by, f"{by}@x.example", f"{by}@x.example")
            await conn.execute(
                "insert into claims.person_identity (tenant_id, id, person_id, issuer, subject, since, by)"
                " values ($1, $2, $3, 'i', $4, now(), $4)", tenant, new_id(), person, by
            )  # fmt: skip
        await go_on(infra, conn, done)
        rows = await conn.fetch("select by, accepted_at = since as accepted from claims.person_identity")
        assert {row["by"]: row["accepted"] for row in rows} == {"sign-in": True, "R Hill": None}


async def test_PA4_a_leave_by_name_becomes_one_persons_or_ends(infra: StackInfo, tmp_path: Path) -> None:
    async with before(infra, tmp_path, "0038_grant_holders.sql") as (conn, done):
        tenant, jo = new_id(), new_id()
        await conn.execute("insert into claims.tenant (tenant_id, name) values ($1, 'Hill Farms')", tenant)
        for place, who, name in (
            (OPERATOR, jo, "Jo Smith"), (OPERATOR, new_id(), "Two"), (OPERATOR, new_id(), "Two"), (tenant, new_id(), "Jo Smith")
        ):  # fmt: skip
            await conn.execute(PERSON, place, who, name, f"{who}@x.example", f"{who}@x.example")
        for holder in ("Jo Smith", "Two", "Nobody", "1f2e3d4c"):
            await conn.execute(
                "insert into claims.ops_grant (tenant_id, id, case_ref, holder, from_at, until_at, reason, granted_by, created_at)"
                " values ($1, $2, $3, $4, now(), now() + interval '1 day', 'r', 'a', now())", tenant, new_id(), holder, holder
            )  # fmt: skip
        await go_on(infra, conn, done)
        rows = await conn.fetch("select case_ref, holder, ended_at is null as live from claims.ops_grant")
        assert {row["case_ref"]: (row["holder"], row["live"]) for row in rows} == {
            "Jo Smith": (str(jo), True), "Two": ("Two", False), "Nobody": ("Nobody", False), "1f2e3d4c": ("1f2e3d4c", True)
        }  # fmt: skip
        forced = "select relforcerowsecurity from pg_class where oid = $1::text::regclass"
        for table in ("claims.ops_grant", "claims.person"):
            assert await conn.fetchval(forced, table)
