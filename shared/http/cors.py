"""Pages of other origins may call the API from a browser, where an operator names them (the Fetch standard's CORS protocol).

Nothing here is a credential of the browser's own: callers send `Authorization: Bearer` themselves.  So no cookie is ever asked
for (`Access-Control-Allow-Credentials` is never sent), and a page that is not named gains nothing by its visitor's sign-in."""

from collections.abc import Collection
from typing import Final

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.routes import methods_at

MAX_AGE_S: Final = 600
SENT: Final = (
    "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Rucor-Tenant", "traceparent",
)  # fmt: skip
"""Headers that callers of the API send."""
SHOWN: Final = (
    "ETag", "Location", "Retry-After", "Link", "RateLimit", "RateLimit-Policy", "X-Trace-Id", "Idempotent-Replay",
    "Content-Disposition", "WWW-Authenticate",
)  # fmt: skip
"""Headers of answers that a page may read besides those that it always may."""
_ASKED_METHOD: Final = "access-control-request-method"
_VARY: Final = f"Origin, {_ASKED_METHOD.title()}, Access-Control-Request-Headers"


def install(app: FastAPI, origins: Collection[str]) -> None:
    """Call it last: every answer, a refusal or a fault too, is one that the page may read.  No origins: nothing changes."""
    if origins:
        app.add_middleware(Cors, api=app, origins=frozenset(origins))


class Cors:
    """ASGI middleware, the outermost.  A preflight bears no key, so it is answered here; it tells nothing but the methods that
    the OpenAPI document tells everybody."""

    def __init__(self, app: ASGIApp, api: FastAPI, origins: frozenset[str]) -> None:
        self.app = app
        self.api = api
        self.origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        origin = asked.get("origin")
        named = origin if origin in self.origins else None
        if named is not None and scope["method"] == "OPTIONS" and _ASKED_METHOD in asked:
            methods = methods_at(self.api, scope["path"])
            if methods:
                await _preflight(send, named, methods)
                return

        async def shared_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message.get("headers", [])))
                headers.add_vary_header("Origin")
                if named is not None:
                    headers["Access-Control-Allow-Origin"] = named
                    headers["Access-Control-Expose-Headers"] = ", ".join(SHOWN)
                message["headers"] = headers.raw
            await send(message)

        await self.app(scope, receive, shared_send)


async def _preflight(send: Send, origin: str, methods: Collection[str]) -> None:
    told = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": ", ".join(SENT),
        "Access-Control-Max-Age": str(MAX_AGE_S),
        "Vary": _VARY,
    }
    raw = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": 204, "headers": raw})
    await send({"type": "http.response.body", "body": b""})
