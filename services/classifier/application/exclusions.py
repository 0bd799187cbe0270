"""Exclude faulty data or a place, confirm what was proposed, lift it again: each a new version, and every device-day it
touches due again, in one transaction."""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple
from uuid import UUID

from services.classifier.application import dirty
from services.classifier.application.land import By
from services.classifier.application.polygons import Ground
from services.classifier.application.ruling_refusals import EXCLUSIONS_MAX, not_found, too_many, wrong_state
from services.classifier.domain.rulings import Exclusion
from services.classifier.repo import ruling_versions
from services.classifier.repo.dirty_days import Scope
from services.classifier.repo.ruling_versions import NOWHERE, ExclusionRow, ExclusionState
from shared.clock import new_id
from shared.db.pool import Connection
from shared.nz_days import LAST_DAY, bounds_ms, day_of, to_ordinal


@dataclass(frozen=True, kw_only=True)
class Excluded:
    """What a person takes out, from `from_ms` to `to_ms` (both included).  Without `ground` the device's fixes; with it what
    would be off road inside, of `device` or, where that is "", of every device."""

    device: str
    from_ms: int
    to_ms: int
    reason: str
    ground: Ground | None


WITHOUT_END_MS: Final = bounds_ms(to_ordinal(LAST_DAY) - 1)[1] - 1
"""`to_ms` of an exclusion that was made without an end."""


class Changed(NamedTuple):
    row: ExclusionRow
    device_days: int
    """How many device-days are computed again."""


async def exclude(
    conn: Connection, tenant: UUID, wanted: Excluded, state: ExclusionState, by: By, gap_ms: int, *,
    exclusion_id: UUID | None = None,
) -> Changed:  # fmt: skip
    """A new exclusion, `proposed` (it changes nothing yet) or `active`.  Raises Problem 409 above EXCLUSIONS_MAX."""
    await ruling_versions.lock_tenant(conn, tenant)
    if (await ruling_versions.counts(conn, tenant))[1] >= EXCLUSIONS_MAX:
        raise too_many("exclusions", EXCLUSIONS_MAX)
    box = NOWHERE if wanted.ground is None else wanted.ground.box
    row = ExclusionRow(
        id=exclusion_id or new_id(), version=1, state=state, device=wanted.device, from_ms=wanted.from_ms, to_ms=wanted.to_ms,
        reason=wanted.reason, change_reason=by.reason, actor=by.actor, key_id=by.key_id,
        wkb=b"" if wanted.ground is None else wanted.ground.wkb, **box._asdict(), created_at=by.at, written_at=by.at,
    )  # fmt: skip
    return await _enter(conn, tenant, None, row, gap_ms)


async def confirm(conn: Connection, tenant: UUID, exclusion_id: UUID, by: By, gap_ms: int) -> Changed:
    """Proposed → active.  Raises Problem 404; 409 for a lifted one, which says that a new one is needed."""
    newest = await _newest(conn, tenant, exclusion_id)
    if newest.state == "active":
        return Changed(newest, 0)
    if newest.state == "lifted":
        raise wrong_state("exclusion", "lifted", "What was lifted stays so: make a new exclusion.")
    return await _enter(conn, tenant, newest, _next(newest, "active", by), gap_ms)


async def lift(conn: Connection, tenant: UUID, exclusion_id: UUID, by: By, gap_ms: int) -> Changed:
    """Proposed or active → lifted.  Raises Problem 404; lifting it again changes nothing."""
    newest = await _newest(conn, tenant, exclusion_id)
    if newest.state == "lifted":
        return Changed(newest, 0)
    return await _enter(conn, tenant, newest, _next(newest, "lifted", by), gap_ms)


async def _newest(conn: Connection, tenant: UUID, exclusion_id: UUID) -> ExclusionRow:
    await ruling_versions.lock_tenant(conn, tenant)
    versions = await ruling_versions.exclusion(conn, tenant, exclusion_id)
    if not versions:
        raise not_found("exclusion", exclusion_id)
    return versions[-1]


def _next(row: ExclusionRow, state: ExclusionState, by: By) -> ExclusionRow:
    return replace(
        row, version=row.version + 1, state=state, actor=by.actor, key_id=by.key_id, change_reason=by.reason,
        written_at=by.at,
    )  # fmt: skip


async def _enter(
    conn: Connection, tenant: UUID, before: ExclusionRow | None, row: ExclusionRow, gap_ms: int
) -> Changed:
    changes = (before.ruling() if before else None) != row.ruling()
    scopes = [Scope(row.device, *touched(row, gap_ms))] if changes else []
    device_days = await dirty.count(conn, tenant, scopes)
    entered = await ruling_versions.enter(conn)
    await dirty.ask(conn, tenant, scopes, "dirty")
    await ruling_versions.insert_exclusion(conn, tenant, row, entered)
    return Changed(row, device_days)


def touched(exclusion: Exclusion | ExclusionRow, gap_ms: int) -> tuple[int, int]:
    """First and last NZ day whose revisions depend on it: `Rulings.of_day` looks one gap over each midnight."""
    return day_of(exclusion.from_ms - gap_ms - 1), day_of(min(exclusion.to_ms + gap_ms, WITHOUT_END_MS))
