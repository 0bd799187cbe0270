"""Attacks on the distance: readings, boundaries, unknown and logged metres, days without fixes."""

from collections.abc import Iterator
from typing import Final

from services.claims.domain.findings import km, percent
from services.claims.domain.instants import from_ms, nz_date
from services.claims.domain.preflight import limits
from services.claims.domain.preflight.case import Case, Hit, Outcome, Probe, hit, share_percent
from services.claims.domain.statement.boundary import Boundary
from services.claims.domain.statement.statement_parts import Line, Statement, recorder_totals
from services.claims.domain.statement.usual_share import is_looked_at

DAY_MS: Final = 86_400_000


def _readings(case: Case) -> Iterator[Hit]:
    for subject in case.subjects:
        statement = subject.statement
        for conflict in statement.conflicts:
            yield hit(subject, "fails", f"readings contradict each other: {conflict.text}")
        gps_mm, recorder_mm = recorder_totals(statement.stretches)
        above_mm, limit = gps_mm - recorder_mm, case.policy.gps_above_recorder_percent
        if recorder_mm and above_mm > statement.unit_mm and above_mm * 100 > recorder_mm * limit:
            answer = f"GPS shows {km(gps_mm)}, more than the recorder's {km(recorder_mm)}"
            yield hit(subject, "fails", answer, ("gps_mm", str(gps_mm)), ("recorder_mm", str(recorder_mm)))
        yield from (hit(subject, "weak", text) for text in _drifts(statement))


def _drifts(statement: Statement) -> Iterator[str]:
    """Stretches between readings whose device odometer does not fit the recorder, beyond a display unit at each end."""
    for one in statement.stretches:
        if one.recorder_mm is None or one.odometer_mm is None:
            continue
        drift_mm = abs(one.odometer_mm - one.recorder_mm)
        if drift_mm > 2 * statement.unit_mm and drift_mm * 100 > one.recorder_mm * limits.DRIFT_PERCENT:
            days = f"{nz_date(from_ms(one.from_ms))} to {nz_date(from_ms(one.until_ms))}"
            yield f"from {days} the recorder counted {km(one.recorder_mm)}, the device's odometer {km(one.odometer_mm)}"


def _unusual(case: Case) -> Iterator[Hit]:
    for subject in case.subjects:
        for finding in subject.assessment.findings:
            if finding.rule != "EL7" or finding.outcome != "warn":
                continue
            for act in is_looked_at(finding, subject.lodged_hash or subject.statement.hash, subject.looks):
                outcome: Outcome = "weak" if act.outcome == "pass" else "fails"
                yield hit(subject, outcome, f"{finding.reason}; {act.reason}", *finding.inputs)


def _boundaries(case: Case) -> Iterator[Hit]:
    for subject in case.subjects:
        statement = subject.statement
        for name, boundary in (("start", statement.start), ("end", statement.end)):
            if not boundary.between_readings:
                yield hit(
                    subject, "fails", f"no actual reading lies at or beyond its {name}", ("located", boundary.located)
                )
            elif (days := _band_days(boundary)) >= limits.BAND_DAYS:
                answer = f"its {name} lies anywhere in {days} days between two readings"
                yield hit(subject, "weak", answer, ("band_days", str(days)))
        banded = dict(statement.totals.unknown_by_basis).get("drift_band", 0)
        if share_percent(banded, statement.totals.share_mm) > limits.BAND_PERCENT:
            answer = f"{km(banded)} at its ends belong to it or to its neighbour, nobody can say"
            yield hit(subject, "weak", answer, ("drift_band_mm", str(banded)))


def _band_days(boundary: Boundary) -> int:
    return 0 if boundary.band_ms is None else (boundary.band_ms[1] - boundary.band_ms[0]) // DAY_MS


def _unknown(case: Case) -> Iterator[Hit]:
    for subject in case.subjects:
        totals = subject.statement.totals
        if totals.unknown_mm * 100 > totals.share_mm * case.policy.unknown_percent:
            share = percent(totals.unknown_mm, totals.share_mm)
            answer = f"{km(totals.unknown_mm)} of {km(totals.share_mm)} ({share}) are unknown"
            yield hit(subject, "weak", answer, *((basis, str(mm)) for basis, mm in totals.unknown_by_basis))


def _logged(case: Case) -> Iterator[Hit]:
    for subject in case.subjects:
        logged, off_road = subject.statement.logged_mm, subject.statement.totals.off_road_mm
        share = share_percent(logged, off_road)
        if share > limits.LOG_WEAK_PERCENT:
            answer = (
                f"{km(logged)} of {km(off_road)} off road ({percent(logged, off_road)}) stand on a log written by hand"
            )
            outcome: Outcome = "fails" if share > limits.LOG_FAILS_PERCENT else "weak"
            yield hit(subject, outcome, answer, ("logged_mm", str(logged)), ("off_road_mm", str(off_road)))


def _without_fix(case: Case) -> Iterator[Hit]:
    for subject in case.subjects:
        claimed = [(line, _by_device(line)) for line in subject.statement.lines]
        bare = [(line, mm) for line, mm in claimed if mm and not line.fixes]
        thin = [
            (line, mm) for line, mm in claimed if mm >= limits.THIN_DAY_MM and 0 < line.fixes < limits.FIXES_A_DAY_MIN
        ]
        if bare:
            answer = f"{km(sum(mm for _, mm in bare))} are claimed on {len(bare)} days without any fix, first {bare[0][0].on}"
            yield hit(subject, "fails", answer, ("days", str(len(bare))))
        if thin:
            answer = f"{km(sum(mm for _, mm in thin))} are claimed on {len(thin)} days with hardly a fix, first {thin[0][0].on}"
            yield hit(subject, "weak", answer, ("days", str(len(thin))))


def _by_device(line: Line) -> int:
    return line.amounts.off_road_mm - dict(line.amounts.off_road_by_basis).get("manual_log", 0)


def _like_roads(case: Case) -> Iterator[Hit]:
    for subject in case.subjects:
        totals = subject.statement.totals
        like = dict(totals.unknown_by_basis).get("like_a_road", 0)
        if share_percent(like, totals.share_mm) > limits.ROAD_LIKE_PERCENT:
            answer = f"{km(like)} off every mapped way were driven as on a road: a road may be missing in the data"
            yield hit(subject, "weak", answer, ("like_a_road_mm", str(like)))


PROBES: Final = (
    Probe(
        id="readings",
        rule="DI1",
        question="Do the readings, the device's odometer and GPS tell the same distance?",
        holds="no readings contradict each other, GPS never lies above the recorder, and the device's odometer fits it",
        to_do="compare the readings with photos or inspection sheets; have the device's calibration looked at",
        find=_readings,
    ),
    Probe(
        id="unusual_share",
        rule="EL7",
        question="Why is so much more of this licence off road than usual?",
        holds="no share is above what is usual for the vehicle, or there is nothing to compare with",
        to_do="look at the report; have faulty data excluded, or say what was different",
        find=_unusual,
    ),
    Probe(
        id="boundaries",
        rule="DI3",
        question="How do you know which kilometres at its ends belong to this licence?",
        holds="actual readings lie at or close to both ends of every licence",
        to_do="enter readings on the days on which the licence began and ended, e.g. from inspections or purchases",
        find=_boundaries,
    ),
    Probe(
        id="unknown_distance",
        rule="EL6",
        question="Where was the vehicle on the distance that nobody can place?",
        holds="hardly any of the distance is unknown, and none of that is claimed",
        to_do="heal gaps before lodging: one application a licence, a late top-up is impossible",
        find=_unknown,
    ),
    Probe(
        id="manual_log",
        rule="LI8",
        question="How much of the claim is only written down by hand?",
        holds="all but a few per cent of the off-road distance is shown by a device",
        to_do="have the log and what supports it (job sheets, invoices) at hand",
        find=_logged,
    ),
    Probe(
        id="days_without_fix",
        rule="EL6",
        question="What shows the vehicle off road on a day without a single fix?",
        holds="every day with claimed distance has fixes",
        to_do="exclude the day, or log it by hand with the file that proves it",
        find=_without_fix,
    ),
    Probe(
        id="like_roads",
        rule="SU4",
        question="Was that ground a road that your map does not have?",
        holds="hardly any travel off every mapped way moves as on a road; what does is not claimed",
        to_do="look at the batch report of probable roads, and correct the road data",
        find=_like_roads,
    ),
)
