"""Files that prove something: kept sealed, as they came (rules VE3, LI8, CL6, OT2)."""

import asyncio
from hashlib import sha256
from typing import Final
from uuid import UUID

from services.claims.application.refusals import invalid, not_found
from services.claims.application.sealing import Sealer, place
from services.claims.repo import claim_life
from services.claims.repo.claim_life import AttachmentRow
from shared.clock import new_id
from shared.db.pool import Connection, Pool, tenant_tx
from shared.errors import Fatal
from shared.http.problems import Problem

SIGNATURES: Final = {
    "application/pdf": (0, b"%PDF-"),
    "image/png": (0, b"\x89PNG\r\n\x1a\n"),
    "image/jpeg": (0, b"\xff\xd8\xff"),
    "image/heic": (4, b"ftypheic"),
}
"""Media type → where in the file what stands: the file itself is asked, not the sender."""
PLACE: Final = "attachment"


def media_type_of(content: bytes) -> str:
    """Raises Problem 415 for anything but a PDF or picture."""
    for name, (at, mark) in SIGNATURES.items():
        if content[at : at + len(mark)] == mark:
            return name
    raise Problem(
        415, "media_type_unsupported", "This kind of file is not kept",
        f"Send one of {', '.join(SIGNATURES)} as the body itself (curl --data-binary @FILE), not as a form: "
        "the file's own bytes are looked at, not its name.",
    )  # fmt: skip


async def sealed_row(tenant: UUID, sealer: Sealer, name: str, actor: str, content: bytes) -> AttachmentRow:
    """What is kept of a file.  Raises Problem 415."""
    media_type = media_type_of(content)
    attachment_id = new_id()
    sealed = await asyncio.to_thread(sealer.seal, content, place(tenant, PLACE, attachment_id))
    return AttachmentRow(
        id=attachment_id, name=name, media_type=media_type, size=len(content), sha256=sha256(content).digest(),
        sealed=sealed, actor=actor,
    )  # fmt: skip


async def check_attachment(conn: Connection, tenant: UUID, attachment_id: UUID) -> None:
    """Raises Problem 422 where there is none of that id."""
    if not await claim_life.has_attachment(conn, tenant, attachment_id):
        raise invalid(
            "/attachment_id",
            f"there is no attachment {attachment_id}: send the file to /v1/attachments first",
            "unknown_id",
        )


async def read_attachment(pool: Pool, tenant: UUID, sealer: Sealer, attachment_id: UUID) -> tuple[AttachmentRow, bytes]:
    """The row and the file's exact bytes.  Raises Problem 404."""
    async with tenant_tx(pool, tenant) as conn:
        row = await claim_life.attachment(conn, tenant, attachment_id)
    if row is None:
        raise not_found("attachment", attachment_id)
    if row.purged_at is not None:
        raise Problem(
            410, "purged", "This file is not kept any longer",
            "Nothing held it any more (rule RE1). Its name, size and hash remain.", sha256=row.sha256.hex(),
        )  # fmt: skip
    content = await asyncio.to_thread(sealer.open, row.sealed, place(tenant, PLACE, attachment_id))
    if sha256(content).digest() != row.sha256:
        raise Fatal(f"attachment {attachment_id} is not what was stored")
    return row, content
