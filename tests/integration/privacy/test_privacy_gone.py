"""What is kept no longer is answered 410, and every operation that can answer so says it (rules RE1, RE2)."""

import asyncpg
import pytest

from services.claims.application.privacy.purge import purge
from tests.integration.claims.conftest import Claims
from tests.integration.claims.test_claims_audit_cases import CASE
from tests.integration.claims.world import NOW_MS, Fleet
from tests.integration.privacy.test_privacy_forgetting import years_pass

pytestmark = pytest.mark.integration
FILES_GO = "update claims.attachment set sealed = ''::bytea, purged_at = now()"
DAYS_GO = "delete from claims.device_day"
ON = {"on": "2026-11-22", "actor": "R Hill"}


async def test_RE1_what_is_gone_is_answered_410_by_exactly_the_operations_that_say_so(
    claims: Claims, fleet: Fleet
) -> None:
    licence = await fleet.claimable()
    sent = await fleet.client.post("/v1/attachments", params={"name": "n", "actor": "a"}, content=b"%PDF-1.7 x")
    stretch = {"device": "imei-1", "from_at": "2026-10-20", "to_at": "2026-10-20", "reason": "wrong", "actor": "a"}
    mark = await fleet.post("/faulty-data", stretch | {"attachment_id": sent.json()["id"]})
    await fleet.post(f"/faulty-data/{mark['id']}/withdraw", {"reason": "was right", "actor": "a"}, 200)
    claim = (await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]}))["id"]
    await fleet.post(f"/claims/{claim}/sent", ON | {"channel": "email"}, 200)
    await fleet.post(f"/claims/{claim}/received", ON, 200)
    await fleet.post(f"/claims/{claim}/returned", ON | {"reason": "unsigned"}, 200)
    await years_pass(claims)
    conn = await asyncpg.connect(claims.database.superuser)
    assert (await purge(claims.worker, fleet.tenant, NOW_MS))["snapshot"] > 0
    await conn.execute(FILES_GO)
    await conn.execute(DAYS_GO)
    await conn.close()
    case = (await fleet.post("/audit-cases", CASE | {"licence_ids": [licence]}))["id"]
    link = await fleet.post(f"/audit-cases/{case}/links", {"given_to": "B Ng", "days": 7, "actor": "R Hill"})

    known = {
        "claim_id": claim, "licence_id": licence, "attachment_id": sent.json()["id"], "mark_id": mark["id"], "day": "2026-10-05"
    }  # fmt: skip
    auditor, operator = claims.client(link["token"]), await claims.operator()
    gone: set[str] = set()
    documented: set[str] = set()
    for path, item in claims.app.openapi()["paths"].items():
        if "get" not in item:
            continue
        documented |= {path} if "410" in item["get"]["responses"] else set()
        who = auditor if path.startswith("/v1/audit/") else operator if path.startswith("/v1/ops/") else fleet.client
        answer = await who.get(path.format_map(Known(known)))
        assert str(answer.status_code) in item["get"]["responses"], (path, answer.text)
        gone |= {path} if answer.status_code == 410 else set()
    assert gone == documented
    assert len(gone) > 12
    fix = ON | {"reason": "unsigned", "form": {"phone": "06 388 0001"}}
    assert (await fleet.post(f"/claims/{claim}/correction", fix, 410))["code"] == "purged"
    correction = claims.app.openapi()["paths"]["/v1/claims/{claim_id}/correction"]["post"]
    assert "410" in correction["responses"]


class Known(dict[str, str]):
    """Ids of what there is; for any other parameter one that is nothing's."""

    def __missing__(self, _key: str) -> str:
        return "6a0c0000-0000-4000-8000-000000000000"
