"""What a recomputation would change, in metres and in cents, before anybody asks for it."""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import msgspec

from services.claims.application.peers import Recompute
from services.claims.application.refusals import invalid
from services.claims.application.statement.assess import Assessed, Broken, judge
from services.claims.application.statement.facts import Bound, Facts, by_device, load_facts
from services.claims.domain.policy import Policy
from services.claims.domain.statement.difference import DayDifference, Figures, LicenceDifference, compare_days
from services.claims.domain.statement.statement_parts import Revision
from services.claims.repo import ledger, records
from services.claims.repo.ledger import Window
from shared.contracts.device_day import DeviceDay, hash_of
from shared.contracts.recompute import RecomputeAsked
from shared.db.pool import Pool, tenant_tx

DEVICE_DAYS_MAX: Final = 10_000
"""Looked at in one dry run: two years of a dozen vehicles."""
LICENCES_MAX: Final = 2_000

Key = tuple[str, int]
"""(device, NZ day)."""


@dataclass(frozen=True)
class Difference:
    """`days`: those whose figures change.  `licences`: those whose figures change."""

    device_days: int
    days: tuple[DayDifference, ...]
    licences: tuple[LicenceDifference, ...]
    days_without_licence: int
    """Of `days`, those on which no licence stands: their metres are worth nothing."""


async def difference(
    pool: Pool, tenant: UUID, asked: RecomputeAsked, classifier: Recompute, policy: Policy, now_ms: int
) -> Difference:
    """Nothing is written.  Raises Problem 422 for too much at once or for what the classifier refuses, PeerUnavailable."""
    fresh = await _recomputed(asked, classifier)
    windows = [Window(device, day, day) for device, day in sorted(fresh)]
    async with tenant_tx(pool, tenant) as conn:
        current = {(one.day.device, one.day.day): one for one in await ledger.days_in(conn, tenant, windows)}
    as_settled = {key: _in_place_of(current.get(key), day) for key, day in fresh.items()}
    days = [
        found
        for key, day in sorted(as_settled.items())
        if (found := compare_days(current[key].day if key in current else None, day)) is not None
    ]
    changed = {(day.device, day.day) for day in days}
    async with tenant_tx(pool, tenant) as conn:
        ids = await records.licences_of_devices(conn, tenant, sorted({device for device, _ in changed}))
        if len(ids) > LICENCES_MAX:
            raise invalid(
                "/devices", f"{len(ids)} licences may change, at most {LICENCES_MAX} at once: name fewer devices"
            )
        facts = await load_facts(conn, tenant, ids, policy, now_ms, whole=True)
    licences, standing = await asyncio.to_thread(_licences, facts, as_settled, changed, policy)
    return Difference(len(fresh), tuple(days), tuple(licences), len(changed - standing))


async def _recomputed(asked: RecomputeAsked, classifier: Recompute) -> dict[Key, DeviceDay]:
    """Every page."""
    found: dict[Key, DeviceDay] = {}
    while True:
        page = await classifier.recompute(asked)
        if page.device_days > DEVICE_DAYS_MAX:
            raise invalid(
                "/to_on",
                f"{page.device_days} device-days, at most {DEVICE_DAYS_MAX} at once: take fewer days or devices",
            )
        found |= {(day.device, day.day): day for day in page.days}
        if page.next is None:
            return found
        asked = msgspec.structs.replace(asked, after=page.next)


def _in_place_of(current: Revision | None, day: DeviceDay) -> DeviceDay:
    """The day as the ledger would have it: while it is not settled it carries its totals only."""
    if current is None:
        return day
    segments = day.segments if current.day.settled else ()
    return msgspec.structs.replace(day, rev=current.day.rev, settled=current.day.settled, segments=segments)


def _licences(
    facts: Facts, fresh: Mapping[Key, DeviceDay], changed: Collection[Key], policy: Policy
) -> tuple[list[LicenceDifference], set[Key]]:
    """Licences whose figures change, and the changed days on which any licence stands."""
    days: dict[str, list[int]] = {}
    for device, day in sorted(changed):
        days.setdefault(device, []).append(day)
    touched = tuple(bound for bound in facts.bound if _touches(bound, days))
    before = replace(facts, bound=touched)
    after = replace(before, days=_with(facts.days, fresh), grounds={})
    found: list[LicenceDifference] = []
    standing: set[Key] = set()
    then, now = judge(before, policy).by_id(), judge(after, policy).by_id()
    for licence_id, new in now.items():
        if isinstance(new, Assessed):
            standing |= {(one.device, one.day) for one in new.statement.stands_on} & set(changed)
        one = _difference(then[licence_id], new)
        if one.before != one.after or one.before is None:
            found.append(one)
    return sorted(found, key=lambda one: (one.plate, one.number)), standing


def _touches(bound: Bound, days: Mapping[str, Sequence[int]]) -> bool:
    """`days`: in order, by device."""
    return any(
        bisect_left(some, first) < bisect_right(some, last)
        for device, first, last in bound.period.device_days
        if (some := days.get(device))
    )


def _with(days: Mapping[str, Sequence[Revision]], fresh: Mapping[Key, DeviceDay]) -> dict[str, list[Revision]]:
    """The ledger with the fresh days in the place of its own."""
    merged = {(device, one.day.day): one for device, some in days.items() for one in some}
    merged |= {key: Revision(day, hash_of(day)) for key, day in fresh.items()}
    return by_device(merged.values())


def _difference(old: Assessed | Broken, new: Assessed | Broken) -> LicenceDifference:
    known = next((one for one in (old, new) if isinstance(one, Assessed)), None)
    return LicenceDifference(
        licence_id=old.row.id,
        number=old.row.number,
        plate=old.licence.plate_at_issue,
        state=old.assessment.state if isinstance(old, Assessed) else "broken",
        claimed_as=old.mark.reference if old.mark is not None else "",
        rate=None if known is None else known.rate,
        before=_figures(old),
        after=_figures(new),
    )


def _figures(item: Assessed | Broken) -> Figures | None:
    return Figures.of(item.statement, item.assessment.estimate_cents) if isinstance(item, Assessed) else None
