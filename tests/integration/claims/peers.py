"""The other services' own routes for claims, each on its own database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from services.claims.adapters.http_peers import ClassifierClient, IngestClient
from services.classifier.api import for_claims
from services.ingest.adapters.retention import Retention
from services.ingest.api import for_claims as for_claims_of_ingest
from shared.db.pool import open_pool
from shared.http import problems
from tests.integration.claims.conftest import Claims

TOKEN = "t" * 40


@asynccontextmanager
async def open_classifier(claims: Claims) -> AsyncIterator[ClassifierClient]:
    pool = await open_pool(claims.database.dsn("classifier", "api"), name="test-classifier", size=2)
    app = FastAPI()
    problems.install(app)
    app.include_router(for_claims.router(pool, SecretStr(TOKEN), dict))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://classifier", headers=headers) as http:
        yield ClassifierClient(http)
    await pool.close()


@asynccontextmanager
async def open_ingest(claims: Claims) -> AsyncIterator[tuple[IngestClient, Retention]]:
    """Ingest's own routes for claims on its own database, and what they tell its loop."""
    pool = await open_pool(claims.database.dsn("ingest", "worker"), name="test-ingest", size=1)
    kept, app = Retention(pool, claims.clock), FastAPI()
    problems.install(app)
    app.include_router(for_claims_of_ingest.router(kept, SecretStr(TOKEN)))
    transport, headers = httpx.ASGITransport(app=app), {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://ingest", headers=headers) as http:
        yield IngestClient(http), kept
    await pool.close()
