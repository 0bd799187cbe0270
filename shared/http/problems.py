"""RFC 9457 problem documents for everything that can go wrong over HTTP, and the middleware that names each request.

A problem says what is wrong and what to do about it; a 500 says nothing of the inside but the trace id to ask for."""

import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars, get_contextvars

from shared.errors import Retryable
from shared.http.routes import methods_at
from shared.observability.logging import get_logger
from shared.observability.metrics import HTTP_REQUESTS, HTTP_SECONDS

PROBLEM_BASE: Final = "https://rucor.example/problems/"
MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 2
_TRACEPARENT: Final = re.compile(r"00-(?P<trace>[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_JSON_TYPE: Final = re.compile(r"application/([\w.-]+\+)?json\b", re.IGNORECASE)
_WORDS: Final = {
    "extra_forbidden": "There is no field of this name here: see its spelling, or leave it out",
    "model_attributes_type": "Give a JSON object, with its fields in braces",
    "model_type": "Give a JSON object, with its fields in braces",
    "int_type": "Give a whole number, without a point and without quotes",
    "int_from_float": "Give a whole number, without a point and without quotes",
}
"""Kind of validation error → what to do, where the library's own words say little."""
_CODES: Final = {
    400: ("bad_request", "The request can't be read"),
    401: ("unauthorized", "A valid API key or access token is needed"),
    403: ("forbidden", "The API key does not allow this"),
    404: ("not_found", "There is nothing at this address"),
    405: ("method_not_allowed", "This address does not take this method"),
    406: ("not_acceptable", "The answer can't be given in this form"),
    409: ("conflict", "The request conflicts with what is stored"),
    412: ("changed_meanwhile", "It changed since you read it"),
    413: ("payload_too_large", "The body is too large"),
    415: ("unsupported_media_type", "The body's type or encoding is not supported"),
    422: ("invalid", "The request does not fit the schema"),
    429: ("too_many_requests", "Too many requests"),
    500: ("internal", "Something went wrong on our side"),
    503: ("unavailable", "The service can't do this at the moment"),
}

log = get_logger(__name__)


class ProblemResponse(JSONResponse):
    """A pointer may hold what a caller has sent: half a surrogate pair must not break the answer that names it."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


class Problem(HTTPException):
    """Raise it anywhere in a request: it becomes the answer.

    `code` is stable and ends the type URI; `detail` says what to do; `extra` are members of the document (for example
    `errors=[…]`); `retry_after_s` sets the header, as 429 and 503 always do."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        *,
        headers: dict[str, str] | None = None,
        retry_after_s: int | None = None,
        **extra: Any,
    ) -> None:
        headers = dict(headers or {})
        if retry_after_s is None and status in {429, 503}:
            retry_after_s = RETRY_AFTER_S
        if retry_after_s is not None:
            headers["Retry-After"] = str(retry_after_s)
        super().__init__(status, detail, headers)
        self.status = status
        self.code = code
        self.title = title
        self.extra = extra

    def document(self) -> dict[str, Any]:
        """The members of RFC 9457, then the extra ones."""
        members = {"type": PROBLEM_BASE + self.code, "title": self.title, "status": self.status, "code": self.code}
        return members | ({"detail": self.detail} if self.detail else {}) | self.extra


def response(problem: Problem, instance: str | None = None) -> JSONResponse:
    """The problem as an HTTP answer; `instance` is the path asked for.  `trace_id` names the request, as its header does."""
    trace = get_contextvars().get("trace_id")
    body = problem.document() | ({"instance": instance} if instance else {}) | ({"trace_id": trace} if trace else {})
    return ProblemResponse(body, problem.status, problem.headers, MEDIA_TYPE)


def pointer(loc: tuple[int | str, ...] | list[int | str]) -> str:
    """RFC 6901 pointer of a validation error's place in the body, `?name` for a parameter of the address."""
    if loc and loc[0] in {"query", "path", "header", "cookie"}:
        return "?" + "/".join(str(part) for part in loc[1:])
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in loc[1 if loc and loc[0] == "body" else 0 :])
    return "".join(f"/{part}" for part in parts)


def words_of(fault: Mapping[str, Any]) -> str:
    """What a validation error says to the person who is to correct the field."""
    return _WORDS.get(fault["type"]) or str(fault["msg"]).removeprefix("Value error, ")


def _from_validation(error: RequestValidationError, content_type: str) -> Problem:
    found = list(error.errors())
    if any(tuple(item["loc"]) == ("body",) for item in found) and not _JSON_TYPE.match(content_type):
        return Problem(
            415, *_CODES[415], f"Content-Type is {content_type[:80]!r}: send the body with application/json."
        )
    if found and found[0]["type"] == "json_invalid":
        reason = found[0].get("ctx", {}).get("error", "")
        at = found[0]["loc"][-1]
        return Problem(
            400, "broken_json", "The body is not JSON", f"{reason} at character {at}: correct the body and resend it.",
        )  # fmt: skip
    errors = [{"pointer": pointer(item["loc"]), "code": item["type"], "detail": words_of(item)} for item in found]
    return Problem(
        422,
        "invalid",
        _CODES[422][1],
        "Correct the fields listed in `errors` and send the request again.",
        errors=errors,
    )


def from_http(error: HTTPException) -> Problem:
    """A problem for the framework's own exceptions (404, 405, broken bodies)."""
    if isinstance(error, Problem):
        return error
    code, title = _CODES.get(error.status_code, (f"http_{error.status_code}", HTTPStatus(error.status_code).phrase))
    standard = error.detail == HTTPStatus(error.status_code).phrase
    return Problem(
        error.status_code, code, title, "" if standard else str(error.detail), headers=dict(error.headers or {})
    )


def from_code(status: int, detail: str = "", headers: dict[str, str] | None = None) -> Problem:
    """The usual problem of a status."""
    return Problem(status, *_CODES[status], detail, headers=headers)


def not_this_method(allowed: Sequence[str]) -> Problem:
    """405 where the address takes `allowed`."""
    methods = ", ".join(allowed)
    return from_code(405, f"It takes {methods}.", {"Allow": methods})


def unavailable(detail: str, *, retry_after_s: int = RETRY_AFTER_S) -> Problem:
    """503 with Retry-After: a dependency is away."""
    return Problem(503, *_CODES[503], detail, retry_after_s=retry_after_s)


def _trace_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"traceparent" and (found := _TRACEPARENT.fullmatch(value.decode("latin-1"))):
            return str(found["trace"])
    return secrets.token_hex(16)


class RequestScope:
    """Outermost middleware: trace id for logs and answers, request metrics, and the last net under every exception."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        trace, started = _trace_id(scope), time.perf_counter()
        status: list[int] = []

        async def named_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                status.append(message["status"])
                message["headers"] = [*message.get("headers", []), (b"x-trace-id", trace.encode())]
            await send(message)

        with bound_contextvars(trace_id=trace, method=scope["method"], path=scope["path"]):
            try:
                await self.app(scope, receive, named_send)
            except Exception as error:
                if status:  # the answer has begun: nothing can be said any more
                    raise
                await response(last_net(error), scope["path"])(scope, receive, named_send)
            finally:
                route = getattr(scope.get("route"), "path", "unmatched")
                HTTP_REQUESTS.labels(scope["method"], route, str(status[0] if status else 0)).inc()
                HTTP_SECONDS.labels(scope["method"], route).observe(time.perf_counter() - started)


def last_net(error: Exception) -> Problem:
    """503 where a dependency is away, else 500 for what nobody foresaw, which is logged."""
    if isinstance(error, Retryable):
        log.warning("dependency away", error=repr(error))
        return unavailable("A dependency is away for the moment. Send the request again.")
    log.error("request failed", exc_info=error)
    return Problem(
        500, *_CODES[500], "Nothing of this request was stored unless an earlier answer said so. "
        "Try again; if it keeps failing, report the trace id.",
    )  # fmt: skip


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document and name every request.  Call it after adding other middleware."""

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            return response(not_this_method(methods_at(app, request.url.path)), request.url.path)
        if error.status_code == HTTPStatus.NOT_FOUND and not isinstance(error, Problem) and app.openapi_url:
            error.detail = f"GET {app.openapi_url} lists the addresses that there are."
        if isinstance(error, Problem) and error.code == "unavailable":
            log.warning("dependency away", detail=error.detail)  # else nobody who runs the service would know of it
        return response(from_http(error), request.url.path)

    async def on_invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - what it is registered for
        return response(_from_validation(error, request.headers.get("content-type", "")), request.url.path)

    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_middleware(RequestScope)
