"""The classifier's API over a filled evidence store, with two tenants."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from services.classifier.keys_cli import SCOPES, issue_key
from services.classifier.settings import ClassifierSettings
from services.classifier.wiring import Classifier, create_app
from shared.observability.health import Health
from tests.integration.classifier.conftest import Store, district, store

__all__ = ["district", "store"]

ONE, TWO = UUID(int=1), UUID(int=2)
SQUARE = [[175.24, -40.11], [175.26, -40.11], [175.26, -40.09], [175.24, -40.09], [175.24, -40.11]]


def land_body(**changed: Any) -> dict[str, Any]:
    return {
        "kind": "owned",
        "name": "Home Block",
        "first_on": "2026-03-01",
        "reason": "our title",
        "polygon": {"type": "Polygon", "coordinates": [SQUARE]},
    } | changed


@dataclass
class Caller:
    """One key."""

    client: httpx.AsyncClient

    async def send(self, method: str, path: str, body: Any, status: int, **headers: str) -> dict[str, Any]:
        answer = await self.client.request(method, f"/v1{path}", json=body, headers=headers)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        found: dict[str, Any] = answer.json()
        return found

    async def post(self, path: str, body: Any, status: int = 201, **headers: str) -> dict[str, Any]:
        return await self.send("POST", path, body, status, **headers)

    async def put(self, path: str, body: Any, status: int = 200) -> dict[str, Any]:
        return await self.send("PUT", path, body, status)

    async def get(self, path: str, status: int = 200, **params: Any) -> dict[str, Any]:
        answer = await self.client.get(f"/v1{path}", params=params)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        found: dict[str, Any] = answer.json()
        return found


@dataclass
class Api:
    store: Store
    app: FastAPI

    async def caller(self, tenant: UUID, *scopes: str) -> Caller:
        key = await issue_key(self.store.database.dsn("classifier", "worker"), tenant, "test", scopes or SCOPES)
        headers = {"Authorization": f"Bearer {key}"}
        transport = httpx.ASGITransport(app=self.app)
        return Caller(httpx.AsyncClient(transport=transport, base_url="http://classifier", headers=headers))


@pytest.fixture
async def api(store: Store, monkeypatch: pytest.MonkeyPatch) -> Api:
    for name, value in store.database.environment("classifier").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RUCOR_ROADS_DIR", str(store.district.path.parent))
    settings = ClassifierSettings()  # type: ignore[call-arg]  # from the environment
    classifier = Classifier(settings, Health(), store.worker)
    await classifier.library.look()
    return Api(store, create_app(settings, store.api, classifier))


@pytest.fixture
async def one(api: Api) -> Caller:
    return await api.caller(ONE)


@pytest.fixture
async def two(api: Api) -> Caller:
    return await api.caller(TWO)
