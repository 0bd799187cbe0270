"""Manual log entries for gaps (rule LI8)."""

from dataclasses import replace
from datetime import date
from uuid import uuid5

from services.claims.application.claim.snapshots import closure_text
from services.claims.domain.claim.claim_fields import missing_in_lines
from services.claims.domain.claim.claim_notes import log_words, notes_of
from services.claims.domain.claim.sheets import ClaimLine
from services.claims.domain.register.licence import VehicleRecord
from services.claims.domain.register.recorder import RecorderReading
from services.claims.domain.statement.log_entry import LogEntry
from services.claims.domain.statement.manual_log import stands_on_log
from services.claims.domain.statement.statement import Amounts, Statement
from services.claims.policy import load
from shared.contracts.device_day import DeviceDay
from tests.unit.claims.builders import (
    CLAIMANT,
    KM,
    NAMESPACE,
    device_day,
    licence,
    nz,
    reading,
    record,
    run,
    statement_of,
)

DAY = date(2026, 3, 3)
ENDS = [reading(nz(2026, 3, 1), 4000), reading(nz(2026, 3, 31), 5000)]


def entry(mm: int, on: date = DAY, name: str = "e", of: str = "L1") -> LogEntry:
    return LogEntry(
        id=uuid5(NAMESPACE, name),
        licence_id=uuid5(NAMESPACE, of),
        on=on,
        mm=mm,
        reason="mustering on the back blocks, device without power",
        actor="R Hill",
        attachment_id=uuid5(NAMESPACE, "scan"),
        at=nz(2026, 4, 1),
    )


def logged(
    *entries: LogEntry, readings: list[RecorderReading] | None = None, days: list[DeviceDay] | None = None
) -> Statement:
    one = licence("L1")
    mine = record([one], ENDS if readings is None else readings)
    known = (
        days
        if days is not None
        else [device_day(DAY, run("public_road", 30 * KM, 8, 9), run("unknown", 12 * KM, 9, 10))]
    )
    return statement_of(one, with_log(mine, entries), *known)


def with_log(of: VehicleRecord, entries: tuple[LogEntry, ...]) -> VehicleRecord:
    return replace(of, log=entries)


def test_LI8_an_entry_moves_unknown_to_off_road_up_to_what_of_that_day_is_unknown() -> None:
    before, after = logged(), logged(entry(20 * KM))
    assert before.totals.off_road_mm == 0
    assert after.log[0].counted_mm == 12 * KM
    assert after.totals.off_road_by_basis == (("manual_log", 12 * KM),)
    assert after.totals.unknown_mm == before.totals.unknown_mm - 12 * KM
    assert after.totals.counted_mm == before.totals.counted_mm == after.recorder_mm
    (line,) = after.lines
    assert line.amounts.off_road_by_basis == (("manual_log", 12 * KM),)
    (note,) = line.notes
    assert note.startswith(
        "12.000 km of 20.000 km logged, since no more of the day is unknown, by manual log: mustering"
    )
    assert note.endswith("(R Hill)")
    assert before.hash != after.hash


def test_LI8_a_later_revision_that_leaves_less_unknown_shrinks_the_entry() -> None:
    found_again = [device_day(DAY, run("public_road", 37 * KM, 8, 9), run("unknown", 5 * KM, 9, 10))]
    assert logged(entry(8 * KM)).log[0].counted_mm == 8 * KM
    shrunk = logged(entry(8 * KM), days=found_again)
    assert shrunk.log[0].counted_mm == 5 * KM
    (finding,) = stands_on_log(shrunk)
    assert finding.outcome == "warn"
    assert "3.000 km more were logged" in finding.reason


def test_LI8_a_lack_without_a_day_is_not_logged_but_for_what_the_days_gaps_measured() -> None:
    other = date(2026, 3, 9)
    gap = run("unknown", 7 * KM, 9, 10, kind="gap", basis="gap")
    days = [device_day(DAY, run("public_road", 30 * KM, 8, 9), gap)]
    assert logged(entry(50 * KM), days=days).log[0].counted_mm == 7 * KM
    assert logged(entry(50 * KM, on=other), days=days).log[0].counted_mm == 0
    assert logged(entry(50 * KM, on=other), days=days).last_day == DAY


def test_LI8_readings_at_the_start_and_end_of_the_day_make_its_whole_lack_the_days() -> None:
    other = date(2026, 3, 9)
    around = [ENDS[0], reading(nz(2026, 3, 9, 7), 4100), reading(nz(2026, 3, 9, 18), 4160), ENDS[1]]
    found = logged(entry(90 * KM, on=other), readings=around)
    assert found.log[0].counted_mm == 60 * KM
    assert [line.on for line in found.lines] == [DAY, other]
    assert (found.lines[1].fixes, found.lines[1].devices) == (0, ())
    assert found.lack_mm == logged(readings=around).lack_mm - 60 * KM
    assert found.totals.counted_mm == found.recorder_mm


def test_LI8_DI3_of_a_day_that_the_range_begins_in_no_lack_is_logged() -> None:
    other = date(2026, 3, 9)
    cut = [reading(nz(2026, 3, 9, 7), 3950), reading(nz(2026, 3, 9, 18), 4050), ENDS[1]]
    found = logged(entry(90 * KM, on=other), readings=cut, days=[])
    assert dict(found.totals.unknown_by_basis) == {"recorder_lack": 1000 * KM}, "50 km of that day among them"
    assert found.log[0].counted_mm == 0


def test_LI8_drift_bands_and_other_licences_are_left_alone() -> None:
    open_end = [ENDS[0], reading(nz(2026, 3, 20), 4900)]
    of_another = logged(entry(20 * KM, of="L2"))
    assert (of_another.log, of_another.hash) == ((), logged().hash)
    banded = [device_day(DAY, run("off_road", 30 * KM, 8, 9, basis="no_road"))]
    before = logged(readings=[reading(nz(2026, 3, 2), 3950), reading(nz(2026, 3, 5), 4050), *open_end[1:]], days=banded)
    after = logged(
        entry(90 * KM),
        readings=[reading(nz(2026, 3, 2), 3950), reading(nz(2026, 3, 5), 4050), *open_end[1:]],
        days=banded,
    )
    in_band = dict(before.totals.unknown_by_basis).get("drift_band", 0)
    assert in_band > 0
    assert dict(after.totals.unknown_by_basis).get("drift_band", 0) == in_band


ISSUED = nz(2026, 3, 10, 12)
"""At noon."""


def before_issue(
    *entries: LogEntry, readings: list[RecorderReading], days: list[DeviceDay] | None = None, to: int = 5000
) -> Statement:
    """Of a licence that was issued while its range was being driven already."""
    one = licence("L1", issued_at=ISSUED)
    shown = [ENDS[0], *readings, *([reading(nz(2026, 3, 31), to)] if to else [])]
    return statement_of(one, with_log(record([one], shown), entries), *(days or ()))


def test_LI8_LI2_a_gap_before_the_issue_gives_nothing_to_log() -> None:
    early, gap = date(2026, 3, 5), run("unknown", 40 * KM, 9, 10, kind="gap", basis="gap")
    days = [device_day(early, run("public_road", 30 * KM, 8, 9), gap)]
    ends_before = [reading(nz(2026, 3, 8), 4100)]
    for readings in ([], ends_before):
        asked = before_issue(entry(40 * KM, on=early), readings=readings, days=days)
        assert (asked.log[0].counted_mm, asked.totals.off_road_mm) == (0, 0)
        assert asked.totals == before_issue(readings=readings, days=days).totals
    by_odometer = device_day(early, run("public_road", 30 * KM, 8, 9), gap, odometer=(0, 70 * KM))
    running = before_issue(entry(40 * KM, on=early), readings=[], days=[by_odometer], to=0)
    assert running.log[0].counted_mm == 0
    assert running.totals == Amounts(uncovered_mm=70 * KM), "what the device's odometer counted too"


def test_LI8_LI2_a_lack_between_readings_before_the_issue_is_uncovered_on_no_day() -> None:
    around = [reading(nz(2026, 3, 3, 6), 4140), reading(nz(2026, 3, 3, 20), 4240)]
    asked = before_issue(entry(100 * KM), readings=around)
    assert asked.log[0].counted_mm == 0
    assert asked.totals.uncovered_mm == asked.uncovered_lack_mm == 240 * KM
    assert dict(asked.totals.unknown_by_basis) == {"recorder_lack": 760 * KM}
    assert asked.lack_mm == 760 * KM, "of 3 to 31 March, with the issue in between"
    assert "240.000 km were counted by the recorder before the issue" in closure_text(asked)
    assert "before the issue" not in closure_text(logged(entry(KM)))
    assert asked.totals.counted_mm == asked.recorder_mm


def test_LI8_LI2_of_a_stretch_across_the_issue_only_what_the_gaps_behind_it_measured_is_logged() -> None:
    noon = date(2026, 3, 10)
    same_day = [reading(nz(2026, 3, 10, 8), 4100), reading(nz(2026, 3, 10, 17), 4150)]
    assert before_issue(entry(50 * KM, on=noon), readings=same_day).log[0].counted_mm == 0

    def gaps(before: int, behind: int, odometer: tuple[int, int] | None = None) -> list[DeviceDay]:
        one = run("unknown", before * KM, 9, 11, kind="gap", basis="gap")
        two = run("unknown", behind * KM, 14, 16, kind="gap", basis="gap")
        return [device_day(noon, one, run("public_road", 0, 11, 14), two, odometer=odometer)]

    def counted(before: int, behind: int) -> int:
        found = before_issue(entry(50 * KM, on=noon), readings=same_day, days=gaps(before, behind))
        return found.log[0].counted_mm

    assert counted(20, 15) == 15 * KM
    assert counted(40, 15) == 10 * KM, "the gap before the issue took 40 of the 50"
    assert counted(60, 15) == 0
    running = before_issue(entry(50 * KM, on=noon), readings=[], days=gaps(20, 15, (0, 50 * KM)), to=0)
    assert (running.log[0].counted_mm, dict(running.totals.unknown_by_basis)) == (0, {"boundary_cut": 50 * KM})


def test_LI8_LI2_nothing_of_a_gap_that_lies_across_the_issue_is_logged() -> None:
    noon = date(2026, 3, 10)
    days = [device_day(noon, run("unknown", 40 * KM, 8, 16, kind="gap", basis="gap"))]
    for to in (0, 5000):
        assert before_issue(entry(20 * KM, on=noon), readings=[], days=days, to=to).log[0].counted_mm == 0


def test_LI8_DI3_what_is_unknown_in_a_drift_band_stays_so() -> None:
    around = [reading(nz(2026, 3, 2), 3950), reading(nz(2026, 3, 5), 4050), ENDS[1]]
    days = [device_day(DAY, run("unknown", 30 * KM, 8, 9))]
    found = logged(entry(90 * KM), readings=around, days=days)
    assert dict(found.totals.unknown_by_basis)["drift_band"] > 0
    assert found.log[0].counted_mm == 0


def test_LI8_the_line_claims_by_method_other_and_the_form_says_so() -> None:
    line = ClaimLine(
        licence_id=uuid5(NAMESPACE, "L1"), claimant_id=CLAIMANT, plate="ABC123", licence_number="L1", distance_km=12,
        estimate_cents=91, reason_code=2, method="GPS", specify_type="Teltonika", logged_mm=12 * KM,
    )  # fmt: skip
    (missing,) = missing_in_lines([line], load())
    assert missing.field.endswith(".method")
    assert log_words("Teltonika") == "GPS Teltonika, manual log for gaps"
    (note,) = notes_of([("L1", logged(entry(12 * KM))), ("L2", logged())])
    assert "12.000 km stand on manual log entries" in note
    assert notes_of([("L2", logged())]) == ()
