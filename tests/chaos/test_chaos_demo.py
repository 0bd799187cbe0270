"""kill -9 of any one process in the middle of the demo: the totals are the same to the millimetre (G1, G2, G4)."""

import random
import time
from pathlib import Path

import pytest

from tests.demo_runs import DemoRun

pytestmark = [pytest.mark.chaos, pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(900)]
PARTS = ("ingest", "classifier", "claims", "pdf", "kafka", "postgres")
SEED = 20_261_122


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, int, str]:
    folder = tmp_path_factory.mktemp("calm")
    end = DemoRun(folder / "var", folder / "out").end()
    assert end.code == 0, end.output[-6000:]
    return end.totals


@pytest.mark.parametrize("part", PARTS)
def test_killing_one_part_while_pings_stream_changes_no_millimetre(
    part: str, undisturbed: tuple[int, int, str], tmp_path: Path
) -> None:
    run = DemoRun(tmp_path / "var", tmp_path / "out")
    run.wait_for("streaming pings")
    delay_s = random.Random(f"{SEED}{part}").uniform(0.2, 4.0)
    print(f"killing {part} after {delay_s:.2f} s (seed {SEED})")
    time.sleep(delay_s)
    run.kill(part)
    end = run.end()
    assert end.code == 0, end.output[-6000:]
    assert end.totals == undisturbed
