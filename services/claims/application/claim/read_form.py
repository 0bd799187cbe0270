"""The exact bytes of a rendered form (rules FO3, CL5, CL6)."""

import asyncio
from hashlib import sha256
from uuid import UUID

from services.claims.application.refusals import not_found, purged
from services.claims.application.sealing import Sealer, place
from services.claims.repo import claims, documents
from shared.db.pool import Pool, tenant_tx
from shared.errors import Fatal
from shared.http.problems import Problem


async def read_form(
    pool: Pool, tenant: UUID, claim_id: UUID, sealer: Sealer, *, voided: bool, edition: int | None
) -> bytes:
    """Of the latest edition, or of the one asked for (1: as lodged).  Raises Problem 404, 410 `form_void` for a withdrawn
    claim's unless `voided`, 410 `purged`, 503 `not_rendered_yet`."""
    async with tenant_tx(pool, tenant) as conn:
        claim = await claims.claim(conn, tenant, claim_id)
        if claim is None:
            raise not_found("claim", claim_id)
        if claim.state == "withdrawn" and not voided:
            raise Problem(
                410, "form_void", "This form is void",
                f"Claim {claim.number} was withdrawn: never send its form. Ask with `voided=true` to see it.",
            )  # fmt: skip
        head = await documents.head(conn, tenant, claim_id, "form")
        latest = head.edition if head else 1
        if edition is not None and edition > latest:
            raise Problem(
                404, "not_found", "There is no such edition", f"The form of {claim.number} has {latest} editions."
            )
        row = await documents.document(conn, tenant, claim_id, "form", edition or latest)
        if row is None and await documents.snapshot(conn, tenant, claim_id, "form", claim_id) is None:
            raise purged("form")
    if row is None:
        raise Problem(
            503, "not_rendered_yet", "The form is not rendered yet",
            "The claim is lodged. Its form is being made: ask again.", retry_after_s=1,
        )  # fmt: skip
    pdf = await asyncio.to_thread(sealer.open, row.sealed, place(tenant, "document-form", claim_id))
    if sha256(pdf).digest() != row.sha256:
        raise Fatal(f"the form of claim {claim_id} is not what was rendered")
    return pdf
