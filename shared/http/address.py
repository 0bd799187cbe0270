"""Middleware of addresses: what no route can judge for itself."""

from typing import Final
from urllib.parse import unquote_to_bytes

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.http.problems import from_code, response

_NUL: Final = b"\0"


class Address:
    """400 for a NUL character, which no text of ours can hold; 405 where the very address exists, but not for the method (a
    template such as `/v1/claims/{claim_id}` would take `/v1/claims/preview` for an id)."""

    def __init__(self, app: ASGIApp, api: FastAPI) -> None:
        self.app = app
        self._api = api
        self._exact: dict[str, set[str]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        allowed = self.exact.get(path)
        if _NUL in unquote_to_bytes(scope.get("query_string", b"")) or "\0" in path:
            problem = from_code(400, "The address holds a NUL character: leave it out.")
        elif allowed is not None and scope["method"] not in allowed:
            problem = from_code(405, "", {"Allow": ", ".join(sorted(allowed))})
        else:
            await self.app(scope, receive, send)
            return
        await response(problem, path.replace("\0", ""))(scope, receive, send)

    @property
    def exact(self) -> dict[str, set[str]]:
        """Addresses without a parameter → their methods; read at the first request, when every route is there."""
        if self._exact is None:
            self._exact = {}
            for context in iter_route_contexts(self._api.routes):
                if context.path and "{" not in context.path and context.methods:
                    self._exact.setdefault(context.path, set()).update(context.methods)
        return self._exact
