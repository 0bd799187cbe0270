"""What the routes of land and exclusions are handed by the wiring."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, FastAPI, Request

from services.classifier.application.land import By
from services.classifier.application.ruling_refusals import invalid
from shared.clock import Clock
from shared.db.pool import Pool
from shared.http.auth import Principal
from shared.http.commands import Commands
from shared.nz_days import instant_of


@dataclass(frozen=True)
class Context:
    """`pool` and `commands` have the API role: every transaction sees one tenant."""

    pool: Pool
    commands: Commands
    clock: Clock
    gap_ms: int
    """How far over midnight the scheme looks."""

    def by(self, who: Principal, actor: str, reason: str = "") -> By:
        """The person who signed in, else the one whom a key's holder names (rule PA2).  Raises Problem 422 for another name."""
        if who.person is not None and actor not in {"", who.person}:
            raise invalid("/actor", "you act in your own name: leave `actor` out", "not_you")
        return By(who.person or actor, who.key_id, instant_of(self.clock()), reason)


def install(app: FastAPI, context: Context) -> None:
    """Hand it to every route of the app."""
    app.state.rulings = context


def _context(request: Request) -> Context:
    return cast("Context", request.app.state.rulings)


Ctx = Annotated[Context, Depends(_context)]
