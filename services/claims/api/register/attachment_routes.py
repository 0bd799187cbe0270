"""Attachments: a signed form, a photo of a recorder, bank evidence."""

from typing import Annotated, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.claims.api.actors import ActorName, actor_of
from services.claims.api.claim.life_schemas import AttachmentAnswer
from services.claims.api.context import Ctx, Reader, Writer, command
from services.claims.api.fields import GivenText
from services.claims.application.register.attach import SIGNATURES, read_attachment, sealed_row
from services.claims.repo import claim_life
from shared.db.pool import Connection
from shared.http.problem_schemas import GONE

PATH: Final = "/attachments"
ATTACHMENT_BYTES_MAX: Final = 10_000_000
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}

router = APIRouter(tags=["attachments"])


@router.post(
    PATH,
    status_code=201,
    response_model=AttachmentAnswer,
    openapi_extra={"requestBody": {"required": True, "content": dict.fromkeys(SIGNATURES, _BINARY)}},
)
async def post_attachment(
    request: Request,
    who: Writer,
    context: Ctx,
    name: Annotated[GivenText, Query()],
    actor: Annotated[ActorName | None, Query()] = None,
) -> Response:
    """The file itself is the body, at most 10 MB: a PDF or a picture."""
    row = await sealed_row(who.tenant_id, context.sealer, name, actor_of(who, actor), await request.body())

    async def effect(conn: Connection) -> AttachmentAnswer:
        await claim_life.insert_attachment(conn, who.tenant_id, row)
        return AttachmentAnswer(
            id=row.id, name=row.name, media_type=row.media_type, size=row.size, sha256=row.sha256.hex()
        )

    return await command(request, context, who.tenant_id, 201, effect)


@router.get(
    PATH + "/{attachment_id}",
    response_class=Response,
    responses={200: {"content": dict.fromkeys(SIGNATURES, _BINARY)}, **GONE},
)
async def get_attachment(who: Reader, context: Ctx, attachment_id: UUID) -> Response:
    row, content = await read_attachment(context.pool, who.tenant_id, context.sealer, attachment_id)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(row.name)}",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type=row.media_type, headers=headers)
