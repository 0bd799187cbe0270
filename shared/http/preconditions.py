"""`If-Match` on commands: the thing that an address is about must still be as the caller read it.

The thing of `/v1/claims/{claim_id}/sent` is what GET `/v1/claims/{claim_id}` shows: the nearest address above that can be
read.  Its present tag is made by asking that very route again, inside the command's transaction and under a lock that every
command on the thing takes first, so nothing can come between the check and the effect."""

import re
from contextlib import AsyncExitStack
from typing import Any, Final, NamedTuple
from uuid import UUID

from fastapi import Request
from starlette.types import Message

from shared.db.pool import Connection, joined
from shared.http.auth import ASKING
from shared.http.etags import etag_of, names
from shared.http.problems import Problem
from shared.http.routes import COMMANDS, routes_of, thing_of

LOCK: Final = "select pg_advisory_xact_lock(hashtextextended($1, 0))"
_OK: Final = 200
_NOTHING: Final = frozenset({404, 410})
"""Of these the command itself says what is not there."""


class _Command(NamedTuple):
    method: str
    pattern: re.Pattern[str]
    slashes: int
    """Of the thing's own address, which is so much of the command's."""


async def lock_thing(request: Request, conn: Connection, tenant: UUID) -> None:
    """Commands on one thing come one after the other.  Nothing else waits for this lock."""
    path = _thing(request)
    if path is not None:
        await conn.execute(LOCK, f"{tenant}{path}")


async def check_precondition(request: Request, conn: Connection, tenant: UUID) -> None:
    """Raises Problem 412 where `If-Match` is given and names another state than the present one, and what the reading raises:
    who may not read the thing (403) cannot have it compared."""
    header = request.headers.get("if-match")
    path = _thing(request)
    if header is None or path is None:
        return
    with joined(tenant, conn):
        body = await _read(request, path)
    if body is None:  # the command itself says that there is nothing
        return
    tag = etag_of(body)
    if not names(header, tag, strong=True):
        raise Problem(
            412, "changed_meanwhile", "It changed since you read it",
            f"Read {path} again, look at what is new, and send the command with its ETag. Nothing was done.",
            current_etag=tag,
        )  # fmt: skip


def _thing(request: Request) -> str | None:
    """`/v1/claims/6a0c…` of `/v1/claims/6a0c…/sent`."""
    path = request.url.path
    for command in _commands(request):
        if command.method == request.method and command.pattern.match(path):
            return "/".join(path.split("/")[: command.slashes + 1]) if command.slashes else None
    return None


def _commands(request: Request) -> list[_Command]:
    """In the order in which the app tries them; read once an app."""
    state = request.app.state
    if not hasattr(state, "commands_on_things"):
        routes = list(routes_of(request.app))
        things = {route.path for route in routes if route.is_thing}
        state.commands_on_things = [
            _Command(route.method, route.context.path_regex, (thing_of(route, things) or "").count("/"))
            for route in routes
            if route.method in COMMANDS
        ]
    found: list[_Command] = state.commands_on_things
    return found


async def _read(request: Request, path: str) -> bytes | None:
    """What GET answers to the same caller, who is known already and asks no second time; None where there is nothing."""
    kept = (
        "type", "asgi", "http_version", "scheme", "server", "client", "root_path", "app", "state", "extensions", ASKING,
    )  # fmt: skip
    scope: dict[str, Any] = {name: request.scope[name] for name in kept if name in request.scope}
    headers = [(name, value) for name, value in request.scope["headers"] if name in {b"authorization", b"host"}]
    scope |= {
        "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers,
    }  # fmt: skip
    status: list[int] = []
    body = bytearray()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])
        else:
            body.extend(message.get("body", b""))

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async with AsyncExitStack() as stack:
        scope["fastapi_middleware_astack"] = stack
        try:
            await request.app.router(scope, receive, send)
        except Problem as problem:
            if problem.status not in _NOTHING:
                raise
            return None
    if status != [_OK]:
        raise RuntimeError(f"GET {path} answered {status}: there is no tag to compare")
    return bytes(body)
