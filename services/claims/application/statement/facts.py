"""Everything that statements and eligibility of some licences stand on, loaded in a fixed number of queries.  Every use case
that looks at licences begins here; what it comes to says `assess.py`."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.claims.application.statement.binding import record_of
from services.claims.application.statement.quick import worked_out
from services.claims.domain.instants import from_ms, nz_date
from services.claims.domain.policy import Policy
from services.claims.domain.register.licence import Licence, VehicleRecord
from services.claims.domain.register.vehicle import DeviceSpan
from services.claims.domain.statement.faulty import OpenMark
from services.claims.domain.statement.present import present_spans
from services.claims.domain.statement.statement import (
    EvidencePeriod,
    Grounds,
    Revision,
    evidence_period,
    grounds_of,
    wanted_whole,
)
from services.claims.repo import faulty, ledger
from services.claims.repo.ledger import Window
from services.claims.repo.licences import LicenceRow
from services.claims.repo.records import Register, register_around
from shared.contracts.device_day import Hold
from shared.db.pool import Connection
from shared.nz_days import day_of


@dataclass(frozen=True)
class Bound:
    """One licence with its vehicle's record and the device-days it may need."""

    row: LicenceRow
    licence: Licence
    record: VehicleRecord
    period: EvidencePeriod
    gps_type: str
    """Of the device that speaks for the vehicle last in the licence's period, "" where none was given (rule CL1)."""
    ahead: tuple[DeviceSpan, ...] | None = None
    """The devices that show where the recorder stands now; None where nothing of the licence is ahead (rule LI6)."""


@dataclass(frozen=True)
class Facts:
    """As read in one transaction."""

    tenant: UUID
    today: date
    now_ms: int
    register: Register
    bound: tuple[Bound, ...]
    days: Mapping[str, Sequence[Revision]]
    """By device, in order of days."""
    holds: list[Hold]
    progress: dict[int, int]
    marks: list[OpenMark]
    """Data marked as faulty that are not settled yet."""
    grounds: Mapping[UUID, Grounds] = field(default_factory=dict, compare=False)
    """Of some of the licences, by id, as `days` make them; whoever puts other days here leaves them out."""


async def load_facts(
    conn: Connection, tenant: UUID, licence_ids: Sequence[UUID], policy: Policy, now_ms: int, *, whole: bool = False
) -> Facts:
    """A dozen round trips, whatever the number of licences.  Unknown licences are left out.  `whole`: with the segments of
    every day, for those who put other days in the place of some; else of those days only that the statements need."""
    register = await register_around(conn, tenant, licence_ids)
    rows = {row.id: row for row in register.licences}
    apart = register.apart()
    records = {vehicle_id: record_of(vehicle_id, own) for vehicle_id, own in apart.items()}
    bound = []
    for licence_id in register.asked:
        row = rows[licence_id]
        record = records[row.vehicle_id]
        licence = next(lic for lic in record.licences if lic.id == licence_id)
        period = evidence_period(licence, record, policy.rate_rises, now_ms)
        gps_type = _gps_type(period, apart[row.vehicle_id])
        bound.append(Bound(row, licence, record, period, gps_type, present_spans(licence, record, now_ms)))
    windows = [Window(*window) for window in sorted({w for b in bound for w in b.period.device_days})]
    days, grounds = (
        (by_device(await ledger.days_in(conn, tenant, _with_ahead(windows, bound))), {})
        if whole
        else await _days_needed(conn, tenant, _with_ahead(windows, bound), bound, policy)
    )
    return Facts(
        tenant=tenant,
        today=nz_date(from_ms(now_ms)),
        now_ms=now_ms,
        register=register,
        bound=tuple(bound),
        days=days,
        holds=await ledger.open_holds(conn, tenant, windows),
        progress=await ledger.progress(conn),
        marks=await faulty.open_marks(conn, tenant, windows),
        grounds=grounds,
    )


def _with_ahead(windows: Sequence[Window], bound: Sequence[Bound]) -> list[Window]:
    spans = {span for one in bound for span in one.ahead or ()}
    ahead = {Window(one.device, day_of(one.from_ms), day_of(one.until_ms - 1)) for one in spans}
    return sorted({*windows, *ahead}, key=lambda one: (one.device, one.first_day, one.last_day))


def by_device(days: Iterable[Revision]) -> dict[str, list[Revision]]:
    """In order of days."""
    found: dict[str, list[Revision]] = {}
    for one in sorted(days, key=_number):
        found.setdefault(one.day.device, []).append(one)
    return found


async def _days_needed(
    conn: Connection, tenant: UUID, windows: Sequence[Window], bound: Sequence[Bound], policy: Policy
) -> tuple[dict[str, list[Revision]], dict[UUID, Grounds]]:
    """Only those days whole that a statement needs so; a boundary that whole days move may need others."""
    asked = {day for one in bound for day in one.period.whole_days}
    days = by_device(await ledger.summaries_in(conn, tenant, windows, sorted(asked)))
    while True:
        grounds, named = await worked_out([days], _grounds, bound, days, policy)
        wanted = sorted(named - asked)
        if not wanted:
            return days, grounds
        asked.update(wanted)
        for one in await ledger.days_in(conn, tenant, [Window(device, day, day) for device, day in wanted]):
            mine = days[one.day.device]
            mine[bisect_left(mine, one.day.day, key=_number)] = one


def _grounds(
    bound: Sequence[Bound], days: Mapping[str, Sequence[Revision]], policy: Policy
) -> tuple[dict[UUID, Grounds], set[tuple[str, int]]]:
    """What the statements stand on with these days, and which days they need whole."""
    found: dict[UUID, Grounds] = {}
    wanted: set[tuple[str, int]] = set()
    for one in bound:
        revisions = revisions_of(one, days)
        with suppress(Exception):  # of one licence: `judge` comes to the same, and says so
            stood = grounds_of(one.licence, one.record, revisions, policy.rate_rises)
            wanted.update(wanted_whole(stood, revisions))
            found[one.row.id] = stood
    return found, wanted


def revisions_of(bound: Bound, days: Mapping[str, Sequence[Revision]]) -> list[Revision]:
    """Of the licence's device-days; one that lies in two of its windows twice."""
    found: list[Revision] = []
    for device, first, last in bound.period.device_days:
        some = days.get(device, ())
        found += some[bisect_left(some, first, key=_number) : bisect_right(some, last, key=_number)]
    return found


def _number(one: Revision) -> int:
    return one.day.day


def _gps_type(period: EvidencePeriod, own: Register) -> str:
    """Rule CL1: "specify type" is prefilled from the device."""
    types = {a.device: a.gps_type for a in sorted(own.assignments, key=lambda a: a.from_at) if a.gps_type}
    devices = [span.device for span in sorted(period.spans)]
    return next((types[device] for device in reversed(devices) if device in types), "")
