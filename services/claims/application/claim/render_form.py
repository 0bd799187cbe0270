"""Render the form of a lodged claim from its frozen snapshot and keep the exact bytes (rules CL4, FO3).  A failed render never
touches the claim: the job comes due again, for ever."""

import asyncio
from datetime import timedelta
from hashlib import sha256
from typing import Final

from services.claims.application.claim.frozen import opened
from services.claims.application.peers import Pdf, PeerRefused, PeerUnavailable
from services.claims.application.sealing import Sealer, place
from services.claims.application.webhooks.tell import tell
from services.claims.repo import documents
from services.claims.repo.documents import DocumentRow, Job
from shared.db.pool import Pool, tx
from shared.errors import Poison
from shared.observability.logging import get_logger

LEASE: Final = timedelta(seconds=60)
"""Longer than the client's own limit for one form, so that two workers do not do the same work."""
FIRST_DELAY: Final = timedelta(seconds=1)
DELAY_MAX: Final = timedelta(minutes=5)
REFUSED_DELAY: Final = timedelta(hours=6)
"""A form that cannot be printed waits for a newer renderer, or for its correction (rule CL6); nobody is asked meanwhile."""
_DOUBLINGS_MAX: Final = 10

log = get_logger(__name__)


def delay_after(attempts: int) -> timedelta:
    """1 s, 2 s, 4 s … 5 min."""
    return min(FIRST_DELAY * (1 << min(max(attempts - 1, 0), _DOUBLINGS_MAX)), DELAY_MAX)


async def render_next(pool: Pool, pdf: Pdf, sealer: Sealer) -> bool:
    """Take one due job and do it; False where none is due.  `pool` is the worker's: jobs are of any tenant."""
    async with tx(pool) as conn:
        job = await documents.take_job(conn, LEASE)
        if job is None:
            return False
        row = await documents.snapshot(conn, job.tenant_id, job.claim_id, "form", job.claim_id, job.edition)
    if row is None:
        raise Poison("no_snapshot", f"claim {job.claim_id} was lodged without one")
    snapshot = opened(sealer, job.tenant_id, "form", job.claim_id, row)
    try:
        pdf_bytes = await pdf.form(snapshot)
    except PeerUnavailable as error:
        await _delay(pool, job, error)
        return True
    sealed = await asyncio.to_thread(sealer.seal, pdf_bytes, place(job.tenant_id, "document-form", job.claim_id))
    async with tx(pool) as conn:
        row_of_pdf = DocumentRow(sealed, sha256(pdf_bytes).digest(), len(pdf_bytes))
        if await documents.finish_job(conn, job, row_of_pdf):
            await tell(conn, job.tenant_id, "form.ready", claim_id=job.claim_id, edition=job.edition)
    log.info(
        "form rendered", claim_id=str(job.claim_id), edition=job.edition, attempts=job.attempts, size=len(pdf_bytes)
    )
    return True


async def _delay(pool: Pool, job: Job, error: PeerUnavailable) -> None:
    refused = isinstance(error, PeerRefused)
    delay = REFUSED_DELAY if refused else delay_after(job.attempts)
    log.warning(
        "form not rendered", claim_id=str(job.claim_id), attempts=job.attempts, refused=refused, error=str(error)
    )
    async with tx(pool) as conn:
        await documents.delay_job(conn, job, delay, str(error), refused=refused)
