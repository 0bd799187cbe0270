"""A tenant with something in every table of the three services."""

from pathlib import Path

import pytest

from tests.integration.claims.conftest import Claims, claims, fleet  # noqa: F401 - fixtures
from tests.integration.privacy.desk import Desk, desk_at


@pytest.fixture
def desk(claims: Claims, tmp_path: Path) -> Desk:  # noqa: F811 - the fixture
    return desk_at(claims, tmp_path)
