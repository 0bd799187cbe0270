"""Documents: rendered by the real pdf service from the frozen snapshot, retried, kept byte for byte (rules CL4, CL8, FO3)."""

import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from hashlib import sha256

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from pypdf import PdfReader

from services.claims.adapters.http_peers import ClassifierClient, PdfClient, open_client
from services.claims.application.claim.render_form import delay_after, render_next
from services.classifier.api import tracks
from services.classifier.domain.scheme import V1
from shared.db.pool import open_pool
from shared.http import problems
from tests.integration.claims.conftest import Claims
from tests.integration.claims.lodging import lodged
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration
TOKEN = "t" * 40
MAKE_DUE = "update claims.render_job set due_at = now()"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@pytest.fixture
async def pdf_port() -> AsyncIterator[tuple[int, Callable[[], None]]]:
    """A port and what starts the pdf service on it."""
    port = free_port()
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        told = {"RUCOR_PORT": str(port), "RUCOR_INTERNAL_TOKEN": TOKEN, "RUCOR_RENDER_PROCESSES": "1"}
        started.append(subprocess.Popen([sys.executable, "-m", "services.pdf.main"], env=os.environ | told))
        for _ in range(300):
            try:
                if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        pytest.fail("pdf did not start")

    yield port, start
    for process in started:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


async def test_CL4_a_failed_render_is_retried_and_never_unmarks(
    claims: Claims, fleet: Fleet, pdf_port: tuple[int, Callable[[], None]]
) -> None:
    port, start = pdf_port
    licence, claim = await lodged(fleet)
    pending = await fleet.client.get(f"/v1/claims/{claim}/form.pdf")
    assert (pending.status_code, pending.json()["code"], pending.headers["retry-after"]) == (
        503,
        "not_rendered_yet",
        "1",
    )
    async with open_client(f"http://127.0.0.1:{port}", SecretStr(TOKEN)) as http:
        pdf = PdfClient(http)
        assert await render_next(claims.worker, pdf, claims.context.sealer), "there is a job"
        assert not await render_next(claims.worker, pdf, claims.context.sealer), "it is not due again yet"
        async with claims.worker.acquire() as conn:
            job = await conn.fetchrow("select attempts, last_error, due_at > now() as later from claims.render_job")
            assert job is not None
            assert (job["attempts"], job["later"]) == (1, True)
            assert job["last_error"].startswith("pdf cannot be reached")
            await conn.execute(MAKE_DUE)
        assert (await fleet.get(f"/licences/{licence}"))["state"] == "lodged"
        start()
        assert await render_next(claims.worker, pdf, claims.context.sealer)
        assert not await render_next(claims.worker, pdf, claims.context.sealer)
    form = await fleet.client.get(f"/v1/claims/{claim}/form.pdf")
    assert (form.status_code, form.headers["content-type"], form.content[:5]) == (200, "application/pdf", b"%PDF-")
    told = (await fleet.get(f"/claims/{claim}"))["form"]
    assert told == {
        "state": "ready",
        "edition": 1,
        "sha256": sha256(form.content).hexdigest(),
        "bytes": len(form.content),
    }
    again = await fleet.client.get(f"/v1/claims/{claim}/form.pdf")
    assert again.content == form.content, "FO3: the exact bytes, for ever"


async def test_CL8_a_report_is_there_for_any_licence_and_says_not_claimed(
    claims: Claims, fleet: Fleet, pdf_port: tuple[int, Callable[[], None]]
) -> None:
    """Through the real classifier routes and the real pdf service; the classifier has no fixes here, so the map is empty."""
    port, start = pdf_port
    start()
    licence, _ = await lodged(fleet)
    running = fleet.licences["RUC 0001 next"]
    classifier_pool = await open_pool(claims.database.dsn("classifier", "api"), name="test-classifier", size=2)
    app = FastAPI()
    problems.install(app)
    app.include_router(tracks.router(classifier_pool, SecretStr(TOKEN), V1, lambda: None))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    transport = httpx.ASGITransport(app=app)
    async with (
        open_client(f"http://127.0.0.1:{port}", SecretStr(TOKEN)) as pdf_http,
        httpx.AsyncClient(transport=transport, base_url="http://classifier", headers=headers) as tracks_http,
    ):
        context = replace(claims.context, pdf=PdfClient(pdf_http), classifier=ClassifierClient(tracks_http))
        claims.app.state.context = context
        without_roads = await fleet.client.get(f"/v1/licences/{licence}/report.pdf")
        assert (without_roads.status_code, without_roads.json()["code"]) == (503, "unavailable")
        assert "classifier answered 503" in without_roads.json()["detail"]
        report = await fleet.client.get(f"/v1/licences/{running}/report.pdf")
    await classifier_pool.close()
    assert report.status_code == 200, report.text
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(report.content)).pages)
    assert "RUC 0001 next" in text
    assert "not claimed" in text.lower()


async def test_CL8_peers_that_are_away_answer_503_with_retry_after(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    answer = await fleet.client.get(f"/v1/licences/{licence}/report.pdf")
    assert (answer.status_code, answer.json()["code"], "retry-after" in answer.headers) == (503, "unavailable", True)


async def test_RE3_snapshots_and_forms_hold_no_clear_bank_account(claims: Claims, fleet: Fleet) -> None:
    await lodged(fleet)
    async with claims.worker.acquire() as conn:
        snapshots = await conn.fetch("select kind, sealed from claims.snapshot order by kind")
    assert [row["kind"] for row in snapshots] == ["form", "report"]
    assert not any(b"0102420100194000" in row["sealed"] or b"Hill" in row["sealed"] for row in snapshots)


def test_the_delay_between_renders_grows_and_is_bounded() -> None:
    seconds = [delay_after(attempts).total_seconds() for attempts in (1, 2, 3, 9, 10, 1_000)]
    assert seconds == [1, 2, 4, 256, 300, 300]
