"""The same seed and last day give the same bytes, on any day and machine."""

import gzip
import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

from click.testing import CliRunner

from deploy.demo.sample.cli import sample as command
from deploy.demo.sample.generate import default_until, generate, made_before
from tests.unit.sample.conftest import SEED, UNTIL, Made

GOLDEN = {
    "district.osm": "1c1d0478a10071b9",
    "coverage.geojson": "6ec245c2801f70f5",
    "pings.ndjson.gz": "da476da6fb996ce1",
    "register.json": "a2664e8b7603babe",
    "truth.csv": "eed4e7690e0708b8",
    "truth_devices.csv": "8c2012217930dfd7",
}


def _digest(path: Path) -> str:
    data = path.read_bytes()
    return hashlib.sha256(gzip.decompress(data) if path.suffix == ".gz" else data).hexdigest()[:16]


def test_golden_fortnight_has_the_golden_bytes(made: Made) -> None:
    assert {name: _digest(made.sample.folder / name) for name in GOLDEN} == GOLDEN


def test_another_seed_is_another_district_and_fleet(made: Made, tmp_path: Path) -> None:
    other = generate(tmp_path, UNTIL, SEED + 1)
    changed = {name for name in GOLDEN if _digest(other.folder / name) != _digest(made.sample.folder / name)}
    assert changed == set(GOLDEN) - {"coverage.geojson"}


def test_second_run_without_options_repeats_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "sample"
    first = CliRunner().invoke(command, ["--out", str(folder), "--until", "2026-09-30", "--seed", "7"])
    assert first.exit_code == 0, first.output
    before = _digest(folder / "pings.ndjson.gz")
    assert made_before(folder) == (date(2026, 9, 30), 7)
    again = CliRunner().invoke(command, ["--out", str(folder)])
    assert again.exit_code == 0, again.output
    assert _digest(folder / "pings.ndjson.gz") == before
    assert "until 2026-09-30 (seed 7)" in again.output


def test_a_broken_note_of_the_last_run_is_no_note(tmp_path: Path) -> None:
    assert made_before(tmp_path) is None
    (tmp_path / "sample.json").write_text("{", encoding="utf-8")
    assert made_before(tmp_path) is None


def test_default_last_day_lies_wholly_before_the_late_window() -> None:
    def at(text: str) -> int:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)

    # 2026-11-19T00:00 in NZ (UTC+13) is 2026-11-18T11:00Z; 72 hours later that NZ day's eve is over
    assert default_until(at("2026-11-21T11:00:00")) == date(2026, 11, 18)
    assert default_until(at("2026-11-21T10:59:59")) == date(2026, 11, 17)
    # in winter NZ is UTC+12
    assert default_until(at("2026-07-04T12:00:00")) == date(2026, 7, 1)
    assert default_until(at("2026-07-04T11:59:59")) == date(2026, 6, 30)
