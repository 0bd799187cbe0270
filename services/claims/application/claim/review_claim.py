"""Hold a lodged claim against today's statements: what it claimed too much becomes a disclosure task (rule CL7)."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from services.claims.application.refusals import not_found
from services.claims.application.statement.facts import Facts, assess, load_facts
from services.claims.application.webhooks.tell import tell
from services.claims.domain.claim.claim_life import letter, over_claim
from services.claims.domain.instants import from_ms
from services.claims.domain.policy import Policy
from services.claims.repo import claim_life, claims
from services.claims.repo.claim_life import DisclosureRow
from services.claims.repo.reviews import LodgedLine
from shared.clock import new_id
from shared.db.pool import Connection, Pool, tenant_tx

Finding = tuple[DisclosureRow, bytes]
"""With the statement's hash, so that the same finding is told once."""


async def review_claim(
    pool: Pool, tenant: UUID, claim_id: UUID, policy: Policy, now_ms: int, *, only_settled: bool = False
) -> int:
    """Compare, and add what is new; returns how many lines claim too much.  The lodged numbers never change.

    `only_settled`: a claim whose days may still change by themselves is left alone.  Raises Problem 404."""
    found = await compare(pool, tenant, claim_id, policy, now_ms, only_settled=only_settled)
    if found:
        async with tenant_tx(pool, tenant) as conn:
            await store(conn, tenant, found)
    return len(found)


async def compare(
    pool: Pool, tenant: UUID, claim_id: UUID, policy: Policy, now_ms: int, *, only_settled: bool = False
) -> list[Finding]:
    """What of a claim is too much today, for `store`.  Raises Problem 404."""
    async with tenant_tx(pool, tenant) as conn:
        row = await claims.claim(conn, tenant, claim_id)
        if row is None:
            raise not_found("claim", claim_id)
        if row.state == "withdrawn":
            return []
        lines = [
            LodgedLine(claim_id, row.number, line.licence_id, line.number, line.plate, line.distance_km)
            for line in await claims.lines(conn, tenant, claim_id)
        ]
        facts = await load_facts(conn, tenant, [line.licence_id for line in lines], policy, now_ms)
    if only_settled and not _is_settled(facts):
        return []
    return await asyncio.to_thread(over_claims, lines, facts, policy, now_ms)


def _is_settled(facts: Facts) -> bool:
    """No hold is open, and no revision waits for its segments (design section 2)."""
    return not facts.holds and all(one.day.settled for days in facts.days.values() for one in days)


def over_claims(lines: Sequence[LodgedLine], facts: Facts, policy: Policy, now_ms: int) -> list[Finding]:
    """Pure.  Of each line whose licence the facts speak of: where it says more than its statement does."""
    assessed = {item.row.id: item for item in assess(facts, policy)}
    rows: list[Finding] = []
    for line in lines:
        item = assessed[line.licence_id]
        cents, units = (item.rate.cents, item.rate.units) if item.rate is not None else (0, 0)
        much = over_claim(line.distance_km, item.statement.claimable_km, cents, units)
        if much is None:
            continue
        row = DisclosureRow(
            id=new_id(),
            claim_id=line.claim_id,
            licence_id=line.licence_id,
            claimed_km=much.claimed_km,
            now_km=much.now_km,
            cents=much.cents,
            letter=letter(line.claim_number, line.number, line.plate, much),
            found_at=from_ms(now_ms),
        )
        rows.append((row, bytes.fromhex(item.statement.hash)))
    return rows


async def store(conn: Connection, tenant: UUID, found: Sequence[Finding]) -> None:
    for row, statement_hash in found:
        if await claim_life.insert_disclosure(conn, tenant, row, statement_hash):
            ids = {"disclosure_id": row.id, "claim_id": row.claim_id, "licence_id": row.licence_id}
            await tell(conn, tenant, "disclosure.opened", **ids)
