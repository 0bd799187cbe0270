"""What every HTTP API of ours does, in one call: problems, request names, conditional requests, its OpenAPI document."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.middleware import Middleware

from shared.http import problems
from shared.http.address import Address
from shared.http.conditional import Conditional
from shared.http.head import Head
from shared.http.openapi.document import document_of
from shared.http.senders import KeyFirst, Patience


def install(app: FastAPI, models: Sequence[type[BaseModel]] = (), schemas: Mapping[str, Any] | None = None) -> None:
    """Call it last, after routes and other middleware: each answer, whoever gives it, then bears the request's name.

    `models`: bodies that routes read by themselves, for the document."""
    app.add_middleware(Conditional)
    app.add_middleware(Address, api=app)
    app.add_middleware(Head)
    app.add_middleware(Patience)
    app.user_middleware.append(Middleware(KeyFirst, api=app))  # where the route is known
    problems.install(app)
    app.openapi = lambda: document_of(app, models, schemas)  # type: ignore[method-assign]  # FastAPI's documented way to extend it
