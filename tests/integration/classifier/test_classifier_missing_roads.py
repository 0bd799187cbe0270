"""Rule SU4's batch report over real evidence, through the API's role; once its proposal is confirmed, it is silent."""

import json
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from deploy.demo.sample.scenarios.answers import Answers, answer_all
from services.classifier.application import exclusions
from services.classifier.application.land import By
from services.classifier.application.missing_roads import as_json, in_evidence, in_pings
from services.classifier.application.polygons import from_geojson
from services.classifier.domain.scheme import V1
from shared.contracts import pings
from shared.contracts.pings import Pings
from shared.db.pool import Connection, tenant_tx
from shared.nz_days import days_of
from tests.integration.classifier.conftest import Store
from tests.scenarios.missing import FARM, LONE, TWO_TRUCKS, fleets

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    mine = [scenario for scenario in fleets() if scenario.tenant in {TWO_TRUCKS, LONE, FARM}]
    return answer_all(tmp_path_factory.mktemp("fleets"), mine)


def frames(fixes: Pings) -> list[Pings]:
    """One a device, naming no other."""
    return [pings.decode_pings(pings.encode_pings(fixes.take(fixes.key == code))) for code in range(len(fixes.keys))]


def polygon_of(found: dict[str, Any]) -> dict[str, Any]:
    polygon: dict[str, Any] = json.loads(json.dumps(found["exclusion"]["polygon"]))
    return polygon


async def test_SU4_a_tenants_report_reads_that_tenants_evidence_and_rulings_only(store: Store, fleet: Answers) -> None:
    await store.take(*frames(fleet.pings))
    days = days_of(fleet.pings.ts_ms)

    async def report(tenant: str, last: int) -> list[dict[str, Any]]:
        def transaction() -> AbstractAsyncContextManager[Connection]:
            return tenant_tx(store.api, UUID(tenant))

        found = await in_evidence(transaction, tenant, (int(days.min()), last), fleet.roads, V1)
        return [as_json(one) for one in found]

    whole = await report(TWO_TRUCKS, int(days.max()))
    assert whole == [as_json(one) for one in in_pings(fleet.pings, fleet.roads, V1) if one.tenant == TWO_TRUCKS]
    assert len(whole) == 1
    assert await report(TWO_TRUCKS, int(days.min())) == []
    proposed = exclusions.Excluded(
        device="",
        from_ms=int(fleet.pings.ts_ms.min()),
        to_ms=exclusions.WITHOUT_END_MS,
        reason="new road",
        ground=from_geojson(polygon_of(whole[0])),
    )
    by = By(actor="A Verifier", key_id="abcdef01", reason="seen", at=datetime(2026, 9, 20, tzinfo=UTC))
    async with tenant_tx(store.api, UUID(TWO_TRUCKS)) as conn:
        row = (await exclusions.exclude(conn, UUID(TWO_TRUCKS), proposed, "proposed", by, V1.gap_limit_ms)).row
    assert len(await report(TWO_TRUCKS, int(days.max()))) == 1
    async with tenant_tx(store.api, UUID(TWO_TRUCKS)) as conn:
        await exclusions.confirm(conn, UUID(TWO_TRUCKS), row.id, by, V1.gap_limit_ms)
    assert await report(TWO_TRUCKS, int(days.max())) == []
    assert await report(LONE, int(days.max())) == []
    assert await report(FARM, int(days.max())) == []
    assert await report(str(UUID(int=7)), int(days.max())) == []
