"""Problem documents as OpenAPI shows them (RFC 9457).

`shared.http.openapi` adds them to each operation where they can occur: a route names only what is its own."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from shared.http.problems import MEDIA_TYPE, PROBLEM_BASE

SCHEMA: Final = "Problem"
RETRY: Final = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
MEANINGS: Final = {
    400: ("BadRequest", "bad_request", "The request cannot be read."),
    401: ("Unauthorized", "unauthorized", "No valid key or token."),
    403: ("Forbidden", "scope_missing", "The key or token lacks the scope."),
    404: ("NotFound", "not_found", "There is nothing with this id in the caller's tenant."),
    405: (
        "MethodNotAllowed",
        "method_not_allowed",
        "This address does not take this method; `Allow` names those it takes.",
    ),
    408: ("BodyTooSlow", "body_too_slow", "The body did not come in time: send it without long pauses."),
    409: (
        "Conflict",
        "already_exists",
        "It exists already, overlaps, or its state does not allow this; `code` says which.",
    ),
    410: ("Gone", "purged", "It was there and is not kept any longer; `code` says why."),
    412: (
        "PreconditionFailed",
        "changed_meanwhile",
        "`If-Match` names another state than the present one: read it again.",
    ),
    413: ("PayloadTooLarge", "payload_too_large", "The body is too large; `limit_bytes` says how large it may be."),
    415: ("UnsupportedMediaType", "unsupported_media_type", "The body's type or encoding is not supported."),
    422: ("Invalid", "invalid", "A field is wrong; `errors` names each."),
    429: ("TooManyRequests", "too_many_requests", "Too many requests: ask again after `Retry-After`."),
    500: ("Internal", "internal", "Something went wrong on our side: report `trace_id`."),
    503: (
        "Unavailable",
        "unavailable",
        "A dependency is away or the answer is not ready: ask again after `Retry-After`.",
    ),
}
"""Status → name of the response in the document, the usual code, what it means."""


GONE: Final[dict[int | str, dict[str, Any]]] = {410: {"description": MEANINGS[410][2]}}
"""`responses` of a route that shows what is dropped when rule RE1 no longer holds it."""


class FieldError(BaseModel):
    pointer: str
    """RFC 6901 pointer into the body; `?name` for a parameter of the address."""
    code: str
    detail: str


class ProblemDocument(BaseModel):
    """RFC 9457.  Members beyond these depend on the code."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    """Stable; the guide lists them."""
    detail: str | None = None
    """What is wrong and what to do about it."""
    instance: str | None = None
    trace_id: str | None = None
    """As in the header `X-Trace-Id`: what to report."""
    errors: list[FieldError] | None = None


def component_schemas() -> dict[str, Any]:
    """The two schemas that every problem of a document refers to."""
    schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs"), SCHEMA: schema | {"title": SCHEMA}}


def component_responses() -> dict[str, Any]:
    """Name → response, for `components/responses`."""
    return {name: _response(status, text, code) for status, (name, code, text) in MEANINGS.items()}


def problem_answers(descriptions: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route that says more of a status than its usual meaning."""
    return {status: _response(status, text, None) for status, text in descriptions.items()}


def _response(status: int, text: str, code: str | None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{SCHEMA}"}}
    if code is not None:
        value = {
            "type": PROBLEM_BASE + code,
            "title": text.partition(";")[0].rstrip("."),
            "status": status,
            "code": code,
        }
        content["examples"] = {"typical": {"value": value | {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}}}
    return {"description": text, "content": {MEDIA_TYPE: content}} | (
        {"headers": RETRY} if status in {429, 503} else {}
    )
