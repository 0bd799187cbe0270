"""What a sender costs before it has shown who it is: nobody's body is read before the key nor waited for for ever, and only so
many requests are under way at once."""

import asyncio
from typing import Final

from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.auth import Authenticator
from shared.http.guards import INTERNAL, LINK, NEEDED
from shared.http.problems import Problem, last_net, response
from shared.http.routes import calls_of

UNDER_WAY_MAX: Final = 1_000
STALL_S: Final = 20.0
"""Between two parts of a body."""
BODY_S: Final = 300.0
"""For all of it: 20 MB at half a megabit."""
OF_OURSELVES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
CLOSE: Final = {"Connection": "close"}


class KeyFirst:
    """ASGI middleware: where a route wants a key, 401 comes before the first byte of a body is asked for.  FastAPI reads JSON
    before it asks a route's dependencies: anybody's body would be held, and what is broken in it be told before the key is
    looked at."""

    def __init__(self, app: ASGIApp, api: FastAPI) -> None:
        self.app = app
        self.api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = False

        async def known() -> Message:
            nonlocal asked
            if not asked:
                asked = True
                await self._ask(Request(scope))
            return await receive()

        await self.app(scope, known, send)

    async def _ask(self, request: Request) -> None:
        for call in calls_of(request.scope.get("route")):
            wanted = NEEDED.get(call, LINK)
            if wanted == LINK:
                continue
            try:
                if wanted == INTERNAL:
                    await call(request)
                else:
                    authenticator: Authenticator = self.api.state.authenticator
                    await authenticator.asking(request)
            except Problem as refusal:
                refusal.headers = {**(refusal.headers or {}), **CLOSE}
                raise
            except Exception as error:  # FastAPI would call it a body that cannot be read
                raise last_net(error) from error


class Patience:
    """ASGI middleware: 408 where a body stalls or takes too long, 503 where too many requests are under way."""

    def __init__(
        self, app: ASGIApp, under_way_max: int = UNDER_WAY_MAX, stall_s: float = STALL_S, body_s: float = BODY_S
    ) -> None:
        self.app = app
        self.under_way_max = under_way_max
        self.stall_s = stall_s
        self.body_s = body_s
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OF_OURSELVES:
            await self.app(scope, receive, send)
            return
        if self._under_way >= self.under_way_max:
            await response(_crowded(), scope["path"])(scope, receive, send)
            return
        self._under_way += 1
        try:
            await self.app(scope, self._hurried(receive), send)
        finally:
            self._under_way -= 1

    def _hurried(self, receive: Receive) -> Receive:
        loop = asyncio.get_running_loop()
        whole, until = False, loop.time() + self.body_s

        async def hurried() -> Message:
            nonlocal whole
            if whole:  # what comes now is that the sender goes
                return await receive()
            try:
                async with asyncio.timeout_at(min(loop.time() + self.stall_s, until)):
                    message = await receive()
            except TimeoutError:
                raise _too_slow() from None
            whole = not message.get("more_body", False)
            return message

        return hurried


def _crowded() -> Problem:
    return Problem(
        503, "unavailable", "The service can't do this at the moment", "Too many requests are under way: send it again later.",
        headers=CLOSE,
    )  # fmt: skip


def _too_slow() -> Problem:
    return Problem(
        408, "body_too_slow", "The body did not come in time",
        f"Send it without pauses above {STALL_S:.0f} s and within {BODY_S:.0f} s, or in several smaller requests.",
        headers=CLOSE,
    )  # fmt: skip
