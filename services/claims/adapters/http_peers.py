"""HTTP clients of the other services: one connection pool each, bounded in time and bytes, a failure is PeerUnavailable."""

from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

import httpx
import msgspec
from pydantic import SecretStr

from services.claims.application.peers import SIMPLIFY_M, PeerRefused, PeerUnavailable
from services.claims.domain.preflight.case import Ground, LandFact
from shared.contracts.claim import Track
from shared.contracts.erasure import ErasureAsked, ErasureDone, NamesAsked, RulingNamesAsked
from shared.contracts.faulty import FaultyStretch, Pending, PendingAsked, StretchTaken
from shared.contracts.holds import HoldsTold, KeptTold
from shared.contracts.places import PlacesAsked, PlacesTold
from shared.contracts.recompute import RecomputeAsked, Recomputed
from shared.http.problems import Problem

TIMEOUT: Final = httpx.Timeout(30.0, connect=3.0)
PDF_BYTES_MAX: Final = 50_000_000
TRACKS_BYTES_MAX: Final = 50_000_000
RECOMPUTED_BYTES_MAX: Final = 100_000_000
GROUND_BYTES_MAX: Final = 20_000_000
HOLDS_BYTES_MAX: Final = 10_000
ANSWER_BYTES_MAX: Final = 1_000_000


class _TracksAnswer(msgspec.Struct):
    tracks: tuple[Track, ...] = ()
    roads: tuple[Track, ...] = ()


class _RoadSet(msgspec.Struct):
    name: str
    derived: bool


class _Land(msgspec.Struct):
    """As LandFact, which is a tuple and no object in JSON."""

    name: str
    over_public: bool
    reason: str
    first_day: int
    last_day: int
    declared_at: datetime
    south_e6: int
    west_e6: int
    north_e6: int
    east_e6: int


class _GroundAnswer(msgspec.Struct):
    lands: tuple[_Land, ...]
    road_sets: tuple[_RoadSet, ...]


class _Refusal(msgspec.Struct):
    """What of a problem document a caller of ours can use."""

    title: str = ""
    detail: str = ""
    errors: list[dict[str, str]] = msgspec.field(default_factory=list)


_READ_TRACKS: Final = msgspec.json.Decoder(_TracksAnswer)
_READ_GROUND: Final = msgspec.json.Decoder(_GroundAnswer)
_READ_RECOMPUTED: Final = msgspec.json.Decoder(Recomputed)
_READ_REFUSAL: Final = msgspec.json.Decoder(_Refusal)
A = TypeVar("A")


def open_client(url: str, token: SecretStr) -> httpx.AsyncClient:
    """Never through a proxy of the environment: peers are ours, and what goes there is personal data."""
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"}
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT, trust_env=False)


async def _call(client: httpx.AsyncClient, request: httpx.Request, peer: str, bytes_max: int) -> bytes:
    status, body = await _send(client, request, peer, bytes_max)
    if status == httpx.codes.UNPROCESSABLE_ENTITY:
        raise PeerRefused(f"{peer} refused: {_words(body)}")
    if status != httpx.codes.OK:
        raise PeerUnavailable(f"{peer} answered {status}")
    return body


def _words(body: bytes) -> str:
    try:
        return _READ_REFUSAL.decode(body).detail
    except msgspec.DecodeError:
        return "without a reason"


async def _send(client: httpx.AsyncClient, request: httpx.Request, peer: str, bytes_max: int) -> tuple[int, bytes]:
    try:
        response = await client.send(request, stream=True)
        try:
            parts, size = [], 0
            async for part in response.aiter_bytes():
                parts.append(part)
                size += len(part)
                if size > bytes_max:
                    raise PeerUnavailable(f"{peer} answered with more than {bytes_max} bytes")
        finally:
            await response.aclose()
    except httpx.HTTPError as error:
        raise PeerUnavailable(f"{peer} cannot be reached: {type(error).__name__}") from error
    return response.status_code, b"".join(parts)


async def _ask(client: httpx.AsyncClient, peer: str, method: str, path: str, body: object, answer: type[A]) -> A:
    headers = {"Content-Type": "application/json"}
    request = client.build_request(method, path, content=msgspec.json.encode(body), headers=headers)
    status, told = await _send(client, request, peer, ANSWER_BYTES_MAX)
    try:
        if status in {httpx.codes.NOT_FOUND, httpx.codes.CONFLICT, httpx.codes.UNPROCESSABLE_ENTITY}:
            refusal = _READ_REFUSAL.decode(told)
            raise PeerRefused(f"{peer} refused with {status}: {refusal.title}")
        if status != httpx.codes.OK:
            raise PeerUnavailable(f"{peer} answered {status}")
        return msgspec.json.decode(told, type=answer)
    except msgspec.DecodeError as error:
        raise PeerUnavailable(f"{peer} answered with something that cannot be read") from error


class PdfClient:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def form(self, snapshot: bytes) -> bytes:
        return await self._post("/v1/forms", snapshot)

    async def report(self, report: bytes) -> bytes:
        return await self._post("/v1/reports", report)

    async def _post(self, path: str, body: bytes) -> bytes:
        request = self._client.build_request("POST", path, content=body, headers={"Content-Type": "application/json"})
        pdf = await _call(self._client, request, "pdf", PDF_BYTES_MAX)
        if not pdf.startswith(b"%PDF-"):
            raise PeerUnavailable("pdf answered with something that is no PDF")
        return pdf


class ClassifierClient:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def tracks(
        self, tenant: UUID, device: str, from_ms: int, until_ms: int, simplify_m: int = SIMPLIFY_M
    ) -> tuple[tuple[Track, ...], tuple[Track, ...]]:
        params: dict[str, str | int] = {
            "tenant": str(tenant),
            "device": device,
            "from_ms": from_ms,
            "to_ms": until_ms,
            "simplify_m": simplify_m,
        }
        request = self._client.build_request("GET", "/v1/tracks", params=params)
        body = await _call(self._client, request, "classifier", TRACKS_BYTES_MAX)
        try:
            answer = _READ_TRACKS.decode(body)
        except msgspec.DecodeError as error:
            raise PeerUnavailable("classifier answered with something that is no track") from error
        return answer.tracks, answer.roads

    async def holds(self, told: HoldsTold) -> None:
        headers = {"Content-Type": "application/json"}
        request = self._client.build_request("POST", "/v1/holds", content=msgspec.json.encode(told), headers=headers)
        await _call(self._client, request, "classifier", HOLDS_BYTES_MAX)

    async def ground(self, tenant: UUID) -> Ground:
        request = self._client.build_request("GET", "/v1/ground", params={"tenant": str(tenant)})
        body = await _call(self._client, request, "classifier", GROUND_BYTES_MAX)
        try:
            answer = _READ_GROUND.decode(body)
        except msgspec.DecodeError as error:
            raise PeerUnavailable("classifier answered with something that is no ground") from error
        lands = tuple(LandFact(*msgspec.structs.astuple(land)) for land in answer.lands)
        return Ground(lands=lands, derived={one.name: one.derived for one in answer.road_sets})

    async def holds_told(self) -> None:
        status, _ = await _send(
            self._client, self._client.build_request("POST", "/v1/holds/told"), "classifier", HOLDS_BYTES_MAX
        )
        if status != httpx.codes.NO_CONTENT:
            raise PeerUnavailable(f"classifier answered {status}")

    async def recompute(self, asked: RecomputeAsked) -> Recomputed:
        headers = {"Content-Type": "application/json"}
        request = self._client.build_request(
            "POST", "/v1/recompute", content=msgspec.json.encode(asked), headers=headers
        )
        status, body = await _send(self._client, request, "classifier", RECOMPUTED_BYTES_MAX)
        try:
            if status == httpx.codes.UNPROCESSABLE_ENTITY:
                told = _READ_REFUSAL.decode(body)
                raise Problem(422, "invalid", told.title, told.detail, errors=told.errors)
            if status != httpx.codes.OK:
                raise PeerUnavailable(f"classifier answered {status}")
            return _READ_RECOMPUTED.decode(body)
        except msgspec.DecodeError as error:
            raise PeerUnavailable("classifier answered with something that is no recomputation") from error

    async def take_out(self, stretch: FaultyStretch) -> StretchTaken:
        body = {name: value for name, value in msgspec.to_builtins(stretch).items() if name != "id"}
        return await self._ask("PUT", f"/v1/faulty-stretches/{stretch.id}", body, StretchTaken)

    async def pending(self, asked: PendingAsked) -> Pending:
        body = {name: value for name, value in msgspec.to_builtins(asked).items() if name != "id"}
        return await self._ask("POST", f"/v1/faulty-stretches/{asked.id}/pending", body, Pending)

    async def forget(self, asked: ErasureAsked) -> ErasureDone:
        return await self._ask("POST", "/v1/erasures", asked, ErasureDone)

    async def forget_names(self, asked: RulingNamesAsked) -> ErasureDone:
        return await _ask(self._client, "classifier", "POST", "/v1/erasures/names", asked, ErasureDone)

    async def places(self, asked: PlacesAsked) -> PlacesTold:
        return await self._ask("POST", "/v1/places", asked, PlacesTold)

    async def _ask(self, method: str, path: str, body: object, answer: type[A]) -> A:
        return await _ask(self._client, "classifier", method, path, body, answer)


class IngestClient:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def kept(self, told: KeptTold) -> None:
        headers = {"Content-Type": "application/json"}
        content = msgspec.json.encode(told)
        request = self._client.build_request("POST", "/v1/kept-tenants", content=content, headers=headers)
        status, _ = await _send(self._client, request, "ingest", HOLDS_BYTES_MAX)
        if status != httpx.codes.NO_CONTENT:
            raise PeerUnavailable(f"ingest answered {status}")

    async def forget(self, asked: ErasureAsked) -> ErasureDone:
        return await _ask(self._client, "ingest", "POST", "/v1/erasures", asked, ErasureDone)

    async def forget_names(self, asked: NamesAsked) -> ErasureDone:
        return await _ask(self._client, "ingest", "POST", "/v1/erasures/names", asked, ErasureDone)
