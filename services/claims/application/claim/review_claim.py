"""Hold a lodged claim against today's statements: what it would not be given today, in kilometres, money or at all, becomes a
disclosure task (rule CL7)."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from services.claims.application.refusals import not_found
from services.claims.application.statement.assess import Broken, judge
from services.claims.application.statement.facts import Facts, load_facts
from services.claims.application.webhooks.tell import tell
from services.claims.domain.claim.disclosure import (
    Closed,
    Ground,
    OverClaim,
    Settled,
    Shown,
    grounds_against,
    letter,
    over_claim,
    settled_by,
)
from services.claims.domain.claim.line_life import LineAccount
from services.claims.domain.claim.second_application import before_it, left_km
from services.claims.domain.instants import from_ms, nz_date
from services.claims.domain.policy import Policy
from services.claims.repo import claim_life, claims, licences, reviews
from services.claims.repo.claim_life import DisclosureRow
from services.claims.repo.reviews import LodgedLine
from shared.clock import new_id
from shared.db.pool import Connection, Pool, last_longer, tenant_tx
from shared.observability.logging import get_logger
from shared.observability.metrics import LOOP_FAILURES

LOOP: Final = "review"
NOT_REVIEWED: Final = "a vehicle was not reviewed"
LATE: Final = timedelta(minutes=10)
"""An import takes less; one that died is followed up then."""
BY_A_PERSON: Final = frozenset({"repaid", "set_off", "nothing_owed"})
"""Closed so, the kilometres are settled: nobody is told of them again."""
WHOLE_MS_MAX: Final = 20_000
"""A change and its reviews are one transaction: a truck that tows ten trailers may have some hundred lodged licences."""

log = get_logger(__name__)


@dataclass(frozen=True)
class Held:
    """A lodged line against what its statement says now."""

    line: LodgedLine
    account: LineAccount
    shown: Shown
    statement_hash: bytes


class Found(NamedTuple):
    held: Sequence[Held]
    broken: Sequence[Broken]
    """Licences that nothing can be held against: their claims say so until that is mended, and are reviewed then."""


@dataclass(frozen=True)
class Compared:
    """A claim's lines, and what they were held against."""

    lines: Sequence[LodgedLine]
    facts: Facts
    found: Found


class Reviewed(NamedTuple):
    owing: int
    """Lines that owe something."""
    broken: Sequence[Broken]
    """Licences whose lines were held against nothing."""


NOTHING: Final = Reviewed(0, ())


async def review_claim(
    pool: Pool, tenant: UUID, claim_id: UUID, policy: Policy, now_ms: int, *, only_settled: bool = False
) -> Reviewed:
    """Compare, and tell what is new.  The lodged numbers never change.

    `only_settled`: a claim whose days may still change by themselves is left alone.  Raises Problem 404."""
    compared = await compare(pool, tenant, claim_id, policy, now_ms)
    if compared is None or (only_settled and not _is_settled(compared.facts)):
        return NOTHING
    async with tenant_tx(pool, tenant) as conn:
        return await store_compared(conn, tenant, compared, policy, now_ms)


async def compare(pool: Pool, tenant: UUID, claim_id: UUID, policy: Policy, now_ms: int) -> Compared | None:
    """Every line of a claim against today's statements, outside any transaction; None where it was withdrawn.  Raises Problem
    404."""
    async with tenant_tx(pool, tenant) as conn:
        row = await claims.claim(conn, tenant, claim_id)
        if row is None:
            raise not_found("claim", claim_id)
        if row.state == "withdrawn":
            return None
        lines = [
            LodgedLine(
                claim_id, row.number, line.licence_id, line.number, line.plate, line.distance_km, line.estimate_cents
            )
            for line in await claims.lines(conn, tenant, claim_id)
        ]
        facts = await load_facts(conn, tenant, [line.licence_id for line in lines], policy, now_ms)
    return Compared(lines, facts, await asyncio.to_thread(hold_against, lines, facts, policy))


async def store_compared(conn: Connection, tenant: UUID, compared: Compared, policy: Policy, now_ms: int) -> Reviewed:
    """As `store`.  A change that was made meanwhile had its own review: under the locks that it took, what was compared before
    it is compared again, or it would be told as what is now."""
    ids = sorted({line.licence_id for line in compared.lines})
    await last_longer(conn, WHOLE_MS_MAX)
    await licences.lock_licences(conn, tenant, ids)
    facts, found = await load_facts(conn, tenant, ids, policy, now_ms), compared.found
    if replace(facts, progress={}) != replace(compared.facts, progress={}):
        found = await asyncio.to_thread(hold_against, compared.lines, facts, policy)
    return await store(conn, tenant, found, now_ms)


def _is_settled(facts: Facts) -> bool:
    """No hold is open, and no revision waits for its segments (design section 2)."""
    return not facts.holds and all(one.day.settled for days in facts.days.values() for one in days)


def hold_against(lines: Sequence[LodgedLine], facts: Facts, policy: Policy) -> Found:
    """Each line whose licence the facts speak of, and whose claim was not withdrawn meanwhile."""
    judged = judge(facts, policy)
    assessed = {item.row.id: item for item in judged.items}
    found = []
    for line in lines:
        item = assessed.get(line.licence_id)
        if item is None:
            continue
        own = next((one for one in item.earlier if one.claim_id == line.claim_id), None)
        if own is not None:
            exempt = item.record.vehicle.exempt  # such a vehicle buys no licence: nothing was to be claimed (rule VE5)
            shows_km = 0 if exempt else item.statement.claimable_km
            now_km = left_km(shows_km, before_it(item.earlier, line.claim_id))
            shown = Shown(km=now_km, rate=item.rate, grounds=grounds_against(item.assessment.findings))
            found.append(Held(line, own.account, shown, bytes.fromhex(item.statement.hash)))
    return Found(found, judged.broken)


async def close_disclosure(
    conn: Connection, tenant: UUID, disclosure_id: UUID, on: date, how: str, cents: int, reference: str, actor: str
) -> UUID | None:
    """By a person or by a review; the claim that it is of, None where there is no open one with this id."""
    found = await claim_life.close_disclosure(conn, tenant, disclosure_id, on, how, cents, reference, actor)
    if found is None:
        return None
    claim_id, licence_id = found
    ids = {"disclosure_id": disclosure_id, "claim_id": claim_id, "licence_id": licence_id, "closed_as": how}
    await tell(conn, tenant, "disclosure.closed", **ids)
    return claim_id


async def put_down(conn: Connection, tenant: UUID, vehicle_ids: Collection[UUID]) -> None:
    """For the worker: the claims of the vehicles say that a review is still to come, until it has made it."""
    await reviews.ask(conn, tenant, vehicle_ids, LATE)


async def store(conn: Connection, tenant: UUID, found: Found, now_ms: int) -> Reviewed:
    """One open disclosure for each line that owes something, none for the others; what could be held against nothing is put
    down.  The lines' licences are locked, so that nobody else reviews them; of what a person closes meanwhile it waits to
    learn."""
    held = found.held
    await put_down(conn, tenant, _not_reviewed(found.broken))
    told: dict[tuple[UUID, UUID], list[DisclosureRow]] = {}
    for row in await claim_life.lock_told(conn, tenant, sorted({one.line.claim_id for one in held})):
        told.setdefault((row.claim_id, row.licence_id), []).append(row)
    owing = 0
    for one in held:
        before = told.get((one.line.claim_id, one.line.licence_id), [])
        much = over_claim(one.account, one.line.estimate_cents, one.shown, _settled(before))
        owing += much is not None
        await _tell(conn, tenant, one, much, next((row for row in before if row.closed_on is None), None), now_ms)
    return Reviewed(owing, found.broken)


def _not_reviewed(broken: Sequence[Broken]) -> set[UUID]:
    """Their vehicles."""
    for one in broken:
        LOOP_FAILURES.labels(LOOP).inc()
        log.error(NOT_REVIEWED, vehicle_id=str(one.row.vehicle_id), error=one.words, rule="CL7")
    return {one.row.vehicle_id for one in broken}


def _settled(told: Sequence[DisclosureRow]) -> Settled:
    """What a person closed of the line's disclosures, in the order in which they were told."""
    closed = [row for row in told if row.closed_as in BY_A_PERSON]
    closed.sort(key=lambda row: (row.found_at, row.settled_km, row.settled_cents))
    return settled_by(Closed(said(row), row.closed_cents or 0) for row in closed)


def said(row: DisclosureRow) -> OverClaim:
    """What a disclosure told."""
    return OverClaim(
        claimed_km=row.claimed_km, now_km=row.now_km, settled_km=row.settled_km, claimed_cents=row.claimed_cents,
        now_cents=row.now_cents, settled_cents=row.settled_cents, grounds=tuple(map(Ground, row.rules, row.grounds)),
    )  # fmt: skip


async def _tell(
    conn: Connection, tenant: UUID, held: Held, much: OverClaim | None, standing: DisclosureRow | None, now_ms: int
) -> None:
    """The task that stands says what is owed now, or another takes its place, or none does."""
    if standing is not None:
        if said(standing) == much:
            return
        how = "not_owed_any_more" if much is None else "replaced"
        await close_disclosure(conn, tenant, standing.id, nz_date(from_ms(now_ms)), how, 0, "", "review")
    if much is None:
        return
    line = held.line
    row = DisclosureRow(
        id=new_id(), claim_id=line.claim_id, licence_id=line.licence_id, claimed_km=much.claimed_km, now_km=much.now_km,
        settled_km=much.settled_km, claimed_cents=much.claimed_cents, now_cents=much.now_cents,
        settled_cents=much.settled_cents, cents=much.cents, rules=[one.rule for one in much.grounds],
        grounds=[one.reason for one in much.grounds],
        letter=letter(line.claim_number, line.number, line.plate, much), found_at=from_ms(now_ms),
    )  # fmt: skip
    if await claim_life.insert_disclosure(conn, tenant, row, held.statement_hash):
        ids = {"disclosure_id": row.id, "claim_id": row.claim_id, "licence_id": row.licence_id}
        await tell(conn, tenant, "disclosure.opened", **ids)
