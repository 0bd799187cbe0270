"""What was frozen when a claim was lodged, opened again and held against its hash (rules CL4, FO3)."""

from hashlib import sha256
from uuid import UUID

import msgspec

from services.claims.application.claim.tables import Claimed
from services.claims.application.refusals import not_found, purged
from services.claims.application.sealing import Sealer, place
from services.claims.repo import claims, documents
from services.claims.repo.claims import ClaimRow, LineRow
from services.claims.repo.documents import SnapshotRow
from shared.contracts.claim import FormSnapshot, LicenceReport
from shared.db.pool import Connection
from shared.errors import Poison


def opened(sealer: Sealer, tenant: UUID, kind: str, subject: UUID, row: SnapshotRow) -> bytes:
    """The exact JSON that was frozen.  Raises Poison for anything else."""
    plain = sealer.open(row.sealed, place(tenant, f"snapshot-{kind}", subject))
    if sha256(plain).digest() != row.sha256:
        raise Poison("not_as_frozen", f"the {kind} snapshot of {subject}")
    return plain


def report_of(sealer: Sealer, tenant: UUID, licence_id: UUID, row: SnapshotRow) -> LicenceReport:
    return msgspec.json.decode(opened(sealer, tenant, "report", licence_id, row), type=LicenceReport)


class Sealed:
    """A claim with its frozen parts, not opened yet: opening is work, and needs no transaction."""

    def __init__(self, claim: ClaimRow, lines: list[LineRow], form: SnapshotRow, reports: list[SnapshotRow]) -> None:
        self._claim, self._lines, self._form, self._reports = claim, lines, form, reports

    def open(self, sealer: Sealer, tenant: UUID) -> Claimed:
        """Raises Poison where something is not what was frozen."""
        form = msgspec.json.decode(opened(sealer, tenant, "form", self._claim.id, self._form), type=FormSnapshot)
        pairs = zip(self._lines, self._reports, strict=True)
        lines = [(line, report_of(sealer, tenant, line.licence_id, row)) for line, row in pairs]
        order = {one.licence_id: at for at, one in enumerate(form.lines)}
        lines.sort(key=lambda one: order[str(one[0].licence_id)])
        return Claimed(self._claim, form, tuple(lines))


async def sealed_claim(conn: Connection, tenant: UUID, claim_id: UUID, only: frozenset[UUID] | None = None) -> Sealed:
    """`only`: these licences of it.  Raises Problem 404, 410 `purged`."""
    claim = await claims.claim(conn, tenant, claim_id)
    if claim is None:
        raise not_found("claim", claim_id)
    lines = [line for line in await claims.lines(conn, tenant, claim_id) if only is None or line.licence_id in only]
    form = await documents.snapshot(conn, tenant, claim_id, "form", claim_id)
    reports = [await documents.snapshot(conn, tenant, claim_id, "report", line.licence_id) for line in lines]
    whole = [row for row in reports if row is not None]
    if form is None or len(whole) < len(lines):
        raise purged("papers")
    return Sealed(claim, lines, form, whole)
