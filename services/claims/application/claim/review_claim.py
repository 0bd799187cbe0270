"""Hold a lodged claim against today's statements: what it claimed too much becomes a disclosure task (rule CL7)."""

import asyncio
from uuid import UUID

from services.claims.application.refusals import not_found
from services.claims.application.statement.facts import Facts, assess, load_facts
from services.claims.application.webhooks.tell import tell
from services.claims.domain.claim.claim_life import letter, over_claim
from services.claims.domain.instants import from_ms
from services.claims.domain.policy import Policy
from services.claims.repo import claim_life, claims, licences
from services.claims.repo.claim_life import DisclosureRow
from services.claims.repo.claims import LineRow
from shared.clock import new_id
from shared.db.pool import Connection, Pool, tenant_tx


async def review_claim(
    pool: Pool, tenant: UUID, claim_id: UUID, policy: Policy, now_ms: int, *, only_settled: bool = False
) -> int:
    """Compare, and add what is new; returns how many lines claim too much.  The lodged numbers never change.

    `only_settled`: a claim whose days may still change by themselves is left alone.  Raises Problem 404."""
    async with tenant_tx(pool, tenant) as conn:
        row = await claims.claim(conn, tenant, claim_id)
        if row is None:
            raise not_found("claim", claim_id)
        if row.state == "withdrawn":
            return 0
        lines = {line.licence_id: line for line in await claims.lines(conn, tenant, claim_id)}
        facts = await load_facts(conn, tenant, list(lines), policy, now_ms)
    if only_settled and not _is_settled(facts):
        return 0
    found = await asyncio.to_thread(_over_claims, row.number, claim_id, lines, facts, policy, now_ms)
    async with tenant_tx(pool, tenant) as conn:
        await _store(conn, tenant, found)
    return len(found)


async def review_vehicle(conn: Connection, tenant: UUID, vehicle_id: UUID, policy: Policy, now_ms: int) -> None:
    """Likewise for whatever was lodged for a vehicle, in the transaction that changes what the claims stand on: a kilometre
    that a later claim may count now is disclosed by the one that counted it before."""
    # whoever lodges one of them at the same time waits, and reads what was changed
    await licences.lock_licences(
        conn, tenant, [p.id for p in await licences.licences_of_vehicle(conn, tenant, vehicle_id)]
    )
    of_claim: dict[UUID, set[UUID]] = {}
    for claim_id, licence_id in await claims.lines_of_vehicle(conn, tenant, vehicle_id, from_ms(now_ms)):
        of_claim.setdefault(claim_id, set()).add(licence_id)
    for claim_id, licence_ids in of_claim.items():
        row = await claims.claim(conn, tenant, claim_id)
        if row is None:
            raise not_found("claim", claim_id)
        all_lines = await claims.lines(conn, tenant, claim_id)
        lines = {line.licence_id: line for line in all_lines if line.licence_id in licence_ids}
        facts = await load_facts(conn, tenant, sorted(lines), policy, now_ms)
        found = await asyncio.to_thread(_over_claims, row.number, claim_id, lines, facts, policy, now_ms)
        await _store(conn, tenant, found)


def _is_settled(facts: Facts) -> bool:
    """No hold is open, and no revision waits for its segments (design section 2)."""
    return not facts.holds and all(one.day.settled for days in facts.days.values() for one in days)


def _over_claims(
    number: str, claim_id: UUID, lines: dict[UUID, LineRow], facts: Facts, policy: Policy, now_ms: int
) -> list[tuple[DisclosureRow, bytes]]:
    """With the statement's hash, so that the same finding is told once."""
    rows: list[tuple[DisclosureRow, bytes]] = []
    for item in assess(facts, policy):
        line = lines[item.row.id]
        cents, units = (item.rate.cents, item.rate.units) if item.rate is not None else (0, 0)
        much = over_claim(line.distance_km, item.statement.claimable_km, cents, units)
        if much is None:
            continue
        row = DisclosureRow(
            id=new_id(),
            claim_id=claim_id,
            licence_id=item.row.id,
            claimed_km=much.claimed_km,
            now_km=much.now_km,
            cents=much.cents,
            letter=letter(number, line.number, line.plate, much),
            found_at=from_ms(now_ms),
        )
        rows.append((row, bytes.fromhex(item.statement.hash)))
    return rows


async def _store(conn: Connection, tenant: UUID, found: list[tuple[DisclosureRow, bytes]]) -> None:
    for row, statement_hash in found:
        if await claim_life.insert_disclosure(conn, tenant, row, statement_hash):
            ids = {"disclosure_id": row.id, "claim_id": row.claim_id, "licence_id": row.licence_id}
            await tell(conn, tenant, "disclosure.opened", **ids)
