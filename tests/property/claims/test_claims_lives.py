"""Money and metres never appear or vanish: whole lives of fleets over HTTP on real Postgres, drawn step by step, with a model
in plain Python beside them (rules LI4, EL4, CL2 to CL7, OT1 to OT4; design G3, G4).

The seed is printed: `RUCOR_SEED=<seed>` draws the same lives again, `RUCOR_LIVES=<n>` so many of them, and `RUCOR_SHRINK=1` makes
the history of a life that broke a rule as short as it can be, which takes minutes."""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Iterator
from typing import TypeVar

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import invariant, precondition, run_state_machine_as_test

from tests.integration.claims.conftest import Claims, open_claims
from tests.property.claims.lives.base import LifeRules
from tests.property.claims.lives.checks import Checks
from tests.property.claims.lives.claim_rules import ClaimRules
from tests.property.claims.lives.refund_rules import RefundRules
from tests.stack import Database

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]
T = TypeVar("T")


class Lives(ClaimRules, RefundRules):
    """After every step everything in `checks.py` holds."""

    checks: Checks | None = None

    @precondition(lambda self: hasattr(self, "life"))
    @invariant()
    def everything_adds_up(self) -> None:
        self.checks = self.checks or Checks(self.life)
        self.run(self.checks.all())

    def teardown(self) -> None:
        if hasattr(self, "life"):
            self.run(self.life.end())


@pytest.fixture
def shop(database: Database) -> Iterator[type[LifeRules]]:
    """The service, and a connection that sees every row, on one event loop for every life."""
    with asyncio.Runner() as runner:
        opened = open_claims(database)
        claims: Claims = runner.run(_awaited(opened.__aenter__()))
        watch = runner.run(_awaited(asyncpg.connect(database.superuser)))
        yield type("LivesHere", (Lives,), {"runner": runner, "claims": claims, "watch": watch})
        runner.run(_awaited(watch.close()))
        runner.run(_awaited(opened.__aexit__(None, None, None)))


async def _awaited(what: Awaitable[T]) -> T:
    return await what


@pytest.mark.parametrize(("lives", "steps"), [(6, 20), pytest.param(30, 30, marks=pytest.mark.slow)])
def test_G4_money_and_metres_never_appear_or_vanish(shop: type[LifeRules], lives: int, steps: int) -> None:
    number = int(os.environ.get("RUCOR_SEED", secrets.randbelow(2**32)))
    print(f"RUCOR_SEED={number}")
    run_state_machine_as_test(
        seed(number)(shop),
        settings=settings(
            max_examples=int(os.environ.get("RUCOR_LIVES", lives)),
            stateful_step_count=steps,
            deadline=None,
            database=None,
            print_blob=True,
            report_multiple_bugs=False,
            phases=[Phase.generate, Phase.shrink] if os.environ.get("RUCOR_SHRINK") else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
