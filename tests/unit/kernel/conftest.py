"""Fixtures of the kernel's tests."""

import pytest

from services.classifier.roads.dataset import RoadSet
from tests.unit.kernel.world import road_set


@pytest.fixture(scope="session")
def district(tmp_path_factory: pytest.TempPathFactory) -> RoadSet:
    """The district of tests.unit.kernel.world, built as `rucor roads build` does."""
    return road_set(tmp_path_factory.mktemp("district"))
