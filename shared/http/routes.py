"""The routes of an app as its OpenAPI document and its preconditions need them: one entry a method and path."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts

VERSION: Final = "/v1"
COMMANDS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_PARAM: Final = re.compile(r"\{(\w+)[^}]*\}")


@dataclass(frozen=True)
class Route:
    """One operation.  `path` is its template, `/v1/claims/{claim_id}/sent`."""

    method: str
    path: str
    context: RouteContext

    @property
    def calls(self) -> list[Any]:
        """The functions that it depends on, however deep."""
        return calls_of(self.context)

    @property
    def query_names(self) -> set[str]:
        """Parameters that it takes behind the question mark."""
        found: set[str] = set()
        open_: list[Dependant] = [self.context.dependant]
        while open_:
            one = open_.pop()
            found |= {parameter.alias for parameter in one.query_params}
            open_ += one.dependencies
        return found

    @property
    def is_handed_request(self) -> bool:
        """As everything is that runs through `Commands`."""
        return self.context.dependant.request_param_name is not None

    @property
    def is_list(self) -> bool:
        """Pages by a cursor."""
        return "cursor" in self.query_names

    @property
    def names(self) -> list[str]:
        """Of the path's parameters."""
        return _PARAM.findall(self.path)

    @property
    def is_thing(self) -> bool:
        """A GET of one thing by its id, that commands on it may be conditional on."""
        return self.method == "GET" and self.path.endswith("}")


def calls_of(route: Any) -> list[Any]:
    """The functions that a route depends on, however deep; none of what is no route of the API."""
    found: list[Any] = []
    open_: list[Dependant] = [route.dependant] if getattr(route, "dependant", None) is not None else []
    while open_:
        one = open_.pop(0)
        found.append(one.call)
        open_ += one.dependencies
    return found


def routes_of(app: FastAPI) -> Iterator[Route]:
    """In the order in which they were added; only those of the API itself."""
    for context in iter_route_contexts(app.routes):
        if getattr(context, "dependant", None) is None or not context.include_in_schema:
            continue
        for method in sorted(context.methods or ()):
            yield Route(method, str(context.path_format), context)


def methods_at(app: FastAPI, path: str) -> list[str]:
    """What an address takes, whichever of its routes take it; empty where there is none."""
    found: set[str] = set()
    for context in iter_route_contexts(app.routes):
        pattern = getattr(context, "path_regex", None)
        if pattern is not None and pattern.match(path):
            found |= set(context.methods or ())
    return with_head(found)


def with_head(methods: Collection[str]) -> list[str]:
    """Sorted; what can be read can be asked for without its body (`shared.http.head`)."""
    return sorted({*methods, "HEAD"} if "GET" in methods else methods)


def thing_of(route: Route, things: set[str]) -> str | None:
    """The path template of the thing that a command is about: the nearest one above its address that can be read."""
    if route.method not in COMMANDS:
        return None
    path = route.path
    while path.count("/") > VERSION.count("/") + 1:
        if path in things:
            return path
        path = path.rpartition("/")[0]
    return None
