"""Size limits of request bodies, before and after decompression: memory never grows with what a client sends."""

import zlib
from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.auth import ASKING
from shared.http.problems import Problem, response

HELD_BYTES_MAX: Final = 256_000_000
"""Of all bodies between their first byte and their answer, in a process."""
HELD_BY_ONE_MAX: Final = 64_000_000
"""Of one tenant's."""

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
    """ASGI middleware: 413 by the Content-Length where there is one, else once the counted bytes pass the limit; 503 where the
    bodies that are here, or one tenant's of them, are too much together, however slowly they come."""

    def __init__(
        self,
        app: ASGIApp,
        limit_bytes: int,
        by_path: Mapping[str, int] | None = None,
        held_max: int = HELD_BYTES_MAX,
        by_one_max: int = HELD_BY_ONE_MAX,
    ) -> None:
        """`by_path`: another limit for exactly these paths."""
        self.app = app
        self.limit_bytes = limit_bytes
        self.by_path = dict(by_path or {})
        self.held_max = held_max
        self.by_one_max = by_one_max
        self._held: Counter[Hashable] = Counter()
        self.held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.by_path.get(scope["path"], self.limit_bytes)
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > limit:
            await response(too_large(limit), scope["path"])(scope, receive, send)
            return
        seen, who = 0, None

        async def counted() -> Message:
            nonlocal seen, who
            message = await receive()
            if message["type"] == "http.request":
                more = len(message.get("body", b""))
                if seen + more > limit:
                    raise too_large(limit)
                who = _sender(scope) if who is None else who
                seen += more
                self._hold(who, more)
            return message

        try:
            await self.app(scope, counted, send)
        finally:
            self._hold(who, -seen)

    def _hold(self, who: Hashable, count: int) -> None:
        """Raises Problem 503."""
        self._held[who] += count
        self.held_bytes += count
        if self._held[who] <= 0:
            del self._held[who]
        if count > 0 and (self._held[who] > self.by_one_max or self.held_bytes > self.held_max):
            raise Problem(
                503, "unavailable", "The service can't do this at the moment",
                "Too much is being sent at once: send it again later, less of it at a time.", headers={"Connection": "close"},
            )  # fmt: skip


def _sender(scope: Scope) -> Hashable:
    """The tenant; the address of who has not shown a key."""
    asking = scope.get(ASKING)
    return (scope.get("client") or ("",))[0] if asking is None else asking.tenant_id


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
