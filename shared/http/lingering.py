"""A refusal that reaches who is still sending.

A connection that is closed with bytes of its body unread is reset, and a reset takes the answer with it that the client has
not read yet.  So what is left of the body is read for a moment, and dropped, before the connection is closed."""

import asyncio
from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

AT_ONCE_MAX: Final = 100
"""Connections that linger at once in a process; a further one is closed as it is.  Each holds some 100 kB."""
LINGER_S: Final = 5.0
PAUSE_S: Final = 1.0
"""Of a sender who sends nothing more, since it has its answer or has hung up on its own."""
BYTES_MAX: Final = 64_000_000
"""Three times the largest body that any route takes."""


class Lingering:
    """ASGI middleware, the outermost: where an answer says `Connection: close` before the body is here, its end is held back
    until the body is, or for as long as its bounds say.  The answer itself is with the client by then, by its Content-Length;
    everything that answered it is over, and holds nothing any more."""

    def __init__(
        self,
        app: ASGIApp,
        at_once_max: int = AT_ONCE_MAX,
        linger_s: float = LINGER_S,
        pause_s: float = PAUSE_S,
        bytes_max: int = BYTES_MAX,
    ) -> None:
        self.app = app
        self.at_once_max = at_once_max
        self.linger_s = linger_s
        self.pause_s = pause_s
        self.bytes_max = bytes_max
        self.now = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _brings_a_body(scope["headers"]):
            await self.app(scope, receive, send)
            return
        whole = closes = held_back = False

        async def watched() -> Message:
            nonlocal whole
            message = await receive()
            whole = not message.get("more_body", False)  # also where the sender has gone
            return message

        async def held(message: Message) -> None:
            nonlocal closes, held_back
            if message["type"] == "http.response.start":
                closes = _closes(message.get("headers", ()))
            elif closes and not whole and not message.get("more_body", False) and self.now < self.at_once_max:
                held_back = True
                message = {**message, "more_body": True}
            await send(message)

        await self.app(scope, watched, held)
        if held_back:
            await self._drop(receive)
            await send({"type": "http.response.body"})

    async def _drop(self, receive: Receive) -> None:
        loop = asyncio.get_running_loop()
        until, left = loop.time() + self.linger_s, self.bytes_max
        self.now += 1
        try:
            while left > 0:
                async with asyncio.timeout_at(min(until, loop.time() + self.pause_s)):
                    message = await receive()
                if not message.get("more_body", False):
                    return
                left -= len(message["body"])
        except TimeoutError:
            pass
        finally:
            self.now -= 1


def _brings_a_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")) for name, value in headers
    )


def _closes(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """And tells its length: else only the connection's end would end it."""
    known = {name.lower(): value.lower() for name, value in headers}
    return known.get(b"connection") == b"close" and b"content-length" in known
