"""What routes are handed by the wiring, and how they read and command."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar, cast
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import BaseModel

from services.claims.application.claim.review_vehicles import Reviews
from services.claims.application.peers import Classifier, Pdf
from services.claims.application.policies import PolicyBook
from services.claims.application.sealing import Hasher, Sealer
from services.claims.domain.policy import Policy
from shared.clock import Clock
from shared.db.pool import Connection, Pool, tenant_tx
from shared.http.auth import Principal
from shared.http.commands import Commands
from shared.http.guards import require

Reader = Annotated[Principal, Depends(require("claims:read"))]
AuditReader = Annotated[Principal, Depends(require("audit:read"))]
"""Who may see audit cases: all who read claims, and people with the role auditor, who see nothing else."""
Writer = Annotated[Principal, Depends(require("claims:write"))]
Forgetter = Annotated[Principal, Depends(require("privacy:write"))]
"""Who may have somebody forgotten, for good: the tenant's admins (rules PA2, RE2)."""
Verifier = Annotated[Principal, Depends(require("claims:verify"))]
Lodger = Annotated[Principal, Depends(require("claims:lodge"))]
"""Who may make a claim the Agency's business, and take it back."""
Integrator = Annotated[Principal, Depends(require("webhooks:write"))]
"""Who decides where the tenant's events go, and holds the secrets that sign them."""
T = TypeVar("T")


@dataclass(frozen=True)
class Context:
    """`pool` has the API role: every transaction sees one tenant.  `across` has the worker's, which spans tenants: for the
    operator's routes (`ops_*.py`) alone, which `tests/lints.py` checks."""

    pool: Pool
    across: Pool
    policies: PolicyBook
    clock: Clock
    sealer: Sealer
    hasher: Hasher
    pdf: Pdf
    classifier: Classifier
    webhook_hosts: frozenset[str] = frozenset()
    """host:port that webhooks may reach though they are not public (settings)."""
    put_off: set[UUID] | None = None
    """An import's: the vehicles to review at its end (rule CL7)."""

    @property
    def policy(self) -> Policy:
        """The policy that holds now: ask once a request, so that one answer has one policy."""
        return self.policies.current

    @property
    def reviews(self) -> Reviews:
        """For use cases that may move what is lodged."""
        return Reviews(self.policy, self.clock(), self.put_off)


async def _context(request: Request) -> Context:
    """A coroutine, though it waits for nothing: FastAPI hands a plain function to a thread."""
    return cast("Context", request.app.state.context)


Ctx = Annotated[Context, Depends(_context)]


async def query(context: Context, tenant: UUID, read: Callable[[Connection], Awaitable[T]]) -> T:
    """One reading transaction of one tenant."""
    async with tenant_tx(context.pool, tenant) as conn:
        return await read(conn)


async def command(
    request: Request, context: Context, tenant: UUID, status: int, effect: Callable[[Connection], Awaitable[BaseModel]]
) -> Response:
    """Run `effect` in one transaction together with the request's Idempotency-Key, if it has one."""
    return await commands_of(context, context.pool).run(request, tenant, status, effect)


async def replayed(request: Request, context: Context, tenant: UUID) -> Response | None:
    """The first answer of this Idempotency-Key, for commands that compute much before their transaction."""
    return await commands_of(context, context.pool).replayed(request, tenant)


def commands_of(context: Context, pool: Pool) -> Commands:
    """`pool`: `context.pool`; for what operators do to all tenants the one that spans them."""
    return Commands(pool, lambda asked: context.hasher.digest("request", asked))
