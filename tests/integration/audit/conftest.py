"""The classifier's API as it is wired, over a filled evidence store and a registered road data set."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
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


@dataclass
class Api:
    store: Store
    app: FastAPI
    stack: AsyncExitStack

    async def client(self, tenant: UUID, *scopes: str) -> httpx.AsyncClient:
        """With a fresh key of the tenant, of all scopes where none is named."""
        key = await issue_key(self.store.database.dsn("classifier", "worker"), tenant, "test", scopes or SCOPES)
        headers = {"Authorization": f"Bearer {key}"}
        transport = httpx.ASGITransport(app=self.app)
        made = httpx.AsyncClient(transport=transport, base_url="http://classifier/v1", headers=headers)
        return await self.stack.enter_async_context(made)


@pytest.fixture
async def api(store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    for name, value in store.database.environment("classifier").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RUCOR_ROADS_DIR", str(store.district.path.parent))
    settings = ClassifierSettings()  # type: ignore[call-arg]  # from the environment
    classifier = Classifier(settings, Health(), store.worker)
    await classifier.library.look()
    async with AsyncExitStack() as stack:
        yield Api(store, create_app(settings, store.api, classifier), stack)
