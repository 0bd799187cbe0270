"""Carry an accepted mark of faulty data through: the classifier takes the stretch out, every device-day follows, claims that
stood on it are held against their statements (rule CL7).  Each step may be tried again any number of times."""

from datetime import datetime, timedelta
from typing import Final

from services.claims.application.claim.review_claim import review_claim
from services.claims.application.ledger.mark_faulty import claims_touched
from services.claims.application.peers import Faulty, PeerUnavailable
from services.claims.application.webhooks.tell import tell
from services.claims.domain.instants import from_ms
from services.claims.domain.policy import Policy
from services.claims.domain.statement.faulty import FaultyState
from services.claims.repo import faulty, faulty_jobs, ledger
from services.claims.repo.faulty import FaultyStep, MarkRow, ReviewRow, StretchRow
from services.claims.repo.faulty_jobs import FaultyJob
from shared.clock import Clock, new_id
from shared.contracts.faulty import FaultyStretch, KnownDay, PendingAsked
from shared.db.pool import Pool, tenant_tx, tx
from shared.errors import Poison
from shared.observability.logging import get_logger

LEASE: Final = timedelta(minutes=3)
"""Longer than the clients' own limits for a mark's stretches, so that two workers do not do the same work."""
FIRST_DELAY: Final = timedelta(seconds=1)
DELAY_MAX: Final = timedelta(minutes=1)
WORKER: Final = "system"
"""Who takes the steps that no person takes."""
_DOUBLINGS_MAX: Final = 10

log = get_logger(__name__)


async def exclude_next(across: Pool, pool: Pool, classifier: Faulty, policy: Policy, clock: Clock) -> bool:
    """Take one due job and bring its mark a step further; False where none is due.

    `across` spans tenants; `pool` has the API role, with which a claim is reviewed as its own tenant would."""
    async with tx(across) as conn:
        job = await faulty_jobs.take_job(conn, LEASE)
        if job is None:
            return False
        mark = await faulty.mark(conn, job.tenant_id, job.mark_id)
        stretches = await faulty.stretches(conn, job.tenant_id, job.mark_id)
    if mark is None:
        raise Poison("no_mark", f"mark {job.mark_id} was accepted and is gone")
    try:
        if mark.state == "accepted":
            await _tell(across, classifier, job, mark, stretches, clock)
        elif mark.state == "excluded":
            await _follow(across, pool, classifier, job, stretches, policy, clock)
        else:
            raise Poison("no_such_job", f"mark {job.mark_id} has a job and is {mark.state}")
    except PeerUnavailable as error:
        log.warning("faulty data wait", mark_id=str(job.mark_id), attempts=job.attempts, error=str(error))
        await _delay(across, job, str(error), job.attempts)
    return True


async def _tell(
    across: Pool, classifier: Faulty, job: FaultyJob, mark: MarkRow, stretches: list[StretchRow], clock: Clock
) -> None:
    async with tx(across) as conn:
        decided = (await faulty.steps(conn, job.tenant_id, job.mark_id))[-1]
    days = 0
    for one in stretches:
        asked = FaultyStretch(
            tenant=job.tenant_id, id=one.exclusion_id, device=one.device, from_ms=one.from_ms, to_ms=one.to_ms,
            reason=f"faulty data, mark {mark.id}: {mark.reason}", actor=decided.actor,
        )  # fmt: skip
        days += (await classifier.take_out(asked)).device_days
    await _step(across, job, "accepted", "excluded", f"{days} device-days are computed again", from_ms(clock()))


async def _follow(
    across: Pool,
    pool: Pool,
    classifier: Faulty,
    job: FaultyJob,
    stretches: list[StretchRow],
    policy: Policy,
    clock: Clock,
) -> None:
    waiting = 0
    lifted = False
    for one in stretches:
        async with tx(across) as conn:
            days = await ledger.days_in(conn, job.tenant_id, [one.window])
        known = tuple(KnownDay(day.day.day, day.day.land) for day in days)
        found = await classifier.pending(PendingAsked(tenant=job.tenant_id, id=one.exclusion_id, known=known))
        waiting += len(found.days)
        lifted = lifted or found.state == "lifted"
    if lifted:
        await _step(across, job, "excluded", "lifted", "the exclusion was lifted in the classifier", from_ms(clock()))
    elif waiting:
        await _delay(across, job, f"{waiting} device-days are still to follow", job.attempts)
    else:
        await _settle(across, pool, job, policy, clock)


async def _settle(across: Pool, pool: Pool, job: FaultyJob, policy: Policy, clock: Clock) -> None:
    """Reviews first: should we die between them and the step, they are made again and change nothing."""
    async with tenant_tx(pool, job.tenant_id) as conn:
        standing = await claims_touched(conn, job.tenant_id, job.mark_id)
    at = from_ms(clock())
    found = {claim_id: await review_claim(pool, job.tenant_id, claim_id, policy, clock()) for claim_id in standing}
    reviews = [ReviewRow(job.mark_id, claim_id, one.owing, at) for claim_id, one in found.items()]
    over = sum(one.owing > 0 for one in found.values())
    words = f"every device-day follows; {len(reviews)} claims looked at, {over} of them claim too much"
    if broken := sum(len(one.broken) for one in found.values()):
        words += f"; {broken} of their licences cannot be worked out, and are looked at again by themselves"
    await _step(across, job, "excluded", "applied", words, at, reviews)


async def _step(
    across: Pool,
    job: FaultyJob,
    before: FaultyState,
    to: FaultyState,
    words: str,
    at: datetime,
    reviews: list[ReviewRow] | None = None,
) -> None:
    """Unless another worker took it meanwhile."""
    async with tx(across) as conn:
        if await faulty.lock_mark(conn, job.tenant_id, job.mark_id) != before:
            return
        step = FaultyStep(kind=to, reason=words, actor=WORKER, created_at=at)
        await faulty.add_step(conn, job.tenant_id, job.mark_id, new_id(), step)
        await tell(conn, job.tenant_id, f"faulty_data.{to}", mark_id=job.mark_id)
        for review in reviews or ():
            await faulty.insert_review(conn, job.tenant_id, review)
        if to == "excluded":
            await faulty_jobs.delay_job(conn, job, FIRST_DELAY, "", 0)
        else:
            await faulty_jobs.finish_job(conn, job)
    log.info("faulty data", mark_id=str(job.mark_id), state=to)


async def _delay(across: Pool, job: FaultyJob, error: str, attempts: int) -> None:
    delay = min(FIRST_DELAY * (1 << min(max(attempts - 1, 0), _DOUBLINGS_MAX)), DELAY_MAX)
    async with tx(across) as conn:
        await faulty_jobs.delay_job(conn, job, delay, error, attempts)
