"""Webhooks: addresses that may be reached, signatures as the public library reads them, retries."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID, uuid4

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from services.claims.domain.claim.claim_life import CLAIM_STEPS
from services.claims.domain.claim.line_life import LineState
from services.claims.domain.exemption.exemption_life import Lateness
from services.claims.domain.statement.faulty import FaultyState
from services.claims.domain.statement.forecast import AlertKind
from services.claims.domain.webhooks.webhook_address import NotAllowed, check_address, target_of
from services.claims.domain.webhooks.webhook_events import EVENT_TYPES, body_of, data_of
from services.claims.domain.webhooks.webhook_pauses import pause_asked
from services.claims.domain.webhooks.webhook_signing import (
    ATTEMPTS_MAX,
    DELAYS,
    JITTER,
    delay_after,
    secret_text,
    signed_headers,
)

EVENT = UUID(int=11)
LOCAL = {"127.0.0.1:9000", "receiver:8080"}
PUBLIC = ("8.8.8.8", "203.97.10.1", "1.1.1.1", "2404:6800:4006:80b::200e", "2606:4700::1111")
REFUSED = (
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "0.1.2.3",
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "100.64.0.1", "100.127.255.255", "100.100.100.200",
    "169.254.169.254", "169.254.0.1", "168.63.129.16",
    "192.0.0.1", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.5", "192.88.99.1",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1",
    "fe80::1", "fe80::1%eth0", "2404:6800::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254",
    "ff02::1", "ff0e::1", "2001::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::1", "3fff::1", "5f00::1",
    "localhost", "", "127.1", "2130706433", "0x7f000001",
)  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_reached(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize("address", REFUSED)
def test_no_other_address_is_ever_reached(address: str) -> None:
    with pytest.raises(NotAllowed):
        check_address(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.nz/x", "ftp://hooks.example.nz", "//hooks.example.nz", "https://", "https:///x", "hooks.example.nz",
        "https://user@hooks.example.nz", "https://user:word@hooks.example.nz/", "https://hooks.example.nz@127.0.0.1/",
        "https://hooks.example.nz:22/", "https://hooks.example.nz:0/", "https://hooks.example.nz:99999/", "https://hooks.example.nz:x/",
        "https://hooks.example.nz/#part", "https://hooks.example.nz/a b", "https://hooks.example.nz\\@127.0.0.1/", "https://hö.nz/",
        "https://localhost/", "https://LOCALHOST./", "https://db.internal/", "https://printer.local:8443/",
        "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:169.254.169.254]/", "https://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:9001/", "http://receiver/", "https://hooks.example.nz/" + "x" * 2_000, "https://a.nz/\r\nX: y",
        "https://a..b.example/", "https://.b.example/", f"https://{'x' * 64}.example/", f"https://{'x.' * 126}example/", "https://a%2eb.example/",
        "https://-a.example/", "https://a-.example/", "https://a,b.example/",
    ],
)  # fmt: skip
def test_a_url_that_could_lead_inside_is_refused(url: str) -> None:
    with pytest.raises(NotAllowed):
        target_of(url, LOCAL)


def test_a_url_of_the_internet_and_a_host_that_the_operator_named() -> None:
    found = target_of("https://hooks.example.nz:8443/rucor?x=1", LOCAL)
    assert (found.host, found.port, found.path, found.local) == ("hooks.example.nz", 8443, "/rucor?x=1", False)
    assert found.host_header == "hooks.example.nz:8443"
    assert target_of("https://[2606:4700::1111]", ()).host_header == "[2606:4700::1111]"
    for host in ("xn--hk-1ma.nz", "a-b.c_d.example", f"{'x' * 63}.example", "HOOKS.Example.NZ."):
        assert target_of(f"https://{host}/", ()).host == host.lower().rstrip(".")
    assert target_of("https://hooks.example.nz", ()).host_header == "hooks.example.nz"
    for url in ("http://127.0.0.1:9000/in", "http://receiver:8080"):
        assert target_of(url, LOCAL).local


def test_the_public_library_verifies_what_we_sign_with_each_live_secret() -> None:
    old, new, other = b"o" * 32, b"n" * 32, b"x" * 32
    body = body_of(UUID(int=1), EVENT, "claim.lodged", datetime(2026, 11, 22, tzinfo=UTC), data_of({"claim_id": EVENT}))
    at_s = int(datetime.now(UTC).timestamp())
    headers = signed_headers([new, old], EVENT, at_s, body)
    for secret in (old, new):
        told = Webhook(secret_text(secret)).verify(body, headers)
        assert (told["type"], told["data"]) == ("claim.lodged", {"claim_id": str(EVENT)})
    assert base64.b64decode(secret_text(old).removeprefix("whsec_")) == old
    for wrong in (
        lambda: Webhook(secret_text(other)).verify(body, headers),
        lambda: Webhook(secret_text(new)).verify(body + b" ", headers),
        lambda: Webhook(secret_text(new)).verify(body, headers | {"webhook-id": str(uuid4())}),
        lambda: Webhook(secret_text(new)).verify(body, signed_headers([new], EVENT, at_s - 600, body)),
    ):
        with pytest.raises(WebhookVerificationError):
            wrong()


def test_an_event_is_the_same_bytes_for_ever_and_thin() -> None:
    at = datetime(2026, 11, 22, 1, 2, 3, 456_789, tzinfo=UTC)
    one, two = (body_of(UUID(int=1), EVENT, "claim.sent", at, data_of({"claim_id": EVENT})) for _ in range(2))
    assert one == two
    assert json.loads(one) == {
        "id": str(EVENT), "type": "claim.sent", "timestamp": "2026-11-22T01:02:03.456Z", "tenant_id": str(UUID(int=1)),
        "data": {"claim_id": str(EVENT)},
    }  # fmt: skip


def test_retries_grow_spread_and_end_after_about_three_days() -> None:
    ids = [UUID(int=i << 64 | i) for i in range(200)]
    total = timedelta()
    for attempts, delay in enumerate(DELAYS, start=1):
        drawn = [delay_after(one, attempts) for one in ids]
        assert all(found and abs(found - delay) <= delay * JITTER for found in drawn)
        assert len(set(drawn)) > 100, "they spread"
        assert drawn == [delay_after(one, attempts) for one in ids], "and are the same whoever computes them"
        total += delay
    assert list(DELAYS) == sorted(DELAYS)
    assert timedelta(days=2.5) < total < timedelta(days=3.5)
    assert delay_after(EVENT, ATTEMPTS_MAX) is None


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "asked", "seconds"),
    [
        (429, "120", 120), (503, " 5 ", 5), (429, "86400", 3_600), (503, "999999999", 3_600),
        (503, "Sun, 22 Nov 2026 12:10:00 GMT", 600), (429, "Sunday, 22-Nov-26 12:00:30 GMT", 30),
        (429, "Mon, 23 Nov 2026 12:00:00 GMT", 3_600),
        (429, "0", None), (503, "Sun, 22 Nov 2026 11:59:59 GMT", None), (429, None, None), (429, "", None), (503, "soon", None),
        (429, "-5", None), (429, "1.5", None), (429, "1e3", None), (429, "٣", None), (429, "9" * 4_000, None),
        (503, "Sun, 99 Nov 2026 12:00:00 GMT", None), (500, "120", None), (200, "120", None), (410, "120", None),
    ],
)  # fmt: skip
def test_a_receiver_is_left_alone_as_long_as_it_asks_and_an_hour_at_most(
    status: int, asked: str | None, seconds: int | None
) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert pause_asked(status, asked, NOON) == expected


def test_LI6_CL6_there_is_an_event_for_every_alert_and_every_step() -> None:
    """What a use case tells by the name of a step or kind is in the list: else its transaction would fail."""
    steps = {after for before, after in CLAIM_STEPS if before != "draft"} - {"draft", "lodged", "verified"}
    wanted = {
        *(f"licence.alert.{kind}" for kind in get_args(AlertKind)),
        *(f"claim_line.{kind}" for kind in get_args(LineState) if kind != "pending"),
        *(f"claim.{state}" for state in {*steps, "lodged"}),
        *(f"faulty_data.{state}" for state in get_args(FaultyState)),
        *(f"exemption.duty_{lateness}" for lateness in get_args(Lateness)),
    }
    assert wanted <= set(EVENT_TYPES)


def test_every_event_type_is_documented() -> None:
    from pathlib import Path

    guide = (Path(__file__).parents[3] / "docs" / "guide" / "webhooks.md").read_text()
    assert [name for name in EVENT_TYPES if f"`{name}`" not in guide] == []
