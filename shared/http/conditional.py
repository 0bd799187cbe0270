"""Middleware of reading: a strong ETag on every whole answer to a GET, 304 where the caller has it already, and the address
of a list's next page as a Link (RFC 8288)."""

import re
from typing import Final
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.etags import etag_of, names
from shared.http.routes import VERSION

_OK: Final = 200
_NOT_MODIFIED: Final = 304
_NEXT: Final = re.compile(rb'"next_cursor":"([\w=-]{1,720})"\}$')
"""Every page ends with it."""
_TAIL_BYTES: Final = 760
_OF_BODIES: Final = ("content-length", "content-type", "content-disposition")


class Conditional:
    """A body that comes in one piece is held back until its tag is known; a stream goes through as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(f"{VERSION}/"):
            await self.app(scope, receive, send)
            return
        held: list[Message] = []

        async def conditional_send(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == _OK:
                held.append(message)
                return
            if held:
                start = held.pop()
                if not message.get("more_body", False):
                    message = _complete(scope, start, message)
                await send(start)
            await send(message)

        await self.app(scope, receive, conditional_send)


def _complete(scope: Scope, start: Message, message: Message) -> Message:
    """Headers into `start`; the body, or none where the caller has it."""
    body = bytes(message.get("body", b""))
    headers = MutableHeaders(raw=list(start.get("headers", [])))
    headers.setdefault("ETag", etag_of(body))
    headers.setdefault("Cache-Control", "private, no-cache")
    headers.setdefault("Vary", "Authorization")
    link = _next_page(scope, body)
    if link is not None:
        headers.setdefault("Link", link)
    known = Headers(scope=scope).get("if-none-match")
    if known is not None and names(known, headers["ETag"], strong=False):
        start["status"], body = _NOT_MODIFIED, b""
        for name in _OF_BODIES:
            if name in headers:
                del headers[name]
    start["headers"] = headers.raw
    return {"type": "http.response.body", "body": body}


def _next_page(scope: Scope, body: bytes) -> str | None:
    found = _NEXT.search(body[-_TAIL_BYTES:])
    if found is None:
        return None
    asked = [(name, value) for name, value in parse_qsl(scope["query_string"].decode("latin-1")) if name != "cursor"]
    return f'<{scope["path"]}?{urlencode([*asked, ("cursor", found[1].decode())])}>; rel="next"'
