"""Attacks on whose kilometres these are: licences, devices, numbers, plates, sales."""

from collections.abc import Iterator
from datetime import datetime
from itertools import combinations
from typing import Final

from services.claims.domain.claim.second_application import standing_km
from services.claims.domain.claim.taken import RULE
from services.claims.domain.findings import km
from services.claims.domain.instants import nz_date, to_ms
from services.claims.domain.preflight.case import Case, Hit, Probe, Subject, hit
from services.claims.domain.register.vehicle import Assignment
from services.claims.domain.statement.window import claimable_range


def _same_kilometres(case: Case) -> Iterator[Hit]:
    stated = {subject.licence.id: subject.statement.window for subject in case.subjects}
    for subject in case.subjects:
        own = subject.statement.window
        for other in subject.record.licences:
            if other.id == subject.licence.id or other.recorder_id != subject.licence.recorder_id:
                continue
            its = stated.get(other.id) or claimable_range(other, subject.record, case.policy.rate_rises)
            if max(own.start, its.start) < min(own.end, its.end):
                answer = f"its range on the recorder overlaps with that of licence {other.number}"
                yield hit(subject, "fails", answer, ("other", other.number))
        for finding in subject.assessment.findings:  # as lodging would be refused
            if finding.rule == RULE and finding.outcome == "fail":
                yield hit(subject, "fails", finding.reason, *finding.inputs)
    in_order = sorted(case.subjects, key=lambda one: (one.licence.number, str(one.licence.id)))
    for one, two in combinations(in_order, 2):  # a clash of two is told once, of the first
        if one.licence.vehicle_id != two.licence.vehicle_id or one.licence.recorder_id == two.licence.recorder_id:
            continue
        if _meets(_time(one), _time(two)):
            answer = f"it was travelled at the same time as licence {two.licence.number} of the same vehicle"
            yield hit(one, "fails", answer, ("other", two.licence.number))


def _time(subject: Subject) -> tuple[int, int] | None:
    start, end = subject.statement.start.ms, subject.statement.end.ms
    return None if start is None or end is None else (start, end)


def _meets(one: tuple[int, int] | None, two: tuple[int, int] | None) -> bool:
    return one is not None and two is not None and max(one[0], two[0]) < min(one[1], two[1])


def _device_on_two_vehicles(case: Case) -> Iterator[Hit]:
    for subject in case.subjects:
        for span in subject.statement.spans:
            if span.towed:
                continue  # the device of the vehicle in front: the same road run by truck and trailer (rule VE1)
            for other in case.assignments:
                if other.device != span.device or other.vehicle_id == subject.licence.vehicle_id:
                    continue
                if _overlaps(other, span.from_ms, span.until_ms):
                    answer = f"device {span.device} is recorded on another vehicle at the same time"
                    yield hit(subject, "fails", answer, ("device", span.device))
                elif (moved := _same_day(other, subject)) is not None:
                    answer = f"device {span.device} was moved to or from another vehicle on {nz_date(moved)}"
                    yield hit(subject, "weak", answer, ("device", span.device), ("moved_on", str(nz_date(moved))))


def _overlaps(other: Assignment, from_ms: int, until_ms: int) -> bool:
    return to_ms(other.from_at) < until_ms and (other.until_at is None or to_ms(other.until_at) > from_ms)


def _same_day(other: Assignment, subject: Subject) -> datetime | None:
    """The instant of a change of vehicle on a day that has metres of the licence."""
    travelled = {line.on for line in subject.statement.lines}
    return next((at for at in (other.from_at, other.until_at) if at is not None and nz_date(at) in travelled), None)


def _typed_twice(case: Case) -> Iterator[Hit]:
    for subject in case.subjects:
        for other in subject.alike:
            answer = f"licence {other.number} can be read as the same number"
            if other.claimed:
                yield hit(subject, "fails", f"{answer}, and it is claimed", ("other", other.number))
            else:
                yield hit(subject, "weak", answer, ("other", other.number))


def _claimed_before(case: Case) -> Iterator[Hit]:
    """Rules EL4 and CL5."""
    for subject in case.subjects:
        if not subject.earlier:
            continue
        last, stands = subject.earlier[-1], standing_km(subject.earlier)
        both, shown = stands + subject.distance_km, subject.statement.claimable_km
        named = ", ".join(line.number for line in subject.earlier)
        inputs = (("claims", named), ("earlier_km", str(stands)), ("claimed_km", str(subject.distance_km)))
        if last.consent is None:
            answer = f"it was claimed in {named}, and no consent to another application is on record"
            yield hit(subject, "fails", answer, *inputs)
        elif stands and both > shown:
            answer = (
                f"{stands} km of it stand in {named}: with the {subject.distance_km} km of this claim that is {both} km, and "
                f"the evidence shows {shown}"
            )
            yield hit(subject, "fails", answer, *inputs, ("consent", last.consent.reference))
        else:
            answer = (
                f"{stands} km of it stand in {named}; the Agency agreed to this application for the rest "
                f"({last.consent.reference}, {last.consent.on})"
            )
            yield hit(subject, "weak", answer, *inputs, ("consent", last.consent.reference))


def _plates(case: Case) -> Iterator[Hit]:
    for subject in case.subjects:
        at = subject.licence.issued_at
        borne = [p.plate for p in subject.plates if p.from_at <= at and (p.to_at is None or at < p.to_at)]
        inputs = (("on_the_form", subject.plate), ("at_issue", borne[0] if borne else "not known"))
        if not borne:
            yield hit(
                subject, "weak", "the register does not know the plate that the vehicle bore at the issue", *inputs
            )
        elif borne[0] != subject.plate:
            answer = f"the form says {subject.plate}, but the vehicle bore {borne[0]} when the licence was issued"
            yield hit(subject, "fails", answer, *inputs)


def _sold(case: Case) -> Iterator[Hit]:
    for subject in case.subjects:
        gone = [e for e in subject.record.vehicle.endings if e.kind != "exempt" and e.at >= subject.licence.issued_at]
        if not gone:
            continue
        first = min(gone, key=lambda one: one.at)
        on = nz_date(first.at)
        late = sum(line.amounts.off_road_mm for line in subject.statement.lines if line.on > on)
        inputs = ((first.kind, str(on)), ("off_road_mm_afterwards", str(late)))
        if late:
            yield hit(
                subject, "fails", f"{km(late)} off road are claimed after the vehicle was {first.kind} on {on}", *inputs
            )
        elif first.kind == "sold":
            answer = f"the vehicle was sold on {on}: its buyer may claim on this licence too"
            yield hit(subject, "weak", answer, *inputs)


PROBES: Final = (
    Probe(
        id="same_kilometres",
        rule="LI4",
        question="Are the same kilometres claimed on two licences of the vehicle, or refunded otherwise too?",
        holds="no two licences of a recorder share a part of its range, no two of a vehicle the same time",
        to_do="correct the readings of the two licences, mark the later one as an overlap, or withdraw the other claim",
        find=_same_kilometres,
    ),
    Probe(
        id="device_on_two_vehicles",
        rule="VE4",
        question="Did the device that proves this travel sit on another vehicle?",
        holds="each device was on this vehicle alone for the whole of the time that it speaks for",
        to_do="check the instant of the change against the fitter's paper, and correct the assignment",
        find=_device_on_two_vehicles,
    ),
    Probe(
        id="typed_twice",
        rule="LI4",
        question="Was the same paper licence entered twice under another spelling (O for 0, I for 1)?",
        holds="no other licence of the register can be read as one of these numbers",
        to_do="compare both with the paper, and strike the one that is wrong",
        find=_typed_twice,
    ),
    Probe(
        id="claimed_before",
        rule="EL4",
        question="Was this licence applied for before, and are the same kilometres claimed again?",
        holds="no earlier application stands for any of these licences",
        to_do="show the Agency's letter with this claim, and claim only what the earlier application left out",
        find=_claimed_before,
    ),
    Probe(
        id="plates",
        rule="VE1",
        question="Is the plate on the form the one that the licence was issued to?",
        holds="every line prints the plate that the vehicle bore at the licence's issue",
        to_do="enter the vehicle's plates with their days",
        find=_plates,
    ),
    Probe(
        id="sold_vehicle",
        rule="EL5",
        question="Was the vehicle sold or cancelled, and is travel after that claimed?",
        holds="no vehicle left the fleet while its licence ran",
        to_do="keep the sale's paper with its reading; ask the buyer not to claim on this licence",
        find=_sold,
    ),
)
