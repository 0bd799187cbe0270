"""Declare, correct, end and withdraw land (rule SU7): each a new version, and every device-day it touches due again, in one
transaction."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from services.classifier.application import dirty
from services.classifier.application.polygons import Ground
from services.classifier.application.ruling_refusals import (
    LANDS_MAX,
    changed_meanwhile,
    invalid,
    not_found,
    too_many,
    wrong_state,
)
from services.classifier.domain.rulings import Land, LandKind
from services.classifier.repo import ruling_versions
from services.classifier.repo.dirty_days import Scope
from services.classifier.repo.ruling_versions import LandRow
from shared.clock import new_id
from shared.db.pool import Connection

OVER_PUBLIC_KINDS: Final = frozenset({"closed_works_site", "map_error"})
REASON_LENGTH_MIN: Final = 20
"""Of the written reason that counting over a public road needs (policy)."""


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What a person says of a piece of land.  `first_day` to `last_day`: NZ days, both included."""

    kind: LandKind
    name: str
    address: str
    first_day: int
    last_day: int
    over_public: bool
    reason: str
    ground: Ground


class By(NamedTuple):
    """Who changes a ruling, when, and why."""

    actor: str
    key_id: str
    at: datetime
    reason: str = ""


class Changed(NamedTuple):
    row: LandRow
    device_days: int
    """How many device-days are computed again."""


async def declare(conn: Connection, tenant: UUID, wanted: Declared, by: By) -> Changed:
    """Raises Problem 422 where land over a public road lacks its kind or reason, 409 above LANDS_MAX."""
    _check(wanted)
    await ruling_versions.lock_tenant(conn, tenant)
    if (await ruling_versions.counts(conn, tenant))[0] >= LANDS_MAX:
        raise too_many("declared lands", LANDS_MAX)
    return await _enter(conn, tenant, None, _row(new_id(), 1, wanted, by, by.at))


async def correct(conn: Connection, tenant: UUID, land_id: UUID, version: int, wanted: Declared, by: By) -> Changed:
    """A new version in the place of `version`.  Raises Problem: 404, 409 where that is not the newest, 422 as above."""
    _check(wanted)
    newest = await _newest(conn, tenant, land_id)
    if newest.version != version:
        raise changed_meanwhile(newest.version)
    return await _enter(conn, tenant, newest, _row(land_id, version + 1, wanted, by, newest.created_at))


async def end(conn: Connection, tenant: UUID, land_id: UUID, last_day: int, by: By) -> Changed:
    """It counts to `last_day`, included, and no longer.  Raises Problem: 404, 409 withdrawn, 422 before its first day."""
    newest = await _newest(conn, tenant, land_id)
    if newest.state == "withdrawn":
        raise wrong_state("land", "withdrawn", "It counts on no day: correct it, if it should.")
    if last_day < newest.first_day:
        raise invalid("/last_on", "lies before the land's first day: withdraw land that should never have counted")
    return await _enter(conn, tenant, newest, _next(newest, by, last_day=last_day))


async def withdraw(conn: Connection, tenant: UUID, land_id: UUID, by: By) -> Changed:
    """It never counted.  Raises Problem 404; withdrawing it again changes nothing."""
    newest = await _newest(conn, tenant, land_id)
    if newest.state == "withdrawn":
        return Changed(newest, 0)
    return await _enter(conn, tenant, newest, _next(newest, by, state="withdrawn"))


def _check(wanted: Declared) -> None:
    """Rule SU7: over a public road only by kind and written reason."""
    if not wanted.over_public:
        return
    if wanted.kind not in OVER_PUBLIC_KINDS:
        kinds = " or ".join(sorted(OVER_PUBLIC_KINDS))
        raise invalid("/over_public", f"metres on a public road count only on land of the kind {kinds}")
    if len(wanted.reason) < REASON_LENGTH_MIN:
        raise invalid("/reason", f"say in at least {REASON_LENGTH_MIN} characters why the road counts as off road")


async def _newest(conn: Connection, tenant: UUID, land_id: UUID) -> LandRow:
    await ruling_versions.lock_tenant(conn, tenant)
    versions = await ruling_versions.land(conn, tenant, land_id)
    if not versions:
        raise not_found("land", land_id)
    return versions[-1]


def _row(land_id: UUID, version: int, wanted: Declared, by: By, created_at: datetime) -> LandRow:
    ground = wanted.ground
    return LandRow(
        id=land_id, version=version, state="declared", kind=wanted.kind, name=wanted.name, address=wanted.address,
        first_day=wanted.first_day, last_day=wanted.last_day, over_public=wanted.over_public, reason=wanted.reason,
        change_reason=by.reason, actor=by.actor, key_id=by.key_id, wkb=ground.wkb, **ground.box._asdict(),
        created_at=created_at, written_at=by.at,
    )  # fmt: skip


def _next(row: LandRow, by: By, **changed: object) -> LandRow:
    told = {"actor": by.actor, "key_id": by.key_id, "change_reason": by.reason, "written_at": by.at}
    return replace(row, version=row.version + 1, **told | changed)  # type: ignore[arg-type]  # fields by name


async def _enter(conn: Connection, tenant: UUID, before: LandRow | None, row: LandRow) -> Changed:
    scopes = [Scope("", first, last) for first, last in touched(before.ruling() if before else None, row.ruling())]
    device_days = await dirty.count(conn, tenant, scopes)
    entered = await ruling_versions.enter(conn)
    await dirty.ask(conn, tenant, scopes, "dirty")
    await ruling_versions.insert_land(conn, tenant, row, entered)
    return Changed(row, device_days)


def touched(before: Land | None, after: Land | None) -> list[tuple[int, int]]:
    """Stretches of NZ days (both ends included, none overlapping) on which the two say different things."""
    if before == after:
        return []
    if before is not None and after is not None and _undated(before) == _undated(after):
        return list(_ends(before, after))
    spans = sorted((one.first_day, one.last_day) for one in (before, after) if one is not None)
    if len(spans) == 2 and spans[1][0] <= spans[0][1]:
        return [(spans[0][0], max(spans[0][1], spans[1][1]))]
    return spans


def _undated(land: Land) -> Land:
    return Land(land.id, land.name, land.kind, 0, 0, land.over_public, land.wkb)


def _ends(before: Land, after: Land) -> Iterator[tuple[int, int]]:
    """Where only the dates differ: the days of one that are not the other's."""
    for one, other in ((before, after), (after, before)):
        if one.first_day < other.first_day:
            yield one.first_day, min(one.last_day, other.first_day - 1)
        if one.last_day > other.last_day:
            yield max(one.first_day, other.last_day + 1), one.last_day
