"""Webhooks reach public addresses only, by the name that was checked: on real sockets, with a resolver of the test's own."""

import asyncio
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.claims.adapters import webhook_http
from services.claims.adapters.webhook_http import WebhookSender, open_sender
from services.claims.adapters.webhook_lookups import OF_TENANT_MAX, Lookups
from services.claims.application.webhooks.webhook_sending import Outcome
from tests.integration.claims.receiver import Receiver, listening

pytestmark = pytest.mark.integration
NAME = "hooks.example.nz"
TENANT, OTHER = UUID(int=1), UUID(int=2)


class Names:
    """A resolver that answers something else each time."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, tenant: UUID, host: str, port: int) -> Sequence[str]:
        self.asked.append(f"{host}:{port}")
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


async def send(
    url: str, *, local: Sequence[str] = (), names: Names | None = None, tls: ssl.SSLContext | None = None
) -> Outcome:
    async with open_sender(tls) as client:
        sender = WebhookSender(client, local, *([names] if names else []))
        return await sender.send(TENANT, url, {"webhook-id": "1"}, b"{}")


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["::1"], ["169.254.169.254"], ["::ffff:127.0.0.1"], ["10.0.0.7"], ["8.8.8.8", "127.0.0.1"], ["64:ff9b::7f00:1"], []],
)  # fmt: skip
async def test_a_name_that_leads_inside_is_not_reached(addresses: list[str]) -> None:
    names = Names(addresses)
    outcome = await send(f"https://{NAME}/x", names=names)
    assert outcome.status is None
    assert outcome.error.startswith("not sent: ")
    assert names.asked == [f"{NAME}:443"]


async def test_an_operators_own_host_is_reached_by_http_and_others_on_the_same_machine_are_not() -> None:
    with listening(Receiver()) as named, listening(Receiver()) as other:
        assert (await send(f"http://{named.host}/in?x=1", local=[named.host])).done
        assert not (await send(f"http://{other.host}/in", local=[named.host])).done
        assert ([one.path for one in named.received], other.received) == (["/in?x=1"], [])
        assert named.received[0].headers["host"] == named.host


async def test_a_redirect_is_never_followed() -> None:
    with listening(Receiver()) as inside, listening(Receiver(status=307)) as receiver:
        for location in (f"http://{inside.host}/", "http://169.254.169.254/latest/meta-data/"):
            receiver.location = location
            outcome = await send(f"http://{receiver.host}/", local=[receiver.host, inside.host])
            assert (outcome.status, outcome.done) == (307, False)
            assert "redirects are not followed" in outcome.error
        assert (len(receiver.received), inside.received) == (2, [])


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(server's, client's) for a self-made authority that vouches for `name` alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / f"{name}.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    client = ssl.create_default_context(cadata=made.public_bytes(serialization.Encoding.PEM).decode())
    return server, client


async def test_the_checked_address_is_connected_to_and_tls_proves_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the name answers a checked address first and something else whenever it is asked again."""
    server, client = certificate(tmp_path, NAME)
    with listening(Receiver(), server) as receiver:
        monkeypatch.setattr("services.claims.domain.webhooks.webhook_address.PORTS", frozenset({receiver.port}))
        checked: list[str] = []
        monkeypatch.setattr(webhook_http, "check_address", checked.append)  # as if this machine were the internet
        names = Names(["127.0.0.1"], ["192.0.2.1"])
        assert (await send(f"https://{NAME}:{receiver.port}/in", names=names, tls=client)).done
        assert (checked, len(names.asked)) == (["127.0.0.1"], 1), (
            "resolved once, and what was checked is what was reached"
        )
        assert receiver.received[0].headers["host"] == f"{NAME}:{receiver.port}"
        other = await send(f"https://other.example.nz:{receiver.port}/in", names=Names(["127.0.0.1"]), tls=client)
        assert (other.status, other.error) == (None, "no answer: ConnectError")
        assert len(receiver.received) == 1


async def test_the_next_address_is_tried_where_the_first_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(Receiver()) as receiver:
        local = [f"receiver:{receiver.port}"]
        assert (await send(f"http://receiver:{receiver.port}/", local=local, names=Names(["127.0.0.1", "::1"]))).done
        assert (
            await send(f"http://receiver:{receiver.port}/", local=local, names=Names(["127.0.0.9", "127.0.0.1"]))
        ).done


async def test_a_receiver_that_does_not_answer_in_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_http, "ATTEMPT_S", 0.2)
    with listening(Receiver(slow_s=1.0)) as receiver:
        outcome = await send(f"http://{receiver.host}/", local=[receiver.host])
    assert (outcome.status, outcome.done, "no answer within" in outcome.error) == (None, False, True)


async def test_the_machines_own_resolver_is_checked_too() -> None:
    outcome = await send("https://localhost.localdomain/")
    assert not outcome.done
    for host in ("2130706433", "0x7f.1", "127.1"):
        outcome = await send(f"https://{host}/")
        assert outcome.error.startswith("not sent: "), outcome


class Hanging:
    """The C library's look-up while name servers of some hosts say nothing: its thread is blocked until `answer`."""

    def __init__(self) -> None:
        self.answer = threading.Event()
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, **_: int) -> list[tuple[Any, ...]]:
        self.asked.append(host)
        if host.startswith("hangs"):
            assert self.answer.wait(60)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    found = Hanging()
    yield found
    found.answer.set()


async def test_a_tenants_names_that_hang_hold_up_neither_other_tenants_nor_the_loops_own_look_ups(
    hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_http, "RESOLVE_S", 0.3)
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", None)  # the loop's own threads are not asked
    with listening(Receiver()) as receiver:
        local = [f"{name}:{receiver.port}" for name in ("good", *(f"hangs{no}" for no in range(40)))]
        async with open_sender() as client:
            sender = WebhookSender(client, local, Lookups(hanging))
            of_tenant = [sender.send(TENANT, f"http://{name}/", {}, b"{}") for name in local[1:]]
            failed = await asyncio.gather(*of_tenant)
            assert {one.error for one in failed} == {"not sent: the host's name was not resolved within 0 s"}
            assert len(hanging.asked) == OF_TENANT_MAX, "the others found no place, and blocked no thread"
            assert (await sender.send(OTHER, f"http://{local[0]}/", {}, b"{}")).done, "another tenant's is sent"
            hanging.answer.set()
            monkeypatch.setattr(webhook_http, "RESOLVE_S", 30.0)
            assert (await sender.send(TENANT, f"http://{local[0]}/", {}, b"{}")).done, "places come back"


async def test_a_look_up_that_fails_says_so() -> None:
    def unknown(*_: object, **__: object) -> list[tuple[Any, ...]]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    async with open_sender() as client:
        outcome = await WebhookSender(client, (), Lookups(unknown)).send(TENANT, "https://nobody.example/", {}, b"")
    assert (outcome.status, outcome.error) == (None, "not sent: the host's name cannot be resolved")
