"""What the rules of the state machine share."""

import asyncio
import itertools
from collections.abc import Coroutine, Sequence
from typing import Any, ClassVar, Final, TypeVar

import asyncpg
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from tests.integration.claims.conftest import Claims
from tests.property.claims.lives.fleet import Life

T = TypeVar("T")
AT: Final = st.integers(0, 30)
"""Which of some things, counted round."""
_numbers = itertools.count()


def pick(things: Sequence[T], at: int) -> T:
    return things[at % len(things)]


class LifeRules(RuleBasedStateMachine):
    """`runner` and `claims`: the service on one event loop for every example."""

    runner: ClassVar[asyncio.Runner]
    claims: ClassVar[Claims]
    watch: ClassVar[asyncpg.Connection]
    life: Life

    def run(self, act: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(act)

    @initialize(twice=st.booleans())
    def begin(self, twice: bool) -> None:
        self.life = self.run(Life.begin(self.claims, self.watch, next(_numbers), twice=twice))
        self.run(self.first_papers())

    async def first_papers(self) -> None:
        raise NotImplementedError
