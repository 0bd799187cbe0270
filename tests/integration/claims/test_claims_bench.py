"""`make bench` measures a statement in the service as it runs; here it runs to its end on little, and no figure is asserted."""

from pathlib import Path

import pytest

from tests.bench.service import running_claims
from tests.bench.statement import NOW, TWO_YEARS, measure, report
from tests.stack import Database, Topics

pytestmark = pytest.mark.integration


@pytest.mark.timeout(300)
async def test_the_statement_bench_runs_on_a_tiny_input(
    database: Database, topics: Topics, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert topics.bootstrap
    with running_claims(database, NOW) as service:
        found = await measure(database, service, tmp_path, requests=3, licences=6)
    report(found)
    assert found["plain_sql"]["rows"] == TWO_YEARS
    assert found["licences"] == 6
    assert found["statement"]["bytes"] > 100 * TWO_YEARS, "a line for nearly every day"
    assert "a claim of 6 licences: preview" in capsys.readouterr().out
