"""A tenant leaves (rule RE2): keys at once, then everything is given out, then everything that no hold covers is erased,
in claims, classifier and ingest.  What is held stays with its last day; the same command, run again, takes what is free.

It can be broken off anywhere and begun again: every step is recorded, or changes nothing the second time."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final
from uuid import UUID

from deploy.privacy.archive import sha256_of
from deploy.privacy.export import export
from deploy.privacy.reach import Reach
from services.claims.application.privacy import erase_tenant
from services.claims.repo import erasure as of_claims
from services.classifier.repo import erasure as of_classifier
from services.ingest.repo import erasure as of_ingest
from shared import command_log
from shared.db.pool import Connection, Pool, tenant_tx, tx
from shared.http.auth import OPERATOR

BATCH: Final = 200
COMMAND: Final = "rucor tenants offboard"


class NotLeaving(Exception):
    """Nothing was done, and why."""


@dataclass(frozen=True)
class Outcome:
    """`rows` by table or service; `held_until` None with `left`: something open holds it."""

    rows: dict[str, int]
    left: bool
    held_until: date | None


class _Undo(Exception):
    """Ends a transaction without its effect."""


async def offboard(reach: Reach, tenant: UUID, archive: Path | None, reason: str, actor: str, made_at: str) -> Outcome:
    """`archive`: where the tenant's data go first; it may be left out once they were given.  Raises NotLeaving."""
    await _begin(reach, tenant, reason, actor)
    await _give_out(reach, tenant, archive, made_at)
    async with tenant_tx(reach.claims, tenant) as conn:
        kept = await of_claims.days_held(conn, tenant)
    rows = {
        "classifier": await _until_nothing(
            reach.classifier, tenant, lambda conn: of_classifier.erase(conn, tenant, kept, BATCH)
        ),
        "ingest": await _until_nothing(
            reach.ingest, tenant, lambda conn: of_ingest.erase(conn, tenant, sorted({one[0] for one in kept}), BATCH)
        ),
        **await erase_tenant.erase(reach.claims, tenant),
    }
    async with tenant_tx(reach.claims, tenant) as conn:
        left, until = await of_claims.left_until(conn, tenant)
    async with tenant_tx(reach.claims, OPERATOR) as conn:
        await of_claims.round_done(conn, tenant, sum(rows.values()), until, done=not left)
    return Outcome(rows, left, until)


async def would(reach: Reach, tenant: UUID) -> Outcome:
    """What `offboard` would erase, found by doing it in transactions that are undone."""
    async with tenant_tx(reach.claims, tenant) as conn:
        kept = await of_claims.days_held(conn, tenant)
        left, until = await of_claims.left_until(conn, tenant)
    rows = {
        "classifier": await _undone(
            reach.classifier, tenant, lambda conn: of_classifier.erase(conn, tenant, kept, erase_tenant.ALL)
        ),
        "ingest": await _undone(
            reach.ingest,
            tenant,
            lambda conn: of_ingest.erase(conn, tenant, sorted({one[0] for one in kept}), erase_tenant.ALL),
        ),
        **await erase_tenant.would_erase(reach.claims, tenant),
    }
    return Outcome(rows, left and rows.get("tenant", 0) == 0, until)


async def _begin(reach: Reach, tenant: UUID, reason: str, actor: str) -> None:
    if tenant == OPERATOR:
        raise NotLeaving("the operator does not leave")
    async with tenant_tx(reach.claims, tenant) as conn:
        left, _ = await of_claims.left_until(conn, tenant)
    async with tenant_tx(reach.claims, OPERATOR) as conn:
        begun = await of_claims.offboarding(conn, tenant)
        if begun is None and not left:
            raise NotLeaving(f"there is no tenant {tenant}")
        await of_claims.begin(conn, tenant, reason, actor)
    async with tx(reach.claims) as conn:
        await of_claims.revoke_all(conn, tenant)
        await command_log.note(conn, tenant, COMMAND, by=actor)
    async with tx(reach.classifier) as conn:
        await of_classifier.revoke_all(conn, tenant)
        await command_log.note(conn, tenant, COMMAND, by=actor)
    async with tx(reach.ingest) as conn:
        await of_ingest.revoke_all(conn, tenant)
        await command_log.note(conn, tenant, COMMAND, by=actor)


async def _give_out(reach: Reach, tenant: UUID, archive: Path | None, made_at: str) -> None:
    async with tenant_tx(reach.claims, OPERATOR) as conn:
        begun = await of_claims.offboarding(conn, tenant)
    if begun is None or begun.export_sha256 is not None:
        return
    if archive is None:
        raise NotLeaving("the tenant's data were not given out yet: name a file with --export")
    await export(reach, tenant, archive, made_at=made_at)
    async with tenant_tx(reach.claims, OPERATOR) as conn:
        await of_claims.exported(conn, tenant, sha256_of(archive))


async def _until_nothing(pool: Pool, tenant: UUID, erase: Callable[[Connection], Awaitable[int]]) -> int:
    total = 0
    while True:
        async with tenant_tx(pool, tenant) as conn:
            count = await erase(conn)
        total += count
        if not count:
            return total


async def _undone(pool: Pool, tenant: UUID, erase: Callable[[Connection], Awaitable[int]]) -> int:
    count = 0
    try:
        async with tenant_tx(pool, tenant) as conn:
            count = await erase(conn)
            raise _Undo  # noqa: TRY301 - the only way to end a transaction without its effect
    except _Undo:
        return count
