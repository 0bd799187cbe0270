"""The pdf service as a process: started, asked over HTTP, stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import msgspec
import pytest

from tests.unit.pdf.snapshots import form_snapshot, line, report_snapshot

TOKEN = "t" * 40


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {"RUCOR_PORT": str(port), "RUCOR_INTERNAL_TOKEN": TOKEN, "RUCOR_RENDER_PROCESSES": "1"}
    process = subprocess.Popen([sys.executable, "-m", "services.pdf.main"], env=environment)
    url = f"http://127.0.0.1:{port}"
    for _ in range(150):
        try:
            if httpx.get(f"{url}/readyz").is_success:
                break
        except httpx.TransportError:
            time.sleep(0.1)
    yield url
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def ask(url: str, path: str, body: bytes, token: str = TOKEN) -> httpx.Response:
    return httpx.post(f"{url}{path}", content=body, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def test_a_form_and_a_report_come_back_as_pdf(service: str) -> None:
    form = ask(service, "/v1/forms", msgspec.json.encode(form_snapshot([line("A")])))
    assert (form.status_code, form.headers["content-type"], form.content[:5]) == (200, "application/pdf", b"%PDF-")
    report = ask(service, "/v1/reports", msgspec.json.encode(report_snapshot()))
    assert (report.status_code, report.content[:5]) == (200, b"%PDF-")


def test_without_the_service_token_nothing_is_rendered(service: str) -> None:
    answer = ask(service, "/v1/forms", b"{}", token="wrong")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


def test_a_broken_or_unfitting_snapshot_says_why(service: str) -> None:
    assert ask(service, "/v1/forms", b"{").status_code == 400
    unknown = json.loads(msgspec.json.encode(form_snapshot([line("A")]))) | {"surprise": 1}
    answer = ask(service, "/v1/forms", json.dumps(unknown).encode())
    assert answer.status_code == 422
    assert "surprise" in answer.json()["detail"]
    beyond = json.loads(msgspec.json.encode(report_snapshot()))
    beyond["tracks"][0]["points"][0][0] = 1e300
    nowhere = ask(service, "/v1/reports", json.dumps(beyond).encode())
    assert (nowhere.status_code, nowhere.json()["code"]) == (422, "snapshot_invalid")
    no_km = ask(service, "/v1/forms", msgspec.json.encode(form_snapshot([line("A", km=0)])))
    assert (no_km.status_code, "whole kilometre" in no_km.json()["detail"]) == (422, True)


def test_openapi_describes_the_snapshots(service: str) -> None:
    document = httpx.get(f"{service}/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    body = document["paths"]["/v1/forms"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    form = document["components"]["schemas"][body["$ref"].rpartition("/")[2]]
    assert "bank_account" in form["properties"]
