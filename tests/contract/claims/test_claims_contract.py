"""What claims promises to others: sealed values, snapshots that pdf reads, an OpenAPI document without surprises."""

import hashlib
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from services.claims.adapters.cipher import AesGcmSealer, HmacHasher, SealBroken
from services.claims.adapters.http_peers import ClassifierClient, PdfClient, open_client
from services.claims.application.peers import PeerUnavailable
from services.claims.application.sealing import licence_hashes
from services.claims.settings import ClaimsSettings
from services.classifier.api.tracks import LineOut, TracksOut

ONE, TWO = bytes(32), bytes(range(32))


def test_RE3_a_sealed_value_opens_in_its_own_place_only() -> None:
    sealer = AesGcmSealer([ONE])
    sealed = sealer.seal(b"0102420100194000", "tenant/claimant/1")
    assert sealer.open(sealed, "tenant/claimant/1") == b"0102420100194000"
    assert sealed != sealer.seal(b"0102420100194000", "tenant/claimant/1"), "a nonce each"
    for broken, place in ((sealed, "tenant/claimant/2"), (sealed[:-1] + bytes([sealed[-1] ^ 1]), "tenant/claimant/1")):
        with pytest.raises(SealBroken):
            sealer.open(broken, place)


def test_RE3_an_old_key_still_opens_after_rotation_and_a_lost_one_says_so() -> None:
    sealed = AesGcmSealer([ONE]).seal(b"x", "p")
    rotated = AesGcmSealer([TWO, ONE])
    assert rotated.open(sealed, "p") == b"x"
    with pytest.raises(SealBroken, match="RUCOR_BANK_KEY"):
        AesGcmSealer([TWO]).open(rotated.seal(b"x", "p")[:5].replace(hashlib.sha256(TWO).digest()[:4], b"none"), "p")
    with pytest.raises(SealBroken, match="RUCOR_BANK_KEY"):
        AesGcmSealer([TWO]).open(sealed, "p")


def test_LI4_hashes_are_keyed_and_tell_number_from_plate() -> None:
    number, both = licence_hashes(HmacHasher(ONE), "RUC1", "ABC123")
    assert licence_hashes(HmacHasher(ONE), "RUC1", "XYZ9")[0] == number
    assert licence_hashes(HmacHasher(ONE), "RUC1", "XYZ9")[1] != both
    assert licence_hashes(HmacHasher(TWO), "RUC1", "ABC123")[0] != number
    assert number not in {hashlib.sha256(b"RUC1").digest(), both}


@pytest.mark.parametrize("keys", [[], [b"short"]])
def test_keys_of_a_wrong_size_are_refused(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        AesGcmSealer(keys)


async def test_a_peer_that_is_not_there_is_unavailable() -> None:
    async with open_client("http://127.0.0.1:9", SecretStr("t")) as http:
        with pytest.raises(PeerUnavailable, match="pdf cannot be reached"):
            await PdfClient(http).form(b"{}")


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [(503, b"", "answered 503"), (200, b"<html>", "no PDF")],
)
async def test_a_peer_that_answers_nonsense_is_unavailable(status: int, body: bytes, says: str) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=body))
    async with httpx.AsyncClient(transport=transport, base_url="http://pdf") as http:
        with pytest.raises(PeerUnavailable, match=says):
            await PdfClient(http).report(b"{}")


async def test_tracks_are_read_as_the_classifier_writes_them() -> None:
    line = LineOut(surface="off_road", points=[(175.1, -41.2), (175.2, -41.3)])
    written = TracksOut(tracks=[line], roads=[], road_set="a1").model_dump_json()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=written))
    async with httpx.AsyncClient(transport=transport, base_url="http://classifier") as http:
        tracks, roads = await ClassifierClient(http).tracks(UUID(int=1), "imei", 1, 2)
    assert (tracks[0].surface, tracks[0].points, roads) == ("off_road", ((175.1, -41.2), (175.2, -41.3)), ())


def test_the_settings_say_what_a_key_must_be() -> None:
    fields = ClaimsSettings.model_fields
    assert {"bank_key", "licence_hash_key", "pdf_url", "classifier_url"} <= fields.keys()
    assert all(fields[name].annotation is SecretStr for name in ("bank_key", "licence_hash_key", "pdf_token"))
