"""Cases for the preflight: a clean claim, and a fault planted for every attack."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid5

from msgspec.structs import replace as changed

from services.claims.domain.claim.claim_fields import Applicant
from services.claims.domain.claim.line_life import LineAccount
from services.claims.domain.claim.second_application import Consent, EarlierLine
from services.claims.domain.findings import Finding, Waiver
from services.claims.domain.preflight.attacks import attack
from services.claims.domain.preflight.case import (
    Alike,
    Attack,
    Case,
    Ground,
    LandFact,
    Lodged,
    PlateSpan,
    Subject,
)
from services.claims.domain.preflight.ground import BEFORE_FIRST, METRES_A_DEGREE
from services.claims.domain.register.recorder import Conflict
from services.claims.domain.register.vehicle import Assignment, Ending
from services.claims.domain.statement.boundary import Boundary
from services.claims.domain.statement.log_entry import LogEntry, Logged
from services.claims.domain.statement.statement import make_statement
from services.claims.domain.statement.statement_parts import Amounts, Statement
from services.claims.domain.statement.usual_share import Look
from services.classifier.domain.reasons import why
from shared.contracts.device_day import DeviceDay, Hold, Segment
from shared.nz_days import to_ordinal
from tests.unit.claims.builders import (
    CLAIMANT,
    KM,
    NAMESPACE,
    VEHICLE,
    days_from,
    ledger,
    licence,
    nz,
    record,
    run,
)
from tests.unit.claims.judging import DAYS, FOLLOWING, POLICY, READINGS, TODAY, USUAL, assessed

APPLICANT = Applicant(
    claimant_id=CLAIMANT, name="Hill Farms Limited", customer_number="123456789", first_claim=False,
    bank_account="01-0242-0100194-00", bank_account_name="Hill Farms Ltd", address="", phone="06 388 0000", email="a@b.nz",
)  # fmt: skip
OTHER_VEHICLE = uuid5(NAMESPACE, "another vehicle")
FAR_LAND = LandFact("Ridge", False, "", 0, 1 << 30, nz(2020, 1, 1), 0, 0, 10_000, 10_000)


def subject(
    days: list[DeviceDay] | None = None, statement: Statement | None = None, whole: Any = None, **more: Any
) -> Subject:
    one = licence(plate_at_issue="ABC123")
    whole = whole or record([one, FOLLOWING], READINGS)
    days = DAYS if days is None else days
    made = make_statement(one, whole, ledger(*days), POLICY.rate_rises) if statement is None else statement
    fields: dict[str, Any] = {
        "licence": one, "record": whole, "statement": made, "assessment": assessed(one, whole, days, USUAL),
        "days": tuple(days), "plate": "ABC123", "distance_km": made.claimable_km, "lodged_hash": None,
        "earlier": (), "plates": (PlateSpan("ABC123", nz(2010, 1, 1), None),), "waivers": (), "looks": (), "alike": (), "holds": (),
        "held_until": date(2028, 5, 31),
    }  # fmt: skip
    return Subject(**(fields | more))


def before(one: Subject | None = None, **more: Any) -> Case:
    """340 of the 400 km were claimed in an earlier claim, to which the Agency agreed that another may follow."""
    line = EarlierLine(
        claim_id=uuid5(NAMESPACE, "first"), number="RUCOR-000001", lodged_at=nz(2026, 4, 1), lodged_on=date(2026, 4, 1),
        account=LineAccount(claimed_km=340), estimate_cents=None,
        consent=Consent(reference="letter 17", on=date(2026, 5, 2)),
    )  # fmt: skip
    return case(replace(one or subject(), earlier=(replace(line, **more),)))


def case(*subjects: Subject, **more: Any) -> Case:
    fields: dict[str, Any] = {
        "today": TODAY, "policy": POLICY, "subjects": subjects or (subject(),), "applicant": APPLICANT, "waivers": (),
        "assignments": (Assignment(device="d1", vehicle_id=VEHICLE, from_at=nz(2010, 1, 1)),),
        "ground": Ground(lands=(FAR_LAND,), derived={"roads1": False}), "lodged": None,
    }  # fmt: skip
    return Case(**(fields | more))


def with_(**more: Any) -> Subject:
    """The clean licence with some of its statement's fields changed."""
    made = subject()
    return replace(made, statement=replace(made.statement, **more))


def amounts(**more: Any) -> Amounts:
    return changed(subject().statement.totals, **more)


def found(asked: Case) -> dict[str, Attack]:
    return {one.id: one for one in attack(asked)}


def same_time_on_another_recorder() -> Case:
    one, later = subject(), subject()
    other = replace(later.licence, id=uuid5(NAMESPACE, "L9"), number="L9", recorder_id=uuid5(NAMESPACE, "second"))
    return case(one, replace(later, licence=other))


def overlapping_range() -> Case:
    """Its range reaches into the next licence's."""
    return case(with_(window=replace(subject().statement.window, end=5500)))


def moved(from_day: int, until_day: int | None = None) -> Case:
    until = None if until_day is None else nz(2026, 3, until_day, 6)
    elsewhere = Assignment(device="d1", vehicle_id=OTHER_VEHICLE, from_at=nz(2026, 3, from_day, 6), until_at=until)
    return case(assignments=(elsewhere,))


def before_the_licence() -> Case:
    """Taken off another vehicle in the morning of the licence's first day."""
    elsewhere = Assignment(device="d1", vehicle_id=OTHER_VEHICLE, from_at=nz(2026, 1, 1), until_at=nz(2026, 3, 1))
    return case(assignments=(elsewhere,))


def sold(reading_then: int, on: int) -> Case:
    ending = Ending(kind="sold", at=nz(2026, 3, on, 18), recorder_id=uuid5(NAMESPACE, "recorder"), reading=reading_then)
    made = subject()
    gone = replace(made.record, vehicle=replace(made.record.vehicle, endings=(ending,)))
    return case(replace(made, record=gone))


def drifting() -> Case:
    stretch = subject().statement.stretches[0]
    return case(with_(stretches=(replace(stretch, recorder_mm=1_000 * KM, odometer_mm=900 * KM),)))


def gps_above() -> Case:
    stretch = subject().statement.stretches[0]
    return case(with_(stretches=(replace(stretch, recorder_mm=1_000 * KM, gps_mm=1_060 * KM),)))


LARGER = Finding(rule="EL7", outcome="warn", reason="larger than expected", source="policy")


def larger(*looks: Look) -> Case:
    made = subject()
    judged = replace(made.assessment, findings=(*made.assessment.findings, LARGER))
    return case(replace(made, assessment=judged, looks=looks))


def look(reason: str = "harvest on the new block in March") -> Look:
    return Look(statement_hash=subject().statement.hash, reason=reason, actor="R Hill", at=nz(2026, 5, 1))


def banded(days: int) -> Case:
    begin = subject().statement.start.ms or 0
    wide = Boundary(ms=begin, units=4000, located="interpolated", band_ms=(begin, begin + days * 86_400_000))
    return case(with_(start=wide))


def unread() -> Case:
    return case(with_(end=replace(subject().statement.end, located="extrapolated")))


def unknown(mm: int, basis: str) -> Case:
    return case(with_(totals=amounts(unknown_mm=mm, unknown_by_basis=((basis, mm),))))


def logged(mm: int, reason: str = "no power in the device on that day") -> Case:
    entry = LogEntry(
        id=uuid5(NAMESPACE, "log"), licence_id=licence().id, on=date(2026, 3, 5), mm=mm, reason=reason, actor="R Hill",
        attachment_id=uuid5(NAMESPACE, "file"), at=nz(2026, 5, 1),
    )  # fmt: skip
    return case(with_(log=(Logged(entry, mm),)))


def fixes_on_a_day(count: int) -> Case:
    first, *rest = subject().statement.lines
    return case(with_(lines=(changed(first, fixes=count), *rest)))


def on_land(basis: Any, declared_at: Any, first_day: date, **more: Any) -> Case:
    """40 km a day off road on declared land Quarry."""
    named = replace_segment(run("off_road", 40 * KM, 9, 12, basis=basis), why=why(basis, "Quarry"))
    days = days_from(date(2026, 3, 1), 10, run("public_road", 55 * KM, 7, 9), named)
    quarry = LandFact(
        "Quarry", True, "closed by the council in 2025", to_ordinal(first_day), 1 << 30, declared_at, 0, 0, 1, 1
    )
    lands = more.pop("lands", (quarry,))
    return case(subject(days), ground=Ground(lands=lands, derived={}), **more)


def replace_segment(segment: Segment, **more: Any) -> Segment:
    return Segment(**({name: getattr(segment, name) for name in segment.__struct_fields__} | more))


def far_away(metres: int) -> Case:
    """The off-road travel lies at 0, 0; the only declared land's box begins so far north of that place."""
    south = round((metres / METRES_A_DEGREE) * 1e6) + 5_000
    land = LandFact("Ridge", False, "", 0, 1 << 30, nz(2020, 1, 1), south, 0, south + 1, 1)
    return case(ground=Ground(lands=(land,), derived={}))


def before_first() -> Case:
    first, *rest = DAYS
    marked = DeviceDay(**({f: getattr(first, f) for f in first.__struct_fields__} | {"incidents": (BEFORE_FIRST,)}))
    return case(subject([marked, *rest]))


def waived(reason: str) -> Case:
    return case(
        subject(waivers=(Waiver(rule="EL4", reason=reason, actor="R Hill", at=nz(2026, 5, 1), covers=frozenset()),))
    )


def confirmed(reason: str) -> tuple[Waiver, ...]:
    return (Waiver(rule="EL8", reason=reason, actor="R Hill", at=nz(2026, 5, 1), covers=frozenset({"key"})),)


def wrong_name(key: str = "key", **more: Any) -> Case:
    return case(applicant=replace(APPLICANT, bank_account_name="R Hill", account_key=key), **more)


def received(on: date | None, today: date = TODAY) -> Case:
    return case(lodged=Lodged(on=date(2026, 5, 20), sent_on=None, received_on=on), today=today)


HOLD = Hold(tenant="t1", device="d1", day=to_ordinal(date(2026, 3, 5)), kind="dirty", open=True, rev=1)
STALE = "e" * 64
PLANTED: list[tuple[str, str, Callable[[], Case]]] = [
    ("same_kilometres", "fails", same_time_on_another_recorder),
    ("same_kilometres", "fails", overlapping_range),
    ("device_on_two_vehicles", "fails", lambda: moved(3, 5)),
    ("device_on_two_vehicles", "fails", lambda: moved(8)),
    ("device_on_two_vehicles", "weak", before_the_licence),
    ("typed_twice", "fails", lambda: case(subject(alike=(Alike("LI", claimed=True),)))),
    ("typed_twice", "weak", lambda: case(subject(alike=(Alike("LI", claimed=False),)))),
    ("plates", "fails", lambda: case(subject(plate="XYZ9"))),
    ("plates", "weak", lambda: case(subject(plates=(PlateSpan("ABC123", nz(2026, 4, 1), None),)))),
    ("sold_vehicle", "weak", lambda: sold(5000, 20)),
    ("sold_vehicle", "fails", lambda: sold(4500, 5)),
    ("readings", "fails", lambda: case(with_(conflicts=(Conflict(0, 0, "4500 is below 4600"),)))),
    ("readings", "fails", gps_above),
    ("readings", "weak", drifting),
    ("unusual_share", "fails", larger),
    ("unusual_share", "weak", lambda: larger(look())),
    ("boundaries", "fails", unread),
    ("boundaries", "weak", lambda: banded(9)),
    ("boundaries", "weak", lambda: unknown(25 * KM, "drift_band")),
    ("unknown_distance", "weak", lambda: unknown(200 * KM, "gap")),
    ("manual_log", "weak", lambda: logged(30 * KM)),
    ("manual_log", "fails", lambda: logged(150 * KM)),
    ("days_without_fix", "fails", lambda: fixes_on_a_day(0)),
    ("days_without_fix", "weak", lambda: fixes_on_a_day(3)),
    ("like_roads", "weak", lambda: unknown(20 * KM, "like_a_road")),
    ("over_public_roads", "weak", lambda: on_land("declared_over_public", nz(2026, 1, 1), date(2026, 1, 1))),
    ("over_public_roads", "fails", lambda: on_land("declared_over_public", nz(2026, 1, 1), date(2026, 1, 1), lands=())),
    ("land_in_time", "fails", lambda: on_land("declared_land", nz(2026, 1, 1), date(2026, 3, 6))),
    ("land_in_time", "weak", lambda: on_land("declared_land", nz(2026, 4, 1), date(2026, 1, 1))),
    ("far_place", "weak", lambda: far_away(6_000)),
    ("road_data", "weak", lambda: case(ground=Ground(lands=(FAR_LAND,), derived={"roads1": True}))),
    ("road_data", "weak", before_first),
    ("thin_reasons", "weak", lambda: waived("ok")),
    ("thin_reasons", "weak", lambda: larger(look("x"))),
    ("thin_reasons", "weak", lambda: logged(KM, "forgot")),
    ("thin_reasons", "weak", lambda: case(waivers=confirmed("fine"))),
    ("bank_account", "fails", wrong_name),
    ("bank_account", "fails", lambda: wrong_name("another", waivers=confirmed("R Hill owns the company alone"))),
    ("bank_account", "weak", lambda: wrong_name(waivers=confirmed("R Hill owns the company alone"))),
    ("bank_account", "fails", lambda: case(applicant=replace(APPLICANT, bank_account="01-0242-0100195-00"))),
    ("late_receipt", "fails", lambda: received(date(2028, 3, 1))),
    ("late_receipt", "fails", lambda: received(None, date(2028, 3, 1))),
    ("late_receipt", "weak", lambda: received(None, date(2028, 2, 27))),
    ("claimed_before", "fails", lambda: before(consent=None)),
    ("claimed_before", "fails", lambda: before(subject(distance_km=61))),
    ("claimed_before", "weak", lambda: before(subject(distance_km=60))),
    ("late_data", "fails", lambda: before(subject(distance_km=61))),
    ("late_data", "fails", lambda: case(subject(distance_km=401))),
    ("late_data", "weak", lambda: case(subject(lodged_hash=STALE))),
    ("late_data", "weak", lambda: case(subject(holds=(HOLD,)))),
    ("late_data", "weak", lambda: case(with_(unsettled_days=2))),
    ("evidence_kept", "weak", lambda: received(date(2028, 6, 1), date(2028, 6, 1))),
    ("evidence_kept", "fails", lambda: case(today=date(2031, 6, 1))),
]  # fmt: skip
