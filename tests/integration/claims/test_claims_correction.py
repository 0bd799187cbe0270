"""A form that came back is corrected and sent again as the same claim (rule CL6): printed by the real pdf service."""

import asyncio
import io
from collections.abc import Callable
from typing import Any

import asyncpg
import msgspec
import pytest
from pydantic import SecretStr
from pypdf import PdfReader

from services.claims.adapters.http_peers import PdfClient, open_client
from services.claims.application.claim.render_form import render_next
from services.claims.application.sealing import place
from tests.integration.claims.conftest import Claims
from tests.integration.claims.lodging import lodged
from tests.integration.claims.test_claims_documents import MAKE_DUE, TOKEN, pdf_port
from tests.integration.claims.world import Fleet

__all__ = ["pdf_port"]
pytestmark = pytest.mark.integration
ON = "2026-11-22"
STEP: dict[str, Any] = {"on": ON, "actor": "R Hill"}
ASKED = STEP | {"reason": "the account name and the reason code are wrong"}
OTHER_ACCOUNT = "12-3140-0171323-50"


async def returned(fleet: Fleet) -> tuple[str, str]:
    licence, claim = await lodged(fleet)
    for step, more in (("sent", {"channel": "email"}), ("received", {}), ("returned", {"reason": "incomplete"})):
        await fleet.post(f"/claims/{claim}/{step}", STEP | more, 200)
    return licence, claim


async def correct(fleet: Fleet, claim: str, form: dict[str, Any], status: int = 200) -> dict[str, Any]:
    return await fleet.post(f"/claims/{claim}/correction", ASKED | {"form": form}, status)


def text_of(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


async def test_CL6_a_corrected_form_is_another_edition_and_the_lodged_one_stays(
    claims: Claims, fleet: Fleet, pdf_port: tuple[int, Callable[[], None]]
) -> None:
    port, start = pdf_port
    start()
    licence, claim = await returned(fleet)
    async with open_client(f"http://127.0.0.1:{port}", SecretStr(TOKEN)) as http:
        assert await render_next(claims.worker, PdfClient(http), claims.context.sealer)
        lodged_pdf = (await fleet.client.get(f"/v1/claims/{claim}/form.pdf")).content
        before = await fleet.get(f"/claims/{claim}")
        form = {
            "email": "new@hill.example", "bank_account": OTHER_ACCOUNT, "travel_description": "Mustering",
            "lines": {licence: {"reason_code": 12}},
        }  # fmt: skip
        history = await correct(fleet, claim, form)
        step = history["steps"][-1]
        assert (history["state"], step["kind"], step["reason"]) == ("returned", "corrected", ASKED["reason"])
        assert step["reference"] == "bank_account, email, travel_description, lines.RUC 0001.reason_code"
        assert OTHER_ACCOUNT not in str(history)
        waiting = await fleet.get(f"/claims/{claim}")
        assert waiting["form"] == {"state": "pending", "edition": 2, "sha256": None, "bytes": None}
        assert await render_next(claims.worker, PdfClient(http), claims.context.sealer)
    corrected_pdf = (await fleet.client.get(f"/v1/claims/{claim}/form.pdf")).content
    assert (await fleet.client.get(f"/v1/claims/{claim}/form.pdf", params={"edition": 1})).content == lodged_pdf
    assert (await fleet.client.get(f"/v1/claims/{claim}/form.pdf", params={"edition": 3})).status_code == 404
    old, new = text_of(lodged_pdf), text_of(corrected_pdf)
    assert "Mustering" in new
    assert "Mustering" not in old
    assert "new@hill.example" in new
    after = await fleet.get(f"/claims/{claim}")
    assert after["form"]["edition"] == 2
    assert after | {"form": None} == before | {"form": None}, "lodged numbers never change (rule CL7)"
    resent = await fleet.post(f"/claims/{claim}/sent", STEP | {"channel": "post"}, 200)
    assert resent["state"] == "sent"


async def test_CL6_a_correction_that_would_come_back_again_is_refused(fleet: Fleet) -> None:
    _, claim = await returned(fleet)
    refused = await correct(fleet, claim, {"bank_account": "12-3140-0171333-50", "phone": "1"}, 409)
    assert refused["code"] == "correction_incomplete"
    assert {finding["rule"] for finding in refused["findings"]} == {"CL1", "EL8"}
    assert (await correct(fleet, claim, {}, 422))["errors"][0]["code"] == "no_change"
    assert (await correct(fleet, claim, {"email": "office@hill.example"}, 422))["errors"][0]["code"] == "no_change"
    strange = {"lines": {"00000000-0000-0000-0000-000000000001": {"reason_code": 3}}}
    assert (await correct(fleet, claim, strange, 422))["errors"][0]["code"] == "unknown_id"
    assert (await correct(fleet, claim, {"distance_km": 3}, 422))["code"] == "invalid", "kilometres are not corrected"
    assert (await fleet.get(f"/claims/{claim}"))["form"]["edition"] == 1


async def test_CL6_only_what_came_back_is_corrected_and_once_at_a_time(fleet: Fleet) -> None:
    _, claim = await lodged(fleet)
    assert (await correct(fleet, claim, {"phone": "06 388 1111"}, 409))["code"] == "step_not_allowed"
    for step, more in (("sent", {"channel": "email"}), ("received", {}), ("returned", {"reason": "incomplete"})):
        await fleet.post(f"/claims/{claim}/{step}", STEP | more, 200)
    bodies = [ASKED | {"form": {"phone": f"06 388 11{n:02}"}} for n in range(6)]
    answers = await asyncio.gather(*(fleet.client.post(f"/v1/claims/{claim}/correction", json=b) for b in bodies))
    assert [answer.status_code for answer in answers] == [200] * 6
    assert (await fleet.get(f"/claims/{claim}"))["form"]["edition"] == 7, "each is an edition of its own, none is lost"


async def test_LI8_a_line_that_stands_on_a_log_stays_with_its_method(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    scan = await fleet.client.post("/v1/attachments", params={"name": "log.pdf", "actor": "R"}, content=b"%PDF-1.7 x")
    await fleet.log_a_day(licence, scan.json()["id"], "1.000")
    claim = (await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]}))["id"]
    for step, more in (("sent", {"channel": "email"}), ("received", {}), ("returned", {"reason": "incomplete"})):
        await fleet.post(f"/claims/{claim}/{step}", STEP | more, 200)
    refused = await correct(fleet, claim, {"lines": {licence: {"method": "GPS"}}}, 409)
    assert "manual log" in refused["findings"][0]["reason"]


async def test_a_form_that_cannot_be_printed_is_told_and_not_asked_for_ever(
    claims: Claims, fleet: Fleet, pdf_port: tuple[int, Callable[[], None]]
) -> None:
    port, start = pdf_port
    start()
    _, claim = await lodged(fleet)
    where = place(fleet.tenant, "snapshot-form", claim)  # type: ignore[arg-type]
    sealer = claims.context.sealer
    admin = await asyncpg.connect(claims.database.superuser)
    try:
        row = await admin.fetchrow("select sealed from claims.snapshot where kind = 'form'")
        assert row is not None
        form = msgspec.json.decode(sealer.open(row["sealed"], where)) | {"template_version": "rucor-10row"}
        plain = msgspec.json.encode(form)
        await admin.execute(
            "update claims.snapshot set sealed = $1, sha256 = sha256($2) where kind = 'form'",
            sealer.seal(plain, where),
            plain,
        )
    finally:
        await admin.close()
    async with open_client(f"http://127.0.0.1:{port}", SecretStr(TOKEN)) as http:
        assert await render_next(claims.worker, PdfClient(http), sealer)
        assert not await render_next(claims.worker, PdfClient(http), sealer)
        assert (await fleet.get(f"/claims/{claim}"))["form"]["state"] == "refused"
        async with claims.worker.acquire() as conn:
            job = await conn.fetchrow(
                "select last_error, due_at > now() + interval '5 hours' as later from claims.render_job"
            )
            assert job is not None
            assert job["later"]
            assert "rucor-10row" in job["last_error"]
            await conn.execute(MAKE_DUE)
