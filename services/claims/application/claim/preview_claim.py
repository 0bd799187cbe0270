"""Preview a claim over exact licences (rule CL3): what it would hold, and a token that lodges this and nothing else."""

import asyncio
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from services.claims.application.claim.claim_request import ClaimRequest, Preview
from services.claims.application.claim.draft_claim import Drafted, draft_claim, reason_code_of
from services.claims.application.refusals import invalid, not_found
from services.claims.application.sealing import Hasher, Sealer
from services.claims.application.statement.assess import Assessed, assess, judge
from services.claims.application.statement.expected import Earlier, load_earlier, with_expected
from services.claims.application.statement.facts import Facts, load_facts
from services.claims.domain.instants import from_ms
from services.claims.domain.policy import Policy
from services.claims.repo import claims, ledger, parties
from services.claims.repo.claims import PreviewRow
from services.claims.repo.parties import ClaimantRow
from shared.clock import new_id
from shared.db.pool import Connection, Pool, tenant_tx
from shared.errors import Retryable

PREVIEW_LASTS: Final = timedelta(hours=24)
ATTEMPTS_MAX: Final = 5


class LedgerMoved(Retryable):
    """A revision that was read has been replaced since: read again."""


async def draft_from_ledger(
    pool: Pool, tenant: UUID, request: ClaimRequest, policy: Policy, sealer: Sealer, hasher: Hasher, now_ms: int
) -> tuple[Facts, Drafted]:
    """Read, then compute outside any transaction.  Raises Problem 422 for a licence or claimant that is not there."""
    async with tenant_tx(pool, tenant) as conn:
        claimant = await parties.claimant(conn, tenant, request.claimant_id)
        if claimant is None:
            raise invalid("/claimant_id", f"there is no claimant {request.claimant_id}", "unknown_id")
        facts = await load_facts(conn, tenant, request.licence_ids, policy, now_ms)
        codes = {bound.row.id: reason_code_of(bound.row.id, claimant, request) for bound in facts.bound}
        earlier = await load_earlier(conn, tenant, facts, policy, now_ms, codes)
    missing = set(request.licence_ids) - set(facts.register.asked)
    if missing:
        raise invalid("/licence_ids", f"there is no licence {min(missing)}", "unknown_id")
    return facts, await asyncio.to_thread(_compute, facts, earlier, claimant, request, policy, sealer, hasher)


def _compute(
    facts: Facts, earlier: Earlier, claimant: ClaimantRow, request: ClaimRequest, policy: Policy, sealer: Sealer,
    hasher: Hasher,
) -> Drafted:  # fmt: skip
    assessed = with_expected(facts, assess(facts, policy, request.claimant_id), earlier, policy)
    return draft_claim(facts, assessed, claimant, facts.register.waivers, request, policy, sealer, hasher)


def stands_on(assessed: list[Assessed]) -> list[tuple[str, int, int]]:
    """(device, day, rev) of every revision that the statements stand on."""
    return sorted({(s.device, s.day, s.rev) for item in assessed for s in item.statement.stands_on})


async def store_preview(conn: Connection, tenant: UUID, drafted: Drafted, now_ms: int) -> Preview:
    """Name the revisions, so that replacing one keeps it, and store what was shown.  Raises LedgerMoved."""
    if not await ledger.name_days(conn, tenant, stands_on(drafted.assessed)):
        raise LedgerMoved("the ledger moved while the preview was made")
    now = from_ms(now_ms)
    preview = Preview(id=new_id(), expires_at=now + PREVIEW_LASTS, body=drafted.body)
    row = PreviewRow(
        id=preview.id,
        claimant_id=drafted.body.request.claimant_id,
        body=msgspec.json.encode(drafted.body),
        created_at=now,
        expires_at=preview.expires_at,
    )
    await claims.insert_preview(conn, tenant, row)
    return preview


async def licences_for(
    conn: Connection, tenant: UUID, claimant_id: UUID, state: str, vehicle_id: UUID | None, policy: Policy, now_ms: int
) -> tuple[tuple[UUID, ...], tuple[str, ...]]:
    """Every licence of the claimant in that state, not a page of them (rule CL3); and of which nobody can say it, in words."""
    if await parties.claimant(conn, tenant, claimant_id) is None:
        raise not_found("claimant", claimant_id)
    ids = await claims.licence_ids(conn, tenant, claimant_id, vehicle_id)
    facts = await load_facts(conn, tenant, ids, policy, now_ms)
    judged = await asyncio.to_thread(judge, facts, policy, claimant_id)
    chosen = tuple(item.row.id for item in judged.items if item.assessment.state == state)
    return chosen, tuple(item.words for item in judged.broken if item.mark is None)
