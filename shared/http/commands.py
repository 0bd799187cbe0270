"""The life of one command over HTTP: one transaction of one tenant, its Idempotency-Key, its answer."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel

from shared.db import idempotency
from shared.db.pool import Connection, Pool, past_rivals, tenant_tx
from shared.http.preconditions import check_precondition, lock_thing
from shared.http.problems import Problem

KEY_LENGTH_MAX: Final = 255
_KEY: Final = re.compile(rf"[!-~]{{1,{KEY_LENGTH_MAX}}}")
REPLAYED: Final = {"Idempotent-Replay": "true"}


def no_key(why: str) -> Callable[[Request], None]:
    """Dependency of a command that acts and keeps no first answer: 400 with `why` where an Idempotency-Key is sent, since a
    caller who sends one counts on it."""

    def dependency(request: Request) -> None:
        if "idempotency-key" in request.headers:
            raise Problem(400, "idempotency_key_not_taken", "This command takes no Idempotency-Key", why)

    return dependency


@dataclass(frozen=True)
class Commands:
    """`pool` has the API role, which may read and write the service's `idempotency` table."""

    pool: Pool
    digest: Callable[[bytes], bytes]
    """Names a request: method, address with its query, and body in, the same bytes for the same request out."""

    async def run(
        self, request: Request, tenant: UUID, status: int, effect: Callable[[Connection], Awaitable[BaseModel]]
    ) -> Response:
        """Run `effect` in one transaction together with the request's Idempotency-Key, if it has one: the same key and
        request give the first answer again, the same key with another request is refused (409).  With `If-Match` the thing
        that the address is about must still be as it was read (412).  `effect` is run again where others came between."""
        key = key_of(request)
        digest = b"" if key is None else await self._digest(request)  # a client that sends slowly holds no connection
        return await past_rivals(lambda: self._once(request, tenant, status, effect, key, digest))

    async def _once(
        self,
        request: Request,
        tenant: UUID,
        status: int,
        effect: Callable[[Connection], Awaitable[BaseModel]],
        key: str | None,
        digest: bytes,
    ) -> Response:
        async with tenant_tx(self.pool, tenant) as conn:
            await lock_thing(request, conn, tenant)
            if key is None:
                await check_precondition(request, conn, tenant)
                return _response(_json(await effect(conn)), status)
            stored = await idempotency.begin(conn, tenant, key, digest)
            if stored is not None:
                return _again(stored, digest)
            await check_precondition(request, conn, tenant)
            body = _json(await effect(conn))
            await idempotency.finish(conn, tenant, key, status, body)
        return _response(body, status)

    async def replayed(self, request: Request, tenant: UUID) -> Response | None:
        """The first answer of this Idempotency-Key, for commands that compute much before their transaction."""
        key = key_of(request)
        if key is None:
            return None
        async with tenant_tx(self.pool, tenant) as conn:
            stored = await idempotency.stored(conn, tenant, key)
        if stored is None or stored.awaits(digest := await self._digest(request)):
            return None
        return _again(stored, digest)

    async def begin(self, request: Request, conn: Connection, tenant: UUID) -> Response | None:
        """In the first of several transactions of a command, of which `run` makes the last: from here on its Idempotency-Key
        stands for this request alone.  The first answer, where there is one by now."""
        key = key_of(request)
        if key is None:
            return None
        digest = await self._digest(request)
        stored = await idempotency.begin(conn, tenant, key, digest)
        return None if stored is None else _again(stored, digest)

    async def _digest(self, request: Request) -> bytes:
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return self.digest(f"{request.method} {asked}\0".encode() + await request.body())


def key_of(request: Request) -> str | None:
    """The request's Idempotency-Key, None without one.  Raises Problem 400 for one that is none: also where a dry run keeps no
    answer under it."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise Problem(
            400, "idempotency_key_invalid", "The Idempotency-Key is no key",
            f"Send 1 to {KEY_LENGTH_MAX} visible ASCII characters, no spaces.",
        )  # fmt: skip
    return key


def _again(stored: idempotency.Stored, digest: bytes) -> Response:
    if stored.request_hash != digest:
        raise Problem(
            409, "idempotency_key_reused", "This Idempotency-Key was used for another request",
            "Use a new key for a new intent, and the same key only for a retry of the same request.",
        )  # fmt: skip
    if not stored.body or stored.status is None:
        raise Problem(
            409, "answer_erased", "This was done, and its answer is not kept any longer",
            "It told of somebody who has been forgotten since. Read the thing itself; a new key would do it again.",
        )  # fmt: skip
    return _response(stored.body, stored.status, REPLAYED)


def _response(body: bytes, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, "application/json")


def _json(answer: BaseModel) -> bytes:
    return answer.model_dump_json(by_alias=True).encode()
