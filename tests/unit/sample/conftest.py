"""One sample for all tests of this folder: the golden fortnight, which crosses no change of the clocks."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import pytest

from deploy.demo.sample.district import District
from deploy.demo.sample.fleet import Driven
from deploy.demo.sample.generate import Sample, drive, write
from shared.contracts.neutral import Parsed, read_ndjson

UNTIL = date(2026, 11, 18)
SEED = 1


@dataclass(frozen=True)
class Made:
    sample: Sample
    area: District
    driven: dict[str, Driven]
    """By vehicle ref."""
    first_day: int
    parsed: Callable[[], Parsed]
    register: dict[str, Any]

    def posts(self, path: str) -> list[dict[str, Any]]:
        return [post for post in self.register["posts"] if post["path"] == path]

    def licence(self, situation: str) -> dict[str, Any]:
        """The licence posted for this situation, with its expectation under `expect`."""
        (row,) = [row for row in self.register["expect"] if row["situation"] == situation]
        (post,) = [post for post in self.posts("/licences") if post["body"]["ref"] == row["licence"]]
        return {**post["body"], "expect": row}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    fortnight = drive(UNTIL, SEED)
    sample = write(tmp_path_factory.mktemp("sample"), fortnight)
    return Made(
        sample,
        fortnight.area,
        {one.vehicle.ref: one for one in fortnight.driven},
        fortnight.first_day,
        cache(lambda: read_ndjson(sample.stream)),
        json.loads(sample.register.read_text(encoding="utf-8")),
    )
