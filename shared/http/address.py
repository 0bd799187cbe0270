"""Middleware of addresses: what no route can judge for itself."""

import re
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote_to_bytes

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.http.problems import Problem, from_code, not_this_method, response
from shared.http.routes import routes_of, with_head

_NUL: Final = b"\0"


class _Asked(NamedTuple):
    method: str
    pattern: re.Pattern[str]
    names: frozenset[str]


class Address:
    """400 for a NUL character, which no text of ours can hold; 405 where the very address exists, but not for the method (a
    template such as `/v1/claims/{claim_id}` would take `/v1/claims/preview` for an id); 422 for a parameter that the route
    does not know: a misspelt filter would be lost in silence, and everything would come."""

    def __init__(self, app: ASGIApp, api: FastAPI) -> None:
        self.app = app
        self._api = api
        self._exact: dict[str, set[str]] | None = None
        self._asked: list[_Asked] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        allowed = self.exact.get(path)
        if _NUL in unquote_to_bytes(scope.get("query_string", b"")) or "\0" in path:
            problem = from_code(400, "The address holds a NUL character: leave it out.")
        elif allowed is not None and scope["method"] not in allowed:
            problem = not_this_method(with_head(allowed))
        elif unknown := self._unknown(scope):
            problem = _not_known(unknown)
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

    def _unknown(self, scope: Scope) -> list[str]:
        """Names in the query that the route does not take."""
        query = scope.get("query_string", b"")
        if not query:
            return []
        if self._asked is None:
            self._asked = [
                _Asked(route.method, route.context.path_regex, frozenset(route.query_names))
                for route in routes_of(self._api)
            ]
        given = [name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)]
        for one in self._asked:
            if one.method == scope["method"] and one.pattern.match(scope["path"]):
                return [name for name in given if name not in one.names]
        return []


def _not_known(names: list[str]) -> Problem:
    problem = from_code(422, "Leave the parameters listed in `errors` out, or correct their names.")
    problem.extra["errors"] = [
        {"pointer": f"?{name}", "code": "extra_forbidden", "detail": "is no parameter of this address"}
        for name in names
    ]
    return problem
