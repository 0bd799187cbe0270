"""A person signs in at a stack as `rucor up` starts it, and acts in every service (rule PA2)."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from deploy.embedded.info import StackInfo
from deploy.embedded.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
RUCOR = [sys.executable, "-c", "from services.cli import main; main()"]
MARY = "mary@hill.example"


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StackInfo]:
    for name in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "RUCOR_OIDC_ISSUER", "RUCOR_OIDC_AUDIENCE"):
        monkeypatch.delenv(name, raising=False)
    running = Stack(tmp_path / "var", port_base=None, log=lambda _: None)
    yield running.start()
    running.stop()


def rucor(info: StackInfo, *arguments: str) -> str:
    command = [*RUCOR, *arguments, "--data-dir", info.data_dir]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def sign_in(info: StackInfo, password: str, *more: str) -> str:
    """What a person does with `rucor login` and a browser; gives the access token."""
    command = [*RUCOR, "login", *more, "--data-dir", info.data_dir]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        page = next(found[0] for line in process.stderr if (found := re.search(r"http://\S+", line)))
        with httpx.Client(timeout=30, trust_env=False) as browser:
            shown = browser.get(page)
            request = re.search(r'name="request" value="([^"]+)"', shown.text)
            assert request is not None, shown.text
            form = {"request": request[1], "email": MARY, "password": password}
            back = browser.post(f"{info.urls['identity']}/login", data=form, headers={"Origin": info.urls["identity"]})
            assert back.status_code == 303, back.text
            assert browser.get(back.headers["location"]).status_code == 200
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        return out.strip()
    finally:
        process.kill()
        process.wait()


def test_PA2_a_person_signs_in_at_the_embedded_stack_and_every_service_knows_them(stack: StackInfo) -> None:
    tenant = rucor(stack, "tenants", "create", "Hill Farms")
    rucor(stack, "people", "add", "--tenant", tenant, "--name", "Mary Hill", "--email", MARY, "--role", "preparer")
    password = rucor(stack, "people", "password", MARY, "--generate")
    her = {"Authorization": f"Bearer {sign_in(stack, password, '--tenant', tenant)}"}
    claims, classifier, ingest = (stack.urls[name] for name in ("claims", "classifier", "ingest"))
    with httpx.Client(timeout=30, trust_env=False) as http:
        (mary,) = http.get(f"{claims}/v1/people", headers=her).json()["items"]
        assert sign_in(stack, password), "from now on the tenant need not be named"
        assert (mary["name"], mary["linked"]) == ("Mary Hill", True)
        land = {
            "kind": "owned", "name": "Home Block", "first_on": "2026-03-01", "reason": "title WN12A/345",
            "polygon": {"type": "Polygon", "coordinates": [[[175, -40], [175.01, -40], [175.01, -39.99], [175, -40]]]},
        }  # fmt: skip
        declared = http.post(f"{classifier}/v1/land", json=land, headers=her)
        assert (declared.status_code, declared.json()["actor"]) == (201, "Mary Hill"), declared.text
        other = http.post(f"{classifier}/v1/land", json=land | {"name": "B", "actor": "R Hill"}, headers=her)
        assert other.json()["errors"][0]["code"] == "not_you"
        assert http.get(f"{ingest}/v1/quarantine", headers=her).status_code == 200
        ping = {"device_id": "d", "ts": "2026-11-01T00:00:00Z", "lat": -41.0, "lng": 175.0}
        refused = http.post(f"{ingest}/v1/pings", json=[ping], headers=her)
        assert (refused.status_code, refused.json()["scope"]) == (403, "pings:write"), "people send no pings"
        scopes = [one for scope in ("pings:write", "claims:read") for one in ("--scope", scope)]
        key = rucor(stack, "keys", "claims", "create", "--tenant", tenant, "--name", "gateway", *scopes)
        form = {
            "grant_type": "client_credentials",
            "client_id": key[6:14],
            "client_secret": key,
            "scope": "pings:write",
        }
        machine = http.post(f"{claims}/oauth/token", data=form).json()
        sent = http.post(
            f"{ingest}/v1/pings", json=[ping], headers={"Authorization": f"Bearer {machine['access_token']}"}
        )
        assert sent.status_code == 202, sent.text
        assert (
            http.post(f"{ingest}/v1/pings", json=[ping], headers={"Authorization": f"Bearer {key}"}).status_code == 401
        )
        scope = ("--scope", "providers:write")
        key = rucor(stack, "keys", "claims", "create", "--tenant", tenant, "--name", "portal", *scope)
        form = {"grant_type": "client_credentials", "client_id": key[6:14], "client_secret": key}
        portal = {"Authorization": f"Bearer {http.post(f'{claims}/oauth/token', data=form).json()['access_token']}"}
        consent = {"provider_id": str(UUID(int=7)), "actor": "R Hill"}
        unknown = http.post(f"{ingest}/v1/provider-consents", json=consent, headers=portal)
        assert unknown.status_code == 404, "claims says that the token works"
        rucor(stack, "keys", "claims", "revoke", "--tenant", tenant, key[6:14])
        over = http.post(f"{ingest}/v1/provider-consents", json=consent, headers=portal)
        assert (over.status_code, over.json()["code"]) == (401, "unauthorized"), "it dies with its key"
