"""A changed hubodometer, form RUCHO: what it needs and what of the old licence is unused (rule OT3).

Source: nzta-refunds.txt lines 47-51; Act s 32, s 35 (the old one is kept until the refund is decided)."""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from services.claims.domain.findings import Finding
from services.claims.domain.refunds.unused import ONCE
from services.claims.domain.register.licence import ORDINARY, Licence, VehicleRecord
from services.claims.domain.register.recorder import UNIT_MM, Recorder, Unit

SOURCE: Final = "nzta-refunds.txt lines 49-51"
BOUGHT: Final = "nzta-refunds.txt line 51"
Cause = Literal["unserviceable", "lost", "stolen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a lost recorder would have shown: its last actual reading and our own distance since (between real readings only
    the share is ours, so this is marked as an estimate wherever it is printed)."""

    last_reading: int
    last_read_on: date
    since_mm: int
    until_on: date
    """The day of the loss."""
    unit: Unit

    @property
    def reading(self) -> int:
        """Whole units, rounded up: the unused distance must not come out too large."""
        return self.last_reading + -(-self.since_mm // UNIT_MM[self.unit])

    @property
    def calculation(self) -> str:
        return (
            f"last read {self.last_reading} {self.unit} on {self.last_read_on}; {self.since_mm // 1_000_000}."
            f"{self.since_mm % 1_000_000 // 1000:03d} km travelled from then to {self.until_on}: {self.reading} {self.unit}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnEstimate:
    """The applicant's."""

    reading: int
    calculation: str


def larger(ours: Estimate | None, theirs: OwnEstimate | None) -> Estimate | OwnEstimate | None:
    """Of two estimates the one that leaves less unused."""
    if ours is None or theirs is None:
        return ours or theirs
    return theirs if theirs.reading > ours.reading else ours


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderChange:
    cause: Cause | None
    """None: not said yet."""
    old_serial: str
    old_reading: int | None = None
    """Read when it was found unserviceable."""
    estimate: Estimate | OwnEstimate | None = None
    odometer_reading: int | None = None
    powered: bool
    new_serial: str = ""
    new_start: int | None = None
    replacement_licence: str = ""


def check_change(change: RecorderChange) -> tuple[Finding, ...]:
    """What the application still lacks, each by itself; one passing finding where nothing is missing."""
    lacks = {
        "whether it was found unserviceable, lost or stolen": change.cause is None,
        "the old serial number": not change.old_serial,
        "the reading when it was found unserviceable": change.cause == "unserviceable" and change.old_reading is None,
        "a calculated estimate of what it would have shown": change.cause in {"lost", "stolen"}
        and change.estimate is None,
        "the odometer reading (powered vehicles)": change.powered and change.odometer_reading is None,
        "the new serial number": not change.new_serial,
        "the new recorder's start reading": change.new_start is None,
        "the replacement licence, bought first": not change.replacement_licence,
    }
    missing = [name for name, lacking in lacks.items() if lacking]
    if missing:
        return tuple(
            Finding(rule="OT3", outcome="fail", reason=f"{name} is needed", source=SOURCE, waiting=True)
            for name in missing
        )
    return (Finding(rule="OT3", outcome="pass", reason="the application is complete", source=SOURCE),)


def check_successor(
    licence: Licence, record: VehicleRecord, new: Recorder | None, replacement: Licence | None
) -> list[Finding]:
    """The new recorder follows the old one on the same vehicle, and the replacement licence runs on it.  Empty where all is
    well, or where nothing is named yet.  Metres between the old one's last and the new one's first reading are neither's."""
    old = record.recorder_of(licence)
    faults = []
    if new is not None:
        if new.vehicle_id != old.vehicle_id or new.id == old.id:
            faults.append("the new recorder must be another one of the same vehicle")
        elif old.removed_at is None or new.fitted_at < old.removed_at:
            faults.append("the old recorder is still on the vehicle: add the new one with `replaces`")
    if replacement is not None:
        if replacement.kind not in ORDINARY or replacement.id == licence.id:
            faults.append("the replacement must be another distance licence")
        elif new is not None and replacement.recorder_id != new.id:
            faults.append("the replacement licence must run on the new recorder")
    found = [Finding(rule="OT3", outcome="fail", reason=fault, source=BOUGHT) for fault in faults]
    return found + credited_since("OT3", licence, record)


def credited_since(rule: str, licence: Licence, record: VehicleRecord) -> list[Finding]:
    """A credit with a licence of the recorder that came after the licence's own, for nothing of that recorder's, can only be
    for what was left on the one before.  Empty where there is none."""
    old = record.recorder_of(licence)
    later = [one for one in record.recorders if old.removed_at is not None and one.fitted_at >= old.removed_at]
    new = min((one for one in later if one.id != old.id), key=lambda one: one.fitted_at, default=None)
    bought = [one for one in record.licences if new is not None and one.recorder_id == new.id and one.kind in ORDINARY]
    return [
        _credited(rule, one)
        for one in bought
        if one.credit_cents > 0
        and not any(other.issued_at < one.issued_at and other.end_reading > one.start_reading for other in bought)
    ]


def _credited(rule: str, licence: Licence) -> Finding:
    reason = (
        f"what was left was credited when licence {licence.number} was bought: the same kilometres are not refunded twice. "
        "Correct that licence if there was no credit"
    )
    return Finding(rule=rule, outcome="fail", reason=reason, source=ONCE)


def covers_all_days(estimate: Estimate, silent_days: int) -> list[Finding]:
    """Our own distance is a lower bound where devices were silent: the estimate may leave too much unused."""
    if not silent_days:
        return []
    reason = (
        f"on {silent_days} days between {estimate.last_read_on} and {estimate.until_on} no device told anything: the recorder "
        "may have shown more, so check the estimate against the odometer, and give your own where it is higher"
    )
    return [Finding(rule="OT3", outcome="warn", reason=reason, source=SOURCE)]
