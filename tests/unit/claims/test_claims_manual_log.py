"""Manual log entries for gaps (rule LI8)."""

from dataclasses import replace
from datetime import date
from uuid import uuid5

from services.claims.domain.claim.claim_fields import missing_in_lines
from services.claims.domain.claim.claim_notes import log_words, notes_of
from services.claims.domain.claim.sheets import ClaimLine
from services.claims.domain.register.licence import VehicleRecord
from services.claims.domain.register.recorder import RecorderReading
from services.claims.domain.statement.log_entry import LogEntry
from services.claims.domain.statement.manual_log import stands_on_log
from services.claims.domain.statement.statement import Statement
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
