"""A tenant with something in every table of the three services."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from services.claims.adapters.http_peers import ClassifierClient
from services.classifier.api import for_claims
from shared.db.pool import open_pool
from shared.http import problems
from tests.integration.claims.conftest import Claims, claims, fleet  # noqa: F401 - fixtures
from tests.integration.claims.test_claims_audit_cases import TOKEN
from tests.integration.privacy.desk import Desk, desk_at


@pytest.fixture
def desk(claims: Claims, tmp_path: Path) -> Desk:  # noqa: F811 - the fixture
    return desk_at(claims, tmp_path)


@pytest.fixture
async def classifier(claims: Claims) -> AsyncIterator[ClassifierClient]:  # noqa: F811 - the fixture
    """The classifier's own routes for claims, on its own database."""
    pool = await open_pool(claims.database.dsn("classifier", "api"), name="test-classifier", size=2)
    app = FastAPI()
    problems.install(app)
    app.include_router(for_claims.router(pool, SecretStr(TOKEN), dict))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://classifier", headers=headers) as http:
        yield ClassifierClient(http)
    await pool.close()
