"""What the claims service does by itself, for ever: one loop a job, each with its beat."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from services.claims.application.audit.tell_holds import tell_next
from services.claims.application.peers import Holds
from services.claims.application.policies import PolicyBook
from services.claims.application.privacy import retention
from services.claims.application.privacy.keep_house import House
from shared.clock import Clock
from shared.db.pool import Pool
from shared.errors import Retryable
from shared.observability.health import Health
from shared.observability.logging import get_logger
from shared.runtime import Task

IDLE_S: Final = 0.5
RENDER_LOOP: Final = "render"
RENDER_STALE_S: Final = 90.0
HOUSE_IDLE_S: Final = 60.0
HOUSE_LOOP: Final = "house"
HOUSE_STALE_S: Final = 3_600.0
POLICY_EVERY_S: Final = 2.0
POLICY_LOOP: Final = "policy"
POLICY_STALE_S: Final = 30.0
HOLDS_LOOP: Final = "holds"
HOLDS_IDLE_S: Final = 30.0
HOLDS_STALE_S: Final = 180.0
SETTLE_EVERY_MS: Final = 3_600_000
FAULTY_LOOP: Final = "faulty data"
FAULTY_STALE_S: Final = 300.0
REVIEW_LOOP: Final = "review"
REVIEW_STALE_S: Final = 600.0
ALERTS_LOOP: Final = "alerts"
ALERTS_STALE_S: Final = 600.0

log = get_logger(__name__)


async def work_loop(name: str, next_one: Callable[[], Awaitable[bool]], health: Health, stale_after_s: float) -> None:
    """One job after the other, for ever; `next_one` says whether there was any.  A database that is away is waited for: the
    API's own readiness shows it.  A job that breaks is left until its lease ends: one tenant's row stops nobody else's work."""
    while True:
        try:
            busy = await next_one()
        except Retryable as error:
            log.warning("loop waits", loop=name, error=str(error))
            busy = False
        except Exception as error:
            log.exception("a job broke", loop=name, error=repr(error))
            busy = False
        health.beat(name, stale_after_s=stale_after_s)
        if not busy:
            await asyncio.sleep(IDLE_S)


def worker(name: str, next_one: Callable[[], Awaitable[bool]], health: Health, stale_after_s: float) -> Task:
    return name, lambda: work_loop(name, next_one, health, stale_after_s)


async def house_loop(house: House, health: Health) -> None:
    while True:
        try:
            busy = await house.round()
        except Retryable as error:
            log.warning("housekeeping waits", error=str(error))
            busy = False
        health.beat(HOUSE_LOOP, stale_after_s=HOUSE_STALE_S)
        if not busy:
            await asyncio.sleep(HOUSE_IDLE_S)


async def holds_loop(pool: Pool, classifier: Holds, clock: Clock, health: Health) -> None:
    """The classifier knows of every hold within a minute, or as soon as it is there again; until then it keeps everything."""
    settled_ms = 0
    while True:
        try:
            if clock() - settled_ms > SETTLE_EVERY_MS:
                await retention.settle_needed(pool)
                settled_ms = clock()
            while await tell_next(pool, classifier) or await retention.tell_next(pool, classifier):
                pass
            await classifier.holds_told()
        except Retryable as error:
            log.warning("holds are told later", error=str(error))
        health.beat(HOLDS_LOOP, stale_after_s=HOLDS_STALE_S)
        await asyncio.sleep(HOLDS_IDLE_S)


async def policy_loop(pool: Pool, policies: PolicyBook, health: Health) -> None:
    """Follow what operators change, for ever.  Without a database the last policy stays; nothing can be lodged then."""
    while True:
        try:
            await policies.refresh(pool)
        except Retryable as error:
            log.warning("policy loop waits", error=str(error))
        health.beat(POLICY_LOOP, stale_after_s=POLICY_STALE_S)
        await asyncio.sleep(POLICY_EVERY_S)
