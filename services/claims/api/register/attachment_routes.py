"""Attachments: a signed form, a photo of a recorder, bank evidence."""

from typing import Annotated, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.claims.api.actors import ActorName, actor_of
from services.claims.api.claim.life_schemas import AttachmentAnswer
from services.claims.api.context import Ctx, Reader, Writer
from services.claims.api.fields import GivenText
from services.claims.application.register.attach import SIGNATURES, attach, read_attachment
from shared.http.openapi.document import TAKES_KEY

PATH: Final = "/attachments"
ATTACHMENT_BYTES_MAX: Final = 10_000_000
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}

router = APIRouter(tags=["attachments"])


@router.post(
    PATH,
    status_code=201,
    openapi_extra={TAKES_KEY: False, "requestBody": {"required": True, "content": dict.fromkeys(SIGNATURES, _BINARY)}},
)
async def post_attachment(
    request: Request,
    who: Writer,
    context: Ctx,
    name: Annotated[GivenText, Query()],
    actor: Annotated[ActorName | None, Query()] = None,
) -> AttachmentAnswer:
    """The file itself is the body, at most 10 MB: a PDF or a picture."""
    row = await attach(context.pool, who.tenant_id, context.sealer, name, actor_of(who, actor), await request.body())
    return AttachmentAnswer(id=row.id, name=row.name, media_type=row.media_type, size=row.size, sha256=row.sha256.hex())


@router.get(
    PATH + "/{attachment_id}",
    response_class=Response,
    responses={200: {"content": dict.fromkeys(SIGNATURES, _BINARY)}},
)
async def get_attachment(who: Reader, context: Ctx, attachment_id: UUID) -> Response:
    row, content = await read_attachment(context.pool, who.tenant_id, context.sealer, attachment_id)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(row.name)}",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type=row.media_type, headers=headers)
