"""A tenant with something in every table of the three services."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.claims.adapters.http_peers import ClassifierClient
from tests.integration.claims.conftest import Claims, claims, fleet  # noqa: F401 - fixtures
from tests.integration.claims.peers import open_classifier
from tests.integration.privacy.desk import Desk, desk_at


@pytest.fixture
def desk(claims: Claims, tmp_path: Path) -> Desk:  # noqa: F811 - the fixture
    return desk_at(claims, tmp_path)


@pytest.fixture
async def classifier(claims: Claims) -> AsyncIterator[ClassifierClient]:  # noqa: F811 - the fixture
    async with open_classifier(claims) as client:
        yield client
