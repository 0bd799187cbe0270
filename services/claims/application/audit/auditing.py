"""What an auditor reads of a case: frozen papers and the revisions that a line stands on (rule PA4)."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from services.claims.application.audit.audit_links import Auditor, check_scope, checked
from services.claims.application.claim.frozen import report_of, sealed_claim
from services.claims.application.claim.make_report import draw
from services.claims.application.claim.read_form import read_form
from services.claims.application.claim.tables import Claimed
from services.claims.application.peers import Tracks
from services.claims.application.refusals import purged
from services.claims.application.sealing import Sealer
from services.claims.application.statement.assess import assess
from services.claims.application.statement.facts import load_facts
from services.claims.domain.policy import Policy
from services.claims.repo import audit_links, claims, documents
from services.claims.repo.audit_links import LodgedDay
from shared.contracts.claim import LicenceReport, Track
from shared.db.pool import Pool, tenant_tx
from shared.http.problems import Problem
from shared.nz_days import from_ordinal


@dataclass(frozen=True)
class Lodged:
    """A licence of the case as it was lodged."""

    claim_id: UUID
    licence_id: UUID
    report: LicenceReport
    windows: Mapping[str, tuple[int, int]]
    """Devices and NZ days that its line stands on."""


async def case_claim(pool: Pool, who: Auditor, claim_id: UUID, sealer: Sealer) -> Claimed:
    """The claim with the case's licences only.  Raises Problem 404, 410."""
    async with tenant_tx(pool, who.tenant_id) as conn:
        covered = await check_scope(conn, who, claim_id)
        sealed = await sealed_claim(conn, who.tenant_id, claim_id, covered)
    return await asyncio.to_thread(sealed.open, sealer, who.tenant_id)


async def form_of_case(pool: Pool, who: Auditor, claim_id: UUID, sealer: Sealer) -> bytes:
    """Raises Problem 404, also where the form has lines that the case does not cover; 410, 503."""
    async with tenant_tx(pool, who.tenant_id) as conn:
        covered = await check_scope(conn, who, claim_id)
        whole = {line.licence_id for line in await claims.lines(conn, who.tenant_id, claim_id)}
    if covered != whole:
        raise Problem(
            404, "not_found", "The form is not part of this case",
            "The case covers some licences of that form only: read their statements, reports and the export instead.",
        )  # fmt: skip
    return await read_form(pool, who.tenant_id, claim_id, sealer, voided=True, edition=None)


async def lodged_licence(pool: Pool, who: Auditor, claim_id: UUID, licence_id: UUID, sealer: Sealer) -> Lodged:
    """Raises Problem 404, 410."""
    async with tenant_tx(pool, who.tenant_id) as conn:
        await check_scope(conn, who, claim_id, licence_id)
        frozen = await documents.snapshot(conn, who.tenant_id, claim_id, "report", licence_id)
        windows = await audit_links.lodged_windows(conn, who.tenant_id, claim_id, licence_id)
    if frozen is None:
        raise purged("report")
    return Lodged(claim_id, licence_id, report_of(sealer, who.tenant_id, licence_id, frozen), windows)


async def draw_lodged(
    pool: Pool, who: Auditor, found: Lodged, policy: Policy, tracks: Tracks, now_ms: int
) -> tuple[tuple[Track, ...], tuple[Track, ...]]:
    """Tracks of the line's devices and days, cut at the licence's own boundaries.  Raises PeerUnavailable."""
    async with tenant_tx(pool, who.tenant_id) as conn:
        facts = await load_facts(conn, who.tenant_id, [found.licence_id], policy, now_ms)
    (item,) = await asyncio.to_thread(assess, facts, policy)
    return await draw(who.tenant_id, item.statement, tracks, found.windows)


async def explain_day(pool: Pool, who: Auditor, claim_id: UUID, licence_id: UUID, day: int) -> list[LodgedDay]:
    """The revisions of one NZ day that the line stands on.  Raises Problem 404, 410 `purged`."""
    async with tenant_tx(pool, who.tenant_id) as conn:
        await check_scope(conn, who, claim_id, licence_id)
        found = await audit_links.lodged_days(conn, who.tenant_id, claim_id, licence_id, day)
    if not found:
        on = from_ordinal(day)
        raise Problem(
            404, "not_found", "The claim stands on no such day", f"Nothing of {on} counts: see `from_on` and `to_on`."
        )
    return [checked(one) for one in found]
