"""HTTP of the pdf service: a frozen snapshot in, a PDF out.  Only our own services hold its token."""

from typing import Any, Final, TypeVar

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Request, Response

from services.pdf.render.pool import FormError, RenderPool, TooBusy
from services.pdf.settings import PdfSettings
from shared.contracts.claim import FormSnapshot, LicenceReport
from shared.http import conventions
from shared.http.guards import require_internal
from shared.http.limits import BodyLimit
from shared.http.openapi.document import NEVER, TAKES_KEY
from shared.http.problem_schemas import problem_answers
from shared.http.problems import Problem, unavailable

BODY_BYTES_MAX: Final = 20_000_000
"""A report of a two-year licence with its tracks is about 2 MB."""
PDF: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}},
    **problem_answers(
        {
            422: "The snapshot does not fit its type or its form template.",
            503: "Busy: try again after `Retry-After` seconds.",
        }
    ),
}

T = TypeVar("T", FormSnapshot, LicenceReport)


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise Problem(422, "snapshot_invalid", "The snapshot does not fit", str(error)) from error
    except msgspec.DecodeError as error:
        raise Problem(400, "body_broken", "The body is not JSON", str(error)) from error


(_FORM, _REPORT), _SCHEMAS = msgspec.json.decode(  # as JSON: an empty tuple of a default is an empty list
    msgspec.json.encode(
        msgspec.json.schema_components([FormSnapshot, LicenceReport], ref_template="#/components/schemas/{name}")
    )
)


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    """The snapshot as the request body, for OpenAPI."""
    return {
        NEVER: [404, 409, 429],
        TAKES_KEY: False,
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
    }


def create_app(settings: PdfSettings, pool: RenderPool) -> FastAPI:
    """Every route but the health ones needs the service token."""
    app = FastAPI(title="rucor pdf", version="1", docs_url=None, redoc_url=None)
    app.add_middleware(BodyLimit, limit_bytes=BODY_BYTES_MAX)
    router = APIRouter(prefix="/v1", dependencies=[Depends(require_internal(settings.internal_token))])

    @router.post("/forms", response_class=Response, responses=PDF, openapi_extra=_body(_FORM))
    async def forms(request: Request) -> Response:
        """The RUCOR form of a lodged claim."""
        try:
            out = await pool.form(_decoded(await request.body(), FormSnapshot))
        except FormError as error:
            raise Problem(422, "form_does_not_fit", "The claim does not fit the form", str(error)) from error
        except TooBusy as error:
            raise unavailable(str(error)) from error
        return Response(out, media_type="application/pdf")

    @router.post("/reports", response_class=Response, responses=PDF, openapi_extra=_body(_REPORT))
    async def reports(request: Request) -> Response:
        """The report of one licence."""
        try:
            out = await pool.report(_decoded(await request.body(), LicenceReport))
        except TooBusy as error:
            raise unavailable(str(error)) from error
        return Response(out, media_type="application/pdf")

    app.include_router(router)
    conventions.install(app, schemas=_SCHEMAS)
    return app
