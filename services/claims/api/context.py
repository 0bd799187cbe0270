"""What routes are handed by the wiring, and the life of one command: transaction, idempotency, answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar, cast
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import BaseModel

from services.claims.application.peers import Pdf, Tracks
from services.claims.application.sealing import Hasher, Sealer
from services.claims.domain.policy import Policy
from services.claims.repo import idempotency
from shared.clock import Clock
from shared.db.pool import Connection, Pool, tenant_tx
from shared.http.auth import Principal, require
from shared.http.problems import Problem

KEY_LENGTH_MAX: Final = 255
REPLAYED: Final = {"Idempotent-Replay": "true"}

Reader = Annotated[Principal, Depends(require("claims:read"))]
Writer = Annotated[Principal, Depends(require("claims:write"))]
T = TypeVar("T")


@dataclass(frozen=True)
class Context:
    """`pool` has the API role: every transaction sees one tenant."""

    pool: Pool
    policy: Policy
    clock: Clock
    sealer: Sealer
    hasher: Hasher
    pdf: Pdf
    tracks: Tracks


def _context(request: Request) -> Context:
    return cast("Context", request.app.state.context)


Ctx = Annotated[Context, Depends(_context)]


async def query(context: Context, tenant: UUID, read: Callable[[Connection], Awaitable[T]]) -> T:
    """One reading transaction of one tenant."""
    async with tenant_tx(context.pool, tenant) as conn:
        return await read(conn)


async def command(
    request: Request, context: Context, tenant: UUID, status: int, effect: Callable[[Connection], Awaitable[BaseModel]]
) -> Response:
    """Run `effect` in one transaction together with the request's Idempotency-Key, if it has one: the same key and request
    give the first answer again, the same key with another request is refused."""
    key = _key(request)
    async with tenant_tx(context.pool, tenant) as conn:
        if key is None:
            return _response(_json(await effect(conn)), status)
        digest = await _digest(request, context)
        stored = await idempotency.begin(conn, tenant, key, digest)
        if stored is not None:
            return _again(stored, digest)
        body = _json(await effect(conn))
        await idempotency.finish(conn, tenant, key, status, body)
    return _response(body, status)


async def replayed(request: Request, context: Context, tenant: UUID) -> Response | None:
    """The first answer of this Idempotency-Key, for commands that compute much before their transaction."""
    key = _key(request)
    if key is None:
        return None
    async with tenant_tx(context.pool, tenant) as conn:
        stored = await idempotency.stored(conn, tenant, key)
    return None if stored is None else _again(stored, await _digest(request, context))


def _key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not 1 <= len(key) <= KEY_LENGTH_MAX:
        raise Problem(
            400, "idempotency_key_invalid", "The Idempotency-Key is no key", f"Send 1 to {KEY_LENGTH_MAX} characters."
        )
    return key


async def _digest(request: Request, context: Context) -> bytes:
    asked = f"{request.method} {request.url.path}\0".encode() + await request.body()
    return context.hasher.digest("request", asked)


def _again(stored: idempotency.Stored, digest: bytes) -> Response:
    if stored.request_hash != digest:
        raise Problem(
            409, "idempotency_key_reused", "This Idempotency-Key was used for another request",
            "Use a new key for a new intent, and the same key only for a retry of the same request.",
        )  # fmt: skip
    return _response(stored.body, stored.status, REPLAYED)


def _response(body: bytes, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, "application/json")


def _json(answer: BaseModel) -> bytes:
    return answer.model_dump_json(by_alias=True).encode()
