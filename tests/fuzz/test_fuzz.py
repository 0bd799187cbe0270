"""A bounded run of `make fuzz` with a fixed seed; the long ones are run by hand and before a release."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.attack import attack
from tests.fuzz.world import World, world

SEED = 7
SECONDS = {"claims": 180, "claims-ops": 40, "classifier": 60, "ingest": 30, "pdf": 30}

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("fuzz")) as found:
        yield found


@pytest.mark.parametrize("name", SECONDS)
def test_no_server_error_and_no_undocumented_answer(name: str, filled: World, tmp_path: Path) -> None:
    log = tmp_path / f"{name}.log"
    code = attack(filled.targets[name], SECONDS[name], SEED, log)
    said = log.read_text()
    assert code == 0, said
    assert "found" in said or "passed" in said, said
    assert filled.faults() == []
