"""Small pieces of a register and a ledger, so that a test says only what it is about."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

from services.claims.domain.instants import to_ms
from services.claims.domain.register.licence import Licence, LicenceKind, VehicleRecord
from services.claims.domain.register.recorder import Recorder, RecorderReading, Unit
from services.claims.domain.register.vehicle import Assignment, Coupling, Ending, Vehicle
from services.claims.domain.statement.statement import Revision, Statement, make_statement
from shared.contracts.device_day import Basis, DeviceDay, Kind, Reading, Segment, Surface, Total
from shared.nz_days import AUCKLAND, bounds_ms, to_ordinal

NAMESPACE = UUID(int=7)
KM = 1_000_000
HOUR_MS = 3_600_000
CLAIMANT = uuid5(NAMESPACE, "claimant")
VEHICLE = uuid5(NAMESPACE, "vehicle")
RECORDER = uuid5(NAMESPACE, "recorder")
BASIS: dict[Surface, Basis] = {
    "public_road": "mapped_public",
    "off_road": "no_road",
    "unknown": "ambiguous",
    "carried": "carried",
    "uncovered": "no_licence",
}


def nz(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """An instant by the NZ wall clock, given in UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=AUCKLAND).astimezone(UTC)


def recorder(
    unit: Unit = "km", rollover_at: int | None = None, removed_at: datetime | None = None, name: str = "recorder"
) -> Recorder:
    return Recorder(
        id=uuid5(NAMESPACE, name),
        vehicle_id=VEHICLE,
        kind="hubodometer",
        serial=f"H-{name}",
        unit=unit,
        rollover_at=rollover_at,
        fitted_at=nz(2010, 1, 1),
        removed_at=removed_at,
    )


def reading(at: datetime, value: int, *, actual: bool = True, name: str = "recorder") -> RecorderReading:
    of = uuid5(NAMESPACE, name)
    return RecorderReading(id=uuid5(of, f"{at} {value}"), recorder_id=of, at=at, value=value, actual=actual)


def licence(
    number: str = "L1",
    start: int = 4000,
    end: int = 5000,
    issued_at: datetime | None = None,
    kind: LicenceKind = "D",
    gross_cents: int | None = 7600,
    purchased_on: date | None = None,
    name: str = "recorder",
    **more: object,
) -> Licence:
    issued = issued_at or nz(2026, 3, 1)
    return Licence(
        id=uuid5(NAMESPACE, number),
        claimant_id=CLAIMANT,
        vehicle_id=VEHICLE,
        recorder_id=uuid5(NAMESPACE, name),
        number=number,
        kind=kind,
        start_reading=start,
        end_reading=end,
        issued_at=issued,
        purchased_on=purchased_on or issued.astimezone(AUCKLAND).date(),
        gross_cents=gross_cents,
        **more,  # type: ignore[arg-type]
    )


def vehicle(*endings: Ending, **more: object) -> Vehicle:
    return Vehicle(id=VEHICLE, endings=endings, **more)  # type: ignore[arg-type]


def record(
    licences: Sequence[Licence],
    readings: Sequence[RecorderReading] = (),
    *,
    of: Vehicle | None = None,
    recorders: Sequence[Recorder] | None = None,
    assignments: Sequence[Assignment] | None = None,
    couplings: Sequence[Coupling] = (),
) -> VehicleRecord:
    always = Assignment(device="d1", vehicle_id=VEHICLE, from_at=nz(2010, 1, 1))
    return VehicleRecord(
        vehicle=of or vehicle(),
        recorders=tuple(recorders or (recorder(),)),
        readings=tuple(readings),
        licences=tuple(licences),
        assignments=(always,) if assignments is None else tuple(assignments),
        couplings=tuple(couplings),
    )


def run(
    surface: Surface, mm: int, start_h: float, end_h: float, kind: Kind = "drive", basis: Basis | None = None
) -> Segment:
    """Hours since midnight; `ddays` moves it to its day."""
    kind = "carried" if surface == "carried" else kind
    return Segment(
        int(start_h * HOUR_MS),
        int(end_h * HOUR_MS),
        surface,
        basis or BASIS[surface],
        kind,
        True,
        mm,
        "scheme",
        0,
        0,
        0,
        0,
    )


def device_day(
    on: date,
    *runs: Segment,
    device: str = "d1",
    odometer: tuple[int, int] | None = None,
    settled: bool = True,
    rev: int = 1,
    display_unit_mm: int = 1,
    keep_segments: bool = True,
) -> DeviceDay:
    """`odometer`: the device's readings in mm at the start of the first and the end of the last run."""
    base, _ = bounds_ms(to_ordinal(on))
    segments = tuple(
        Segment(base + s.start_ms, base + s.end_ms, *(getattr(s, f) for f in s.__struct_fields__[2:])) for s in runs
    )
    totals: dict[tuple[Surface, Basis, Kind, bool], int] = {}
    for s in segments:
        key = (s.surface, s.basis, s.kind, s.in_stretch)
        totals[key] = totals.get(key, 0) + s.mm
    first, last = (segments[0].start_ms, segments[-1].end_ms) if segments else (0, 0)
    ends = (Reading(first, odometer[0]), Reading(last, odometer[1])) if odometer else (None, None)
    return DeviceDay(
        tenant="t1",
        device=device,
        day=to_ordinal(on),
        rev=rev,
        settled=settled,
        totals=tuple(Total(*key, mm) for key, mm in totals.items()),
        segments=segments if settled and keep_segments else (),
        first_reading=ends[0],
        last_reading=ends[1],
        readings=tuple(r for r in ends if r is not None),
        display_unit_mm=display_unit_mm,
        fixes=10 * len(segments),
        first_fix_ms=first,
        last_fix_ms=last,
        engine_on_ms=last - first,
        covered_ms=last - first,
        road_set="roads1",
    )


def ledger(*days: DeviceDay) -> list[Revision]:
    return [Revision.of(day) for day in days]


def statement_of(of: Licence, vehicle_record: VehicleRecord, *days: DeviceDay) -> Statement:
    return make_statement(of, vehicle_record, ledger(*days), ())


def days_from(first: date, count: int, *runs: Segment) -> list[DeviceDay]:
    """The same runs on `count` days in a row."""
    return [device_day(first + timedelta(days=i), *runs) for i in range(count)]


def ms(at: datetime) -> int:
    return to_ms(at)
