"""The embedded stack's own OpenID provider: one way in, and every other way refused (rule PA2)."""

import base64
import hashlib
import json
import re
import stat
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from pydantic import ValidationError

from deploy.embedded.errors import StackError
from deploy.embedded.identity import accounts
from deploy.embedded.identity.app import COOKIE, KEY_FILE, Provider, make_app
from deploy.embedded.identity.grants import ASKED_S, CODE_S, KEPT_MAX, TRIES_MAX, TRIES_S, Shelf
from deploy.embedded.identity.settings import IdentitySettings, allowed

ISSUER = "http://127.0.0.1:8085"
BACK = "http://127.0.0.1:51234/callback"
NOW_S = 1_795_305_600
MARY, PASSWORD = "mary@hill.example", "a long enough password"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASK = {
    "response_type": "code", "client_id": "rucor", "redirect_uri": BACK, "scope": "openid email", "state": "s&t", "nonce": "n",
    "code_challenge": CHALLENGE, "code_challenge_method": "S256",
}  # fmt: skip


class Site:
    """The provider in this process, its clock, and a browser."""

    def __init__(self, folder: Path) -> None:
        self.now = 0.0
        settings = IdentitySettings(embedded=True, identity_issuer=ISSUER, identity_folder=folder)
        self.provider = Provider(settings, lambda: NOW_S * 1000, lambda: self.now)
        self.app = make_app(self.provider)
        self.browser = self.new_browser()

    def new_browser(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=ISSUER)

    async def page(self, **changed: str | None) -> httpx.Response:
        asked = {name: value for name, value in (ASK | changed).items() if value is not None}
        return await self.browser.get("/authorize", params=asked)

    async def begin(self, **changed: str | None) -> str:
        """The hidden name of the request on a login page."""
        page = await self.page(**changed)
        assert page.status_code == 200, page.text
        found = re.search(r'name="request" value="([^"]+)"', page.text)
        assert found is not None
        return found[1]

    async def enter(self, request: str, password: str = PASSWORD, email: str = MARY, **headers: str) -> httpx.Response:
        form = {"request": request, "email": email, "password": password}
        return await self.browser.post("/login", data=form, headers=headers)

    async def code(self) -> str:
        answer = await self.enter(await self.begin())
        assert answer.status_code == 303, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))["code"]

    async def token(self, given: str, **changed: str | None) -> httpx.Response:
        form = {
            "grant_type": "authorization_code", "code": given, "redirect_uri": BACK, "client_id": "rucor", "code_verifier": VERIFIER
        }  # fmt: skip
        async with self.new_browser() as program:
            return await program.post("/token", data={k: v for k, v in (form | changed).items() if v is not None})


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    assert 128 * accounts.COST * accounts.BLOCK == 32 * 1024 * 1024
    monkeypatch.setattr(
        accounts, "COST", 2**4
    )  # every other number stays; a quarter of a second a try is for attackers
    accounts.set_password(tmp_path, MARY, "Mary Hill", PASSWORD)
    return Site(tmp_path)


async def test_PA2_a_person_signs_in_with_a_code_and_gets_an_id_token_once(site: Site) -> None:
    answer = await site.enter(await site.begin())
    back = urlsplit(answer.headers["location"])
    query = dict(parse_qsl(back.query))
    assert answer.status_code == 303
    assert (f"{back.scheme}://{back.netloc}{back.path}", query["state"], query["iss"]) == (BACK, "s&t", ISSUER)
    told = (await site.token(query["code"])).json()
    keys = (await site.browser.get("/jwks.json")).json()
    claims = jwt.decode(told["id_token"], ECKey.import_key(keys["keys"][0]), ["ES256"]).claims
    assert claims["sub"] == accounts.read(site.provider.folder)[MARY].subject
    assert {name: claims[name] for name in claims if name not in {"sub", "auth_time"}} == {
        "iss": ISSUER, "aud": "rucor", "iat": NOW_S, "exp": NOW_S + 300, "nonce": "n", "name": "Mary Hill", "email": MARY,
        "email_verified": True,
    }  # fmt: skip
    assert (await site.token(query["code"])).json()["error"] == "invalid_grant", "a code is good once"
    metadata = (await site.browser.get("/.well-known/openid-configuration")).json()
    assert (metadata["issuer"], metadata["jwks_uri"]) == (ISSUER, f"{ISSUER}/jwks.json")
    assert "d" not in keys["keys"][0]


async def test_PA2_a_code_is_its_clients_and_short_lived(site: Site) -> None:
    for changed in (
        {"code_verifier": "w" * 43}, {"code_verifier": "v"}, {"code_verifier": "ü" * 43}, {"client_id": "other"},
        {"redirect_uri": "http://127.0.0.1:51235/callback"}, {"code": "made up"},
    ):  # fmt: skip
        code = await site.code()
        assert (await site.token(code, **changed)).json()["error"] == "invalid_grant", changed
        if "code" not in changed:
            assert (await site.token(code)).json()["error"] == "invalid_grant", "a failed try ends it too"
    late = await site.code()
    site.now += CODE_S
    assert (await site.token(late)).json()["error"] == "invalid_grant"
    assert (await site.token(await site.code(), grant_type="password")).json()["error"] == "unsupported_grant_type"
    assert (await site.token(await site.code(), code_verifier=None)).json()["error"] == "invalid_request"


async def test_PA2_a_strange_client_or_place_is_never_sent_anywhere(site: Site) -> None:
    for changed in (
        {"client_id": "other"}, {"client_id": None}, {"redirect_uri": None},
        {"redirect_uri": "https://evil.example/callback"}, {"redirect_uri": "http://127.0.0.1:51234/callback/x"},
        {"redirect_uri": "http://127.0.0.1:51234@evil.example/callback"}, {"redirect_uri": "http://localhost:51234/callback"},
        {"redirect_uri": "http://127.0.0.1:51234/callback?x=1"}, {"state": "x" * 3_000},
    ):  # fmt: skip
        answer = await site.page(**changed)
        assert (answer.status_code, "location" in answer.headers) == (400, False), changed
    twice = await site.browser.get("/authorize?client_id=rucor&client_id=rucor", params=None)
    assert twice.status_code == 400


@pytest.mark.parametrize(
    ("error", "changed"),
    [
        ("unsupported_response_type", {"response_type": "token"}),
        ("invalid_scope", {"scope": "email"}),
        ("invalid_request", {"code_challenge": None}),
        ("invalid_request", {"code_challenge": "short"}),
        ("invalid_request", {"code_challenge_method": "plain"}),
        ("invalid_request", {"code_challenge_method": None}),
        ("invalid_request", {"nonce": None}),
        ("invalid_request", {"nonce": ""}),
        ("login_required", {"prompt": "none"}),
    ],
)
async def test_PA2_other_faults_are_told_to_the_client(site: Site, error: str, changed: dict[str, str | None]) -> None:
    answer = await site.page(**changed)
    query = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    assert answer.status_code == 303
    assert query == {"error": error, "iss": ISSUER, "state": "s&t"}


async def test_PA2_the_form_counts_only_from_the_browser_that_was_shown_it(site: Site) -> None:
    request = await site.begin()
    mine, site.browser = site.browser, site.new_browser()
    assert (await site.enter(request)).status_code == 403, "no cookie"
    site.browser.cookies.set(COOKIE, "forged", path="/login")
    assert (await site.enter(request)).status_code == 403
    site.browser = mine
    assert (await site.enter(request, origin="https://evil.example")).status_code == 403
    assert (await site.enter("made up")).status_code == 400
    assert (await site.enter(request, origin=ISSUER)).status_code == 303
    assert (await site.enter(request)).status_code == 400, "used"
    late = await site.begin()
    site.now += ASKED_S
    assert (await site.enter(late)).status_code == 400
    cookie = (await site.page()).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


async def test_PA2_pages_run_nothing_and_show_what_was_typed_as_text(site: Site) -> None:
    answer = await site.enter(await site.begin(), email='"><script>alert(1)</script>')
    assert "<script" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


async def test_PA2_wrong_passwords_are_few_and_tell_nothing(site: Site) -> None:
    request = await site.begin()
    wrong, nobody = await site.enter(request, "wrong"), await site.enter(request, email="joe@hill.example")
    assert (wrong.status_code, nobody.status_code) == (401, 401)
    assert wrong.text == nobody.text.replace("joe@hill.example", MARY)
    for _ in range(TRIES_MAX - 1):
        assert (await site.enter(request, "wrong", email=MARY.upper())).status_code == 401
    locked = await site.enter(request)
    assert (locked.status_code, int(locked.headers["retry-after"])) == (429, int(TRIES_S)), "the right one neither"
    site.now += TRIES_S
    assert (await site.enter(await site.begin())).status_code == 303


async def test_PA2_a_password_that_is_changed_counts_at_once(site: Site) -> None:
    before = accounts.read(site.provider.folder)[MARY]
    made = accounts.set_password(site.provider.folder, MARY, "", None)
    assert len(made) >= accounts.PASSWORD_LENGTH_MIN
    assert (await site.enter(await site.begin())).status_code == 401
    assert (await site.enter(await site.begin(), made)).status_code == 303
    after = accounts.read(site.provider.folder)[MARY]
    assert (after.subject, after.name) == (before.subject, "Mary Hill"), "the same account"
    assert accounts.remove(site.provider.folder, MARY)
    assert not accounts.remove(site.provider.folder, MARY)
    assert (await site.enter(await site.begin(), made)).status_code == 401


def test_PA2_accounts_are_told_apart_by_mailbox(tmp_path: Path) -> None:
    for email in ("m@straße.example", "m@strasse.example", "M@Strasse.example"):
        accounts.set_password(tmp_path, email, "M", PASSWORD)
    found = accounts.read(tmp_path)
    assert sorted(found) == ["m@strasse.example", "m@straße.example"]
    assert len({account.subject for account in found.values()}) == 2, "nobody signs in as the other"


def test_PA2_passwords_are_kept_as_hashes_in_a_file_for_the_owner_alone(site: Site) -> None:
    for name in (accounts.FILE, KEY_FILE):
        path = site.provider.folder / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert PASSWORD not in path.read_text()
    kept = json.loads((site.provider.folder / accounts.FILE).read_text())[MARY]
    assert base64.b64decode(kept["hash"]) == accounts.hashed(PASSWORD, base64.b64decode(kept["salt"]))
    for bad in ("short", "x" * 201):
        with pytest.raises(ValueError, match="characters"):
            accounts.set_password(site.provider.folder, MARY, "", bad)
    (site.provider.folder / accounts.FILE).write_text("{")
    with pytest.raises(StackError, match="damaged"):
        accounts.read(site.provider.folder)


async def test_PA2_the_signing_key_stays_the_same_from_start_to_start(site: Site) -> None:
    again = Site(site.provider.folder)
    assert again.provider.key.kid == site.provider.key.kid


@pytest.mark.parametrize(
    "changed",
    [
        {"embedded": False},
        {"identity_issuer": "http://192.0.2.1:8085"},
        {"identity_issuer": "https://id.example"},
        {"identity_issuer": "http://localhost:8085"},
        {"host": "0.0.0.0"},
    ],
)
def test_PA2_it_never_runs_outside_the_embedded_stack(tmp_path: Path, changed: dict[str, Any]) -> None:
    whole = {"embedded": True, "identity_issuer": ISSUER, "identity_folder": tmp_path}
    assert IdentitySettings(**whole).redirects()  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        IdentitySettings(**whole | changed)  # type: ignore[arg-type]


def test_PA2_further_redirects_are_exact() -> None:
    registered = ("http://127.0.0.1/callback", "https://portal.example/in")
    assert allowed("https://portal.example/in", registered)
    assert not allowed("https://portal.example/in/", registered)
    assert not allowed("https://portal.example/in?x=1", registered)
    assert not allowed("http://127.0.0.1:1/callback\n", registered)


def test_what_is_kept_in_memory_is_bounded() -> None:
    shelf: Shelf[int] = Shelf(60, lambda: 0.0)
    first = shelf.put(0)
    names = [shelf.put(number) for number in range(KEPT_MAX)]
    assert shelf.look(first) is None
    assert shelf.take(names[-1]) == KEPT_MAX - 1
    assert shelf.take(names[-1]) is None
