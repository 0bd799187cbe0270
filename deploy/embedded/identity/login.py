"""`rucor login`: sign in with a browser, get an access token (RFC 8252: loopback redirect, PKCE)."""

import base64
import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import click
import httpx

from deploy.embedded.identity.settings import CLIENT_ID
from shared.running_stack import data_dir_option, read_stack

WAIT_S: Final = 300.0
TIMEOUT: Final = httpx.Timeout(15.0, connect=5.0)
EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN: Final = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - a name
_DONE: Final = b"<!doctype html><title>Signed in</title><p>You may close this page and go back to the command line.</p>"


@dataclass
class Waiting:
    """The loopback address to which the browser comes back."""

    answer: dict[str, str] = field(default_factory=dict)
    came: threading.Event = field(default_factory=threading.Event)

    def serve(self) -> HTTPServer:
        waiting = self

        class Callback(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = urlsplit(self.path)
                if asked.path != "/callback" or waiting.came.is_set():
                    self.send_error(404)
                    return
                waiting.answer.update(parse_qsl(asked.query))
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(_DONE)
                waiting.came.set()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's own name
                """Codes do not belong in a log."""

        return HTTPServer(("127.0.0.1", 0), Callback)


@click.command("login")
@click.option("--tenant", type=click.UUID, help="The tenant to act in, for a person of several.")
@click.option("--issuer", help="The OpenID provider.  [default: the running stack's own]")
@click.option("--client-id", default=CLIENT_ID, show_default=True, help="Our client id at the provider.")
@click.option("--url", help="Where the claims service answers.  [default: the running stack's]")
@data_dir_option
def login(tenant: object, issuer: str | None, client_id: str, url: str | None, data_dir: Path) -> None:
    """Sign in with a browser and print an access token: export RUCOR_KEY=$(rucor login)."""
    if issuer is None or url is None:
        urls = read_stack(data_dir, "give --issuer and --url")["urls"]
        issuer, url = issuer or urls.get("identity"), url or urls.get("claims")
    if not issuer or not url:
        raise click.ClickException("the running stack has no provider of its own: give --issuer and --url")
    with httpx.Client(timeout=TIMEOUT, trust_env=False) as http:
        id_token, nonce = _sign_in(http, issuer, client_id)
        form = {"grant_type": EXCHANGE, "subject_token_type": ID_TOKEN, "subject_token": id_token, "nonce": nonce}
        told = _post(http, f"{url}/oauth/token", form | ({} if tenant is None else {"tenant": str(tenant)}))
    click.echo(f"signed in for {told['expires_in'] // 60} minutes: {told['scope']}", err=True)
    click.echo(told["access_token"])


def _sign_in(http: httpx.Client, issuer: str, client_id: str) -> tuple[str, str]:
    """The ID token and the nonce that it must bear."""
    metadata = _json(http.get(issuer.rstrip("/") + "/.well-known/openid-configuration"))
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    waiting = Waiting()
    server = waiting.serve()
    redirect = f"http://127.0.0.1:{server.server_port}/callback"
    query = {
        "response_type": "code", "client_id": client_id, "redirect_uri": redirect, "scope": "openid email profile",
        "state": state, "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    click.echo(f"Open this page and sign in:\n  {metadata['authorization_endpoint']}?{urlencode(query)}", err=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        if not waiting.came.wait(WAIT_S):
            raise click.ClickException(f"nobody signed in within {WAIT_S / 60:.0f} minutes")
    finally:
        server.shutdown()
        server.server_close()
    answer = waiting.answer
    if not hmac.compare_digest(answer.get("state", "").encode(), state.encode()) or answer.get("iss", issuer) != issuer:
        raise click.ClickException("the browser brought the answer to another request: try again")
    if "code" not in answer:
        raise click.ClickException(f"the provider refused: {answer.get('error')} {answer.get('error_description', '')}")
    form = {
        "grant_type": "authorization_code", "code": answer["code"], "redirect_uri": redirect, "client_id": client_id,
        "code_verifier": verifier,
    }  # fmt: skip
    return str(_post(http, metadata["token_endpoint"], form)["id_token"]), nonce


def _post(http: httpx.Client, url: str, form: dict[str, str]) -> dict[str, Any]:
    return _json(http.post(url, data=form))


def _json(answer: httpx.Response) -> dict[str, Any]:
    """Raises click.ClickException with what the other side says."""
    try:
        told: dict[str, Any] = answer.json()
    except ValueError:
        told = {}
    if answer.is_success:
        return told
    more = "".join(f"\n  --tenant {one['tenant']}  {one['name']}" for one in told.get("tenants", ()))
    words = told.get("error_description") or told.get("detail") or answer.reason_phrase
    raise click.ClickException(f"{answer.url.host}:{answer.url.port} answered {answer.status_code}: {words}{more}")
