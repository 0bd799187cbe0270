"""Size limits of request bodies, before and after decompression: memory never grows with what a client sends."""

import zlib
from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import Problem, response

_GZIP: Final = zlib.MAX_WBITS | 16
_ZLIB: Final = zlib.MAX_WBITS


def too_large(limit_bytes: int, what: str = "body") -> Problem:
    """413 that names the limit."""
    return Problem(
        413, "payload_too_large", "The body is too large",
        f"The {what} is above {limit_bytes} bytes: send it in several smaller requests.",
        headers={"Connection": "close"}, limit_bytes=limit_bytes,
    )  # fmt: skip


class BodyLimit:
    """ASGI middleware: 413 by the Content-Length where there is one, else once the counted bytes pass the limit."""

    def __init__(self, app: ASGIApp, limit_bytes: int, by_path: Mapping[str, int] | None = None) -> None:
        """`by_path`: another limit for exactly these paths."""
        self.app = app
        self.limit_bytes = limit_bytes
        self.by_path = dict(by_path or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.by_path.get(scope["path"], self.limit_bytes)
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > limit:
            await response(too_large(limit), scope["path"])(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > limit:
                    raise too_large(limit)
            return message

        await self.app(scope, counted, send)


def inflate(body: bytes, encoding: str, limit_bytes: int) -> bytes:
    """The body without its Content-Encoding (gzip, deflate or identity), never more than `limit_bytes` of it in memory.

    Raises Problem: 415 for another encoding, 400 for a broken stream, 413 above the limit.  CPU-bound: call it in a
    thread when bodies are large."""
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        if len(body) > limit_bytes:
            raise too_large(limit_bytes)
        return body
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise Problem(
            415, "unsupported_encoding", "The body's encoding is not supported",
            f"Content-Encoding {encoding[:40]!r} is not known here: send gzip, deflate or no encoding.",
        )  # fmt: skip
    parts: list[bytes] = []
    room, rest = limit_bytes + 1, body
    while rest:  # gzip allows several members, one after the other
        stream = zlib.decompressobj(_ZLIB if encoding == "deflate" else _GZIP)
        try:
            part = stream.decompress(rest, room)
        except zlib.error as error:
            raise _broken(encoding) from error
        parts.append(part)
        room -= len(part)
        if room <= 0:
            raise too_large(limit_bytes, "decompressed body")
        if not stream.eof:
            raise _broken(encoding)
        rest = stream.unused_data
    return b"".join(parts)


def _broken(encoding: str) -> Problem:
    return Problem(
        400, "broken_encoding", "The body can't be decompressed",
        f"The body is cut off or is not {encoding}: send it again whole, or without Content-Encoding.",
    )  # fmt: skip
