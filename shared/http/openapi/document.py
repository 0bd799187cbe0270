"""The OpenAPI document that every service serves: FastAPI's own, completed by convention, so that a route says only what
is its own.  Names come from the address, security from the dependencies, problems from what the route takes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from shared.http.guards import INTERNAL, LINK, NEEDED
from shared.http.openapi.examples import add_examples
from shared.http.openapi.links import add_links
from shared.http.openapi.names import operation_id, summary
from shared.http.problem_schemas import MEANINGS, SCHEMA, component_responses, component_schemas
from shared.http.problems import MEDIA_TYPE
from shared.http.routes import COMMANDS, VERSION, Route, routes_of, thing_of

Json = dict[str, Any]
TAKES_KEY: Final = "x-takes-idempotency-key"
"""In a route's `openapi_extra`: whether it does, where it is handed the request and yet does not, or the other way round."""
NEVER: Final = "x-never"
"""In a route's `openapi_extra`: statuses that convention expects of it and that it never answers."""
_SECURITY: Final = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key or an access token of a tenant; the scopes that an operation needs stand beside it.",
    },
    "link": {"type": "http", "scheme": "bearer", "description": "The token of an auditor's link (rule PA4)."},
    "service": {"type": "http", "scheme": "bearer", "description": "The token between our own services."},
}
_HEADERS: Final = {
    "X-Trace-Id": "Names the request in our logs: what to report.",
    "ETag": "Names this state of the thing: send it as `If-None-Match` to read it again, as `If-Match` to act on it.",
    "Link": 'The next page, `rel="next"` (RFC 8288); absent on the last.',
    "Retry-After": "Seconds to wait.",
    "Idempotent-Replay": "`true`: this is the first answer of the Idempotency-Key again.",
}
_IDEMPOTENCY: Final = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "description": "The same for every retry of one intent: same key and body give the first answer again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[!-~]+$"},
    "example": "5f0c7a52-lodge",
}  # fmt: skip
_IF_MATCH: Final = {
    "name": "If-Match", "in": "header", "required": False,
    "description": "ETag of the thing that this acts on, as it was read; 412 where it has changed since.",
    "schema": {"type": "string"}, "example": '"9f86d081884c7d659a2feaa0c55ad015"',
}  # fmt: skip
_IF_NONE_MATCH: Final = {
    "name": "If-None-Match", "in": "header", "required": False,
    "description": "ETag of an earlier answer; 304 where nothing has changed.",
    "schema": {"type": "string"}, "example": '"9f86d081884c7d659a2feaa0c55ad015"',
}  # fmt: skip


def document_of(app: FastAPI, models: Sequence[type[BaseModel]] = (), more: Mapping[str, Any] | None = None) -> Json:
    """The whole document, the same for the same code.  `models`: bodies that routes read by themselves, for their `$ref`s."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=app.description or None, routes=app.routes, tags=app.openapi_tags
        )  # fmt: skip
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        schemas |= more or {}
        for model in models:
            schemas[model.__name__] = model.model_json_schema(ref_template="#/components/schemas/{model}")
        app.openapi_schema = complete(made, list(routes_of(app)))
    return app.openapi_schema


def complete(document: Json, routes: list[Route]) -> Json:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas |= component_schemas()
    components["responses"] = component_responses()
    components["headers"] = {
        name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADERS.items()
    }
    components["securitySchemes"] = _SECURITY | components.get("securitySchemes", {})
    operations = [(route, document["paths"][route.path][route.method.lower()]) for route in routes]
    things = {route.path for route in routes if route.is_thing}
    for route, operation in operations:
        _describe(route, operation)
        _secure(route, operation)
        _problems(route, operation, things)
        _headers(route, operation, things)
    add_links(operations, schemas)
    add_examples(operations, schemas)
    return document


def _describe(route: Route, operation: Json) -> None:
    operation["operationId"] = operation_id(route, operation)
    operation["summary"] = summary(route, operation)
    operation.setdefault("tags", [route.path.removeprefix(VERSION).split("/")[1]])


def _secure(route: Route, operation: Json) -> None:
    """Every scope that a dependency of the route wants; a route that wants none is open, and says so."""
    wanted = [NEEDED[call] for call in route.calls if call in NEEDED]
    scopes = [scope for scope in wanted if scope not in {INTERNAL, LINK}]
    if LINK in wanted:
        operation["security"] = [{"link": []}]
    elif scopes:
        operation["security"] = [{"key": sorted(set(scopes))}]
    elif wanted:
        operation["security"] = [{"service": []}]
    else:
        operation.setdefault("security", [])


def takes_body(operation: Json) -> bool:
    return "requestBody" in operation


def _problems(route: Route, operation: Json, things: set[str]) -> None:
    answers = operation["responses"]
    body, command = takes_body(operation), route.method in COMMANDS
    can_occur = {400, 429, 500, 503}
    can_occur |= {401, 403} if operation["security"] else set()
    can_occur |= {404} if route.names or body else set()
    can_occur |= {422} if route.names or body or operation.get("parameters") else set()
    can_occur |= {408, 413, 415} if body else set()
    can_occur |= {409} if command else set()
    can_occur |= {412} if _compares(route, things) else set()
    if operation["security"] in ([{"service": []}], [{"link": []}]):
        can_occur -= {403}
    if answers.get("422", {}).get("content", {}).get("application/json"):
        del answers["422"]  # the framework's own shape, which nothing here ever answers
    can_occur -= set(operation.pop(NEVER, ()))
    for status in can_occur:
        answers.setdefault(str(status), {"$ref": f"#/components/responses/{MEANINGS[status][0]}"})
    for status, answer in answers.items():
        if status >= "4" and "$ref" not in answer:
            answer.setdefault("content", {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{SCHEMA}"}}})
    if route.method == "GET":
        answers.setdefault("304", {"description": "It is still as `If-None-Match` names it."})
    operation["responses"] = {status: answers[status] for status in sorted(answers)}


def _headers(route: Route, operation: Json, things: set[str]) -> None:
    """Parameters and answers' headers that the shared parts of the API read and write."""
    parameters = operation.setdefault("parameters", [])
    has = {one.get("name", "").lower() for one in parameters}

    def add(parameter: Json) -> None:
        if parameter["name"].lower() not in has:
            parameters.append(parameter)

    names = ["X-Trace-Id"]
    if route.method == "GET":
        add(_IF_NONE_MATCH)
        names += ["ETag", "Link"] if route.is_list else ["ETag"]
    elif takes_key(route, operation):
        add(_IDEMPOTENCY)
        names.append("Idempotent-Replay")
    if _compares(route, things):
        add(_IF_MATCH)
    if not parameters:
        del operation["parameters"]
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            headers = answer.setdefault("headers", {})
            for name in names:
                headers.setdefault(name, {"$ref": f"#/components/headers/{name}"})


def _compares(route: Route, things: set[str]) -> bool:
    """A command on one thing that is handed the request heeds its If-Match; what only computes is not handed it."""
    return route.is_handed_request and thing_of(route, things) is not None


def takes_key(route: Route, operation: Json) -> bool:
    """A command that is handed the request takes its Idempotency-Key from it, unless it says otherwise."""
    said = operation.pop(TAKES_KEY, None)
    if said is not None:
        return bool(said)
    return route.method in COMMANDS and route.is_handed_request
