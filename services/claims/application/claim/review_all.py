"""Hold every lodged claim against today's ledger once a day, and at once when the policy has changed (rule CL7; design
section 6: a later revision flags the claim).

What changes a vehicle's register reviews its claims at once; late fixes, land and road data come by many ways, and none of them
is forgotten here, nor what an import put down and did not come to."""

from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from services.claims.application.claim.review_claim import LOOP, NOT_REVIEWED, review_claim
from services.claims.application.claim.review_vehicles import review_one
from services.claims.application.policies import PolicyBook
from services.claims.domain.instants import from_ms, nz_date
from services.claims.repo import reviews
from shared.clock import Clock
from shared.db.pool import Pool, tx
from shared.errors import Retryable
from shared.observability.logging import get_logger
from shared.observability.metrics import LOOP_FAILURES

FIRST = UUID(int=0)
LEASE = timedelta(hours=1)
"""A vehicle that cannot be reviewed is tried again then, and keeps nobody else from their turn."""

log = get_logger(__name__)


class Round(NamedTuple):
    """What every claim is held against in it."""

    on: date
    policy: str


class Reviewer:
    """One claim a call, of any tenant, until the round is done: one a day, and another whenever operators have changed the
    policy, at once, since the claims before were judged by the old one.  `across` spans tenants, `pool` sees one at a time."""

    def __init__(self, across: Pool, pool: Pool, policies: PolicyBook, clock: Clock) -> None:
        self._across = across
        self._pool = pool
        self._policies = policies
        self._clock = clock
        self._round: Round | None = None
        self._after: tuple[UUID, UUID] | None = None
        """The claim that was looked at last; None: the round is done."""

    async def next(self) -> bool:
        """True after a vehicle that was put down; else False: the loop's rest between two claims keeps this work from
        anybody's way."""
        now_ms = self._clock()
        async with tx(self._across) as conn:
            due = await reviews.take(conn, LEASE)
        if due is not None:
            try:
                await review_one(self._pool, *due, self._policies.current, now_ms)
            except Retryable:
                raise
            except Exception as error:  # its turn comes again when the lease ends
                LOOP_FAILURES.labels(LOOP).inc()
                log.exception(NOT_REVIEWED, vehicle_id=str(due[1]), error=repr(error), rule="CL7")
            return True
        policy = self._policies.current
        wanted = Round(nz_date(from_ms(now_ms)), policy.name)
        if self._after is None and wanted == self._round:
            return False
        if self._after is None or self._round is None or wanted.policy != self._round.policy:
            self._round, self._after = wanted, (FIRST, FIRST)  # a day that ends while a round is on begins none
        async with tx(self._across) as conn:
            found = await reviews.claim_after(conn, *self._after, from_ms(now_ms))
        if found is None:
            self._round, self._after = wanted, None
            return False
        try:
            much = (await review_claim(self._pool, *found, policy, now_ms, only_settled=True)).owing
        except Retryable:
            raise
        except Exception as error:
            # a restart would only come to the same claim again: the next one's turn comes all the same, and this one's tomorrow
            LOOP_FAILURES.labels(LOOP).inc()
            log.exception("a claim was not reviewed", claim_id=str(found[1]), error=repr(error))
            much = 0
        if much:
            log.warning("a claim says more than its statements", claim_id=str(found[1]), lines=much, rule="CL7")
        self._after = found
        return False
