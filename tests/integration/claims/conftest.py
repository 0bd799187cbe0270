"""The claims API on a real database, with two tenants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from services.claims.adapters.cipher import AesGcmSealer, HmacHasher
from services.claims.adapters.http_peers import ClassifierClient, PdfClient, open_client
from services.claims.api.context import Context
from services.claims.api.people.people_schemas import PersonBody
from services.claims.api.people.token_routes import Desk
from services.claims.application.policies import PolicyBook
from services.claims.cli import OPERATOR_SCOPES, SCOPES, create_tenant, issue_key
from services.claims.domain.register.roles import scopes_of
from services.claims.people_cli import add as add_person_by_command
from services.claims.policy import load as load_policy
from services.claims.wiring import make_app
from shared.clock import new_id
from shared.db.pool import Pool, open_pool
from shared.http.auth import OPERATOR
from shared.http.mint import Mint, fresh_keys, read_keys
from shared.http.tokens import AccessToken, sign
from shared.settings import LimitSettings
from tests.integration.claims.world import NOW_MS, Fleet
from tests.stack import Database

BANK_KEY = bytes(range(32))
HASH_KEY = bytes(range(32, 64))
UNLIMITED = LimitSettings(requests_per_s_per_key=100_000, failures_per_minute_per_address=100_000)
"""All tests ask from one address."""
NOWHERE = "http://127.0.0.1:9"
"""Nothing listens there: peers are away unless a test brings its own."""
SAME_DAY = """
create or replace function claims.nz_today() returns date language sql stable set search_path = pg_catalog, pg_temp as $$
    select date '2026-11-22'
$$"""
"""The database judges retention by a day of its own: here that of NOW_MS, so that a test holds on whatever day it runs."""


ISSUER = "http://claims"
TOKEN_KEYS = read_keys(fresh_keys())


class Clock:
    """The tests' present."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


@dataclass(frozen=True)
class Claims:
    """The service in this process: its app, pools and parts."""

    database: Database
    context: Context
    worker: Pool
    clock: Clock
    app: FastAPI

    async def fleet(self, name: str) -> Fleet:
        """A new tenant with a key for everything."""
        dsn = self.database.dsn("claims", "worker")
        tenant = await create_tenant(dsn, name)
        key = await issue_key(dsn, tenant, "test", SCOPES)
        return Fleet(self.client(key), tenant, self.worker)

    async def key(self, tenant: UUID, *scopes: str) -> str:
        """Another key of a tenant."""
        return await issue_key(self.database.dsn("claims", "worker"), tenant, "test", scopes)

    async def person(self, tenant: UUID, name: str, *roles: str) -> httpx.AsyncClient:
        """A person of the tenant, signed in: the client bears a real access token."""
        email = f"{new_id().hex[:8]}@hill.example"
        body = PersonBody.model_validate({"name": name, "email": email, "roles": list(roles)})
        row = await add_person_by_command(self.database.dsn("claims", "worker"), tenant, body, "test")
        token = AccessToken(tenant_id=tenant, subject=str(row.id), scopes=scopes_of(row.roles), person=name)
        return self.client(sign(token, TOKEN_KEYS[0], ISSUER, self.clock() // 1000))

    async def operator(self) -> httpx.AsyncClient:
        """Those who run the system, with a key for everything that they may do."""
        key = await issue_key(self.database.dsn("claims", "worker"), OPERATOR, "operator", OPERATOR_SCOPES)
        return self.client(key)

    async def as_superuser(self, *statements: str) -> None:
        conn = await asyncpg.connect(self.database.superuser)
        try:
            for statement in statements:
                await conn.execute(statement)
        finally:
            await conn.close()

    def client(self, key: str | None) -> httpx.AsyncClient:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        transport = httpx.ASGITransport(app=self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://claims", headers=headers, timeout=30)


@asynccontextmanager
async def open_claims(database: Database) -> AsyncIterator[Claims]:
    pool = await open_pool(database.dsn("claims", "api"), name="test-claims-api", size=12)
    worker = await open_pool(database.dsn("claims", "worker"), name="test-claims-worker", size=4)
    clock = Clock()
    async with open_client(NOWHERE, SecretStr("none")) as nowhere:
        context = Context(
            pool=pool,
            across=worker,
            policies=PolicyBook(load_policy()),
            clock=clock,
            sealer=AesGcmSealer([BANK_KEY]),
            hasher=HmacHasher(HASH_KEY),
            pdf=PdfClient(nowhere),
            classifier=ClassifierClient(nowhere),
        )
        desk = Desk(Mint(ISSUER, TOKEN_KEYS, clock), None)
        claims = Claims(database, context, worker, clock, make_app(context, desk, UNLIMITED))
        await claims.as_superuser(SAME_DAY)
        yield claims
    await pool.close()
    await worker.close()


@pytest.fixture
async def claims(database: Database) -> AsyncIterator[Claims]:
    async with open_claims(database) as opened:
        yield opened


@pytest.fixture
async def fleet(claims: Claims) -> Fleet:
    return await claims.fleet("Hill Farms")
