"""Tenants, made by operators through the worker's role."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from shared.db.audit import OPERATOR
from shared.db.pool import Connection

INSERT_TENANT: Final = "insert into claims.tenant (tenant_id, name) values ($1, $2)"
TENANT: Final = "select name from claims.tenant where tenant_id = $1"
TENANTS: Final = "select tenant_id, name from claims.tenant where tenant_id = any($1::uuid[])"
EVERYBODY: Final = "select tenant_id from claims.tenant where tenant_id <> $1"


async def insert_tenant(conn: Connection, tenant: UUID, name: str) -> None:
    await conn.execute(INSERT_TENANT, tenant, name)


async def tenant_name(conn: Connection, tenant: UUID) -> str | None:
    name: str | None = await conn.fetchval(TENANT, tenant)
    return name


async def tenant_names(conn: Connection, ids: Sequence[UUID]) -> dict[UUID, str]:
    """With the role that spans tenants."""
    return {row["tenant_id"]: row["name"] for row in await conn.fetch(TENANTS, list(ids))}


async def everybody(conn: Connection) -> list[UUID]:
    """All tenants but the operator, with the role that spans them."""
    return [row["tenant_id"] for row in await conn.fetch(EVERYBODY, OPERATOR)]
