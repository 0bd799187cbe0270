"""Nothing of the future is on the register (rules VE3, DI3, EL1, EL5): by the service's clock, never the machine's."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.claims.application.happened import CLOCKS_APART
from services.claims.domain.instants import nz_date
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import NOW_MS, Fleet

pytestmark = pytest.mark.integration

NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)
TOO_LATE = (NOW + CLOCKS_APART + timedelta(seconds=1)).isoformat()
JUST_NOW = (NOW + CLOCKS_APART).isoformat()
TOMORROW = str(nz_date(NOW) + timedelta(days=1))


async def refused(fleet: Fleet, path: str, body: dict[str, Any], pointer: str) -> None:
    answer = await fleet.post(path, body, 422)
    assert [(one["pointer"], one["code"]) for one in answer["errors"]] == [(pointer, "in_the_future")], (path, answer)


async def test_DI3_VE3_an_instant_that_is_yet_to_come_is_refused(claims: Claims, fleet: Fleet) -> None:
    await fleet.add_claimant()
    ute = await fleet.add_ute()
    licence = await fleet.add_licence("ABC123", "RUC 1", 45_000, "2026-11-01")
    read = {"recorder_id": fleet.recorders["ABC123"], "value": 45_000}
    await refused(fleet, "/readings", read | {"at": TOO_LATE}, "/at")
    sale = {"reading": 46_000, "actor": "R Hill", "reason": "sold"}
    await refused(fleet, f"/vehicles/{ute}/sale", sale | {"at": TOO_LATE}, "/at")
    bought = fleet.licence_body("ABC123", "RUC 2", 46_000, TOO_LATE)
    await refused(fleet, "/licences", bought, "/issued_at")
    paid_later = fleet.licence_body("ABC123", "RUC 2", 46_000, "2026-11-01", purchased_at=TOO_LATE)
    await refused(fleet, "/licences", paid_later, "/purchased_at")
    why = {"actor": "R Hill", "reason": "as on the paper"}
    await refused(fleet, f"/licences/{licence}/correction", why | {"purchased_at": TOO_LATE}, "/purchased_at")
    outside = {"claimed_on": TOMORROW, "reference": "paper form 17", "actor": "R Hill", "reason": "by hand"}
    await refused(fleet, f"/licences/{licence}/claimed-outside", outside, "/claimed_on")
    fitted = {"vehicle_id": ute, "kind": "odometer", "serial": "OD-2", "replaces": fleet.recorders["ABC123"]}
    await refused(fleet, "/recorders", fitted | {"from": TOO_LATE}, "/from")
    spare = (await fleet.post("/vehicles", {"plate": "SPARE1"}))["id"]
    removed = {"vehicle_id": spare, "kind": "odometer", "serial": "OD-3", "from": "2026-01-01", "to": TOO_LATE}
    await refused(fleet, "/recorders", removed, "/to")

    line = f"recorder_id,at,value\n{fleet.recorders['ABC123']},{TOO_LATE},45000\n"
    answer = await fleet.client.post("/v1/imports/readings", content=line, headers={"Content-Type": "text/csv"})
    (report,) = answer.json()["report"]
    assert [(one["column"], one["code"]) for one in report["errors"]] == [("at", "in_the_future")]

    claims.clock.now_ms += 1000
    await fleet.post("/readings", read | {"at": TOO_LATE})


async def test_VE3_clocks_may_be_a_few_minutes_apart(fleet: Fleet) -> None:
    await fleet.add_claimant()
    ute = await fleet.add_ute()
    today = str(nz_date(NOW))
    licence = await fleet.add_licence("ABC123", "RUC 1", 45_000, JUST_NOW)
    await fleet.add_reading("ABC123", JUST_NOW, 45_000)
    outside = {"claimed_on": today, "reference": "paper form 17", "actor": "R Hill", "reason": "by hand"}
    await fleet.post(f"/licences/{licence}/claimed-outside", outside)
    await fleet.post(f"/vehicles/{ute}/sale", {"at": JUST_NOW, "reading": 45_000, "actor": "R", "reason": "sold"}, 200)
