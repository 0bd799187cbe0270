"""Every route of an app, for tests that ask each: one that is added tomorrow is asked too."""

import re
from collections.abc import Iterator
from typing import NamedTuple
from uuid import uuid4

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from shared.http.deeds import mark_of

_PARAMETER = re.compile(r"\{([^}]+)\}")
_VALUES = {"kind": "vehicles"}
"""Of parameters that are no ids."""


class Asked(NamedTuple):
    method: str
    route: str
    path: str
    """The route with fresh ids in it."""


def _filled(parameter: re.Match[str]) -> str:
    return _VALUES.get(parameter[1]) or str(uuid4())


def audited_routes(app: FastAPI) -> Iterator[Asked]:
    """All routes but those whose decorator says that the audit log leaves them out."""
    for one in iter_route_contexts(app.routes):
        if not isinstance(one.original_route, APIRoute) or mark_of(one.endpoint) is not None:
            continue
        for method in one.methods or ():
            yield Asked(method, str(one.path), _PARAMETER.sub(_filled, str(one.path)))
