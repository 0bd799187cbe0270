"""Mapped road data sets within a budget of resident memory."""

import sys

import numpy as np
import pytest

from services.classifier.resident import file_mb, hand_back, maps_of
from services.classifier.roads.dataset import RoadSet
from tests.unit.kernel.conftest import district

__all__ = ["district"]


def test_every_column_of_a_data_set_lies_over_a_mapped_file(district: RoadSet) -> None:
    assert len(maps_of(district)) >= len([column for column in district.roads if column.size]) - 1  # but the faces


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells and takes pages back at once")
def test_pages_are_handed_back_above_the_budget_and_the_columns_stay_what_they_are(district: RoadSet) -> None:
    before = [np.array(column) for column in district.roads]
    held = file_mb()
    assert held > 0
    assert not hand_back([district], held + 1_000)
    assert hand_back([district], 0)
    assert all(np.array_equal(old, column) for old, column in zip(before, district.roads, strict=True))
