"""Drop what nothing holds any more (rule RE1).  Every rule is in this one list; a table that is not in it is never purged, and
the database refuses what it finds held, whatever is asked."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.claims.domain.instants import from_ms
from services.claims.repo import retention as repo
from shared.db.pool import Connection, Pool, tenant_tx, tx

BATCH: Final = 500
ANSWERS_KEPT: Final = timedelta(days=30)
"""First answers of idempotent requests: nobody repeats a request after a month."""
PREVIEWS_KEPT: Final = timedelta(days=7)
"""After their token's end, so that a person can be told what became of it."""

Drop = Callable[[Connection, UUID, datetime, int, bool], Awaitable[int]]


@dataclass(frozen=True)
class Rule:
    """`drop` (connection, tenant, now, limit, dry) gives how many rows went, or would go."""

    table: str
    words: str
    drop: Drop


def _held(table: str) -> Drop:
    async def drop(conn: Connection, tenant: UUID, _now: datetime, limit: int, dry: bool) -> int:
        return await repo.purge_held_table(conn, tenant, table, limit, dry=dry)

    return drop


def _old(queries: tuple[str, str], kept: timedelta) -> Drop:
    async def drop(conn: Connection, tenant: UUID, now: datetime, limit: int, dry: bool) -> int:
        return await repo.purge_old(conn, tenant, queries, now - kept, limit, dry=dry)

    return drop


async def _unname(conn: Connection, tenant: UUID, _now: datetime, limit: int, dry: bool) -> int:
    return await repo.unname(conn, tenant, limit, dry=dry)


_TWO_YEARS: Final = "two years after the day, and no licence that is held needs it"
_CLAIM: Final = "no licence of the claim is held; the claim, its lines and hashes stay"
RULES: Final = (
    Rule(
        "idempotency",
        f"{ANSWERS_KEPT.days} days after the first answer",
        _old((repo.OLD_ANSWERS, repo.DROP_ANSWERS), ANSWERS_KEPT),
    ),
    Rule(
        "claim_preview",
        f"{PREVIEWS_KEPT.days} days after its end, never lodged",
        _old((repo.OLD_PREVIEWS, repo.DROP_PREVIEWS), PREVIEWS_KEPT),
    ),
    Rule("device_day.named", "only previews that are gone stood on it", _unname),
    Rule("device_day", _TWO_YEARS, _held("device_day")),
    Rule("device_day_history", _TWO_YEARS, _held("device_day_history")),
    Rule("hold", _TWO_YEARS, _held("hold")),
    Rule("render_job", _CLAIM, _held("render_job")),
    Rule("document", _CLAIM, _held("document")),
    Rule("snapshot", _CLAIM, _held("snapshot")),
    Rule("proof_salt", "with the snapshots; roots and leaves stay", _held("proof_salt")),
    Rule("attachment", "two years old, and nothing that is held refers to it; name and hash stay", _held("attachment")),
)


async def tenants(across: Pool) -> list[UUID]:
    async with tx(across) as conn:
        return await repo.tenants(conn)


async def purge(across: Pool, tenant: UUID, now_ms: int, *, dry: bool = False, batch: int = BATCH) -> dict[str, int]:
    """table → rows that went, in transactions of their own; or, `dry`, that would go (counted up to a million).

    It can be broken off and begun again at any moment."""
    counts: dict[str, int] = {}
    for rule in RULES:
        while True:
            async with tenant_tx(across, tenant) as conn:
                count = await rule.drop(conn, tenant, from_ms(now_ms), 1_000_000 if dry else batch, dry)
            counts[rule.table] = counts.get(rule.table, 0) + count
            if dry or count < batch:
                break
    return counts
