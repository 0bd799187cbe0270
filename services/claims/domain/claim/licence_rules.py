"""One function a rule over one licence: its finding, with figures and source (rules VE2, VE5, LI, SU7, DI3, EL1, EL5, CL1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.claims.domain.claim.second_application import ClaimedMark, EarlierLine
from services.claims.domain.claim.taken import Taken
from services.claims.domain.findings import (
    FORM_NOTE_4,
    FORM_NOTE_7_FORCE,
    FORM_NOTE_7_TIME,
    PAGE_EXPIRED,
    POLICY,
    Finding,
    Waiver,
    km,
)
from services.claims.domain.instants import nz_date
from services.claims.domain.register.licence import ORDINARY, Licence, VehicleRecord
from services.claims.domain.statement.faulty import OpenMark
from services.claims.domain.statement.statement_parts import Statement
from services.claims.domain.statement.window import newer_licence
from shared.contracts.device_day import Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimContext:
    """What the ledger and the register know besides the statement."""

    today: date
    """NZ day of the question."""
    mark: ClaimedMark | None = None
    earlier: tuple[EarlierLine, ...] = ()
    """Lines for the licence in claims that were not withdrawn, first lodged first (rule CL5)."""
    taken: tuple[Taken, ...] = ()  # of the licence's kilometres, by others (rule LI4)
    claimable_end: int | None = None
    """Where the register ends what may be claimed; None: at the licence's end."""
    complete_through_ms: Mapping[str, int | None] = field(default_factory=dict)
    """Per device of the licence; a missing device is not known."""
    holds: tuple[Hold, ...] = ()
    """Of the tenant or of the licence's devices; closed ones and those outside the period are ignored."""
    marks: tuple[OpenMark, ...] = ()  # of its devices; those outside the period are ignored
    waivers: tuple[Waiver, ...] = ()
    """Of this licence."""
    claimant_id: UUID | None = None
    """The claim's claimant; None: not asked yet (rule EL5)."""


def buys_licences(record: VehicleRecord) -> Finding:
    """Rule VE5."""
    if record.vehicle.exempt:
        reason = (
            f"the vehicle is exempt ({record.vehicle.exempt_reason or 'no reason given'}): there is nothing to claim"
        )
        return Finding(rule="VE5", outcome="fail", reason=reason, source="Act s 38, s 40")
    return Finding(rule="VE5", outcome="pass", reason="the vehicle is not exempt", source="Act s 38, s 40")


def is_ordinary(licence: Licence) -> Finding:
    """Rule LI1."""
    if licence.kind in ORDINARY:
        reason = f"a distance licence of kind {licence.kind}"
        return Finding(rule="LI1", outcome="pass", reason=reason, source="Act s 30(1)(b)")
    reason = "an additional licence is bought for one journey on top of another licence: it is never claimable"
    return Finding(rule="LI1", outcome="fail", reason=reason, source="Act s 12, s 30(1)(b)")


def something_to_claim(statement: Statement, left_km: int) -> Finding:
    """Rules CL1 and DI7: at least one whole kilometre, besides what an earlier application has (rule CL5)."""
    inputs = (("off_road_mm", str(statement.totals.off_road_mm)), ("claimable_km", str(left_km)))
    if statement.claimable_km < 1:
        reason = (
            f"{km(statement.totals.off_road_mm)} off road is less than one whole kilometre: there is nothing to claim"
        )
        return Finding(rule="CL1", outcome="fail", reason=reason, source=FORM_NOTE_4, inputs=inputs)
    if left_km < 1:
        reason = (
            f"all {statement.claimable_km} km off road were claimed before: a second application would hold nothing"
        )
        return Finding(rule="CL1", outcome="fail", reason=reason, source=FORM_NOTE_4, inputs=inputs)
    reason = f"{left_km} whole kilometres off road"
    return Finding(rule="CL1", outcome="pass", reason=reason, source=FORM_NOTE_4, inputs=inputs)


def has_ended(licence: Licence, record: VehicleRecord, statement: Statement) -> Finding:
    """Rule EL1."""
    window = statement.window
    newer = newer_licence(licence, record)
    read = statement.end.between_readings
    inputs = (
        ("end_reading", str(window.end)),
        ("ended_by", window.cause),
        ("newer_licence", newer.number if newer else "none"),
    )
    source = f"{PAGE_EXPIRED}; {FORM_NOTE_7_TIME}"
    gone = [ending for ending in record.vehicle.endings if ending.kind != "exempt" and ending.at >= licence.issued_at]
    if gone:
        first = min(gone, key=lambda ending: ending.at)
        reason = f"the vehicle was {first.kind} on {nz_date(first.at)}"
        return Finding(rule="EL1", outcome="pass", reason=reason, source=source, inputs=inputs)
    if not read:
        reason = f"no actual reading at or beyond {window.end} yet"
        passed = statement.end.located == "extrapolated"
        if passed:
            reason += ", though the devices say that it was passed"
        return Finding(rule="EL1", outcome="fail", reason=reason, source=source, inputs=inputs, waiting=passed)
    if window.cause in {"exemption", "surrender"}:
        reason = f"ended by {window.caused_by}"
        return Finding(rule="EL1", outcome="warn", reason=reason, source=source, inputs=inputs)
    if newer is None:
        reason = f"used up at {window.end}, but no newer licence was bought for the vehicle"
        return Finding(rule="EL1", outcome="fail", reason=reason, source=source, inputs=inputs)
    if window.cause != "used_up":
        reason = f"not used up: ended by {window.caused_by}; the claim covers its metres up to there"
        return Finding(rule="EL1", outcome="warn", reason=reason, source=source, inputs=inputs)
    reason = f"used up at {window.end}, and licence {newer.number} was bought"
    return Finding(rule="EL1", outcome="pass", reason=reason, source=source, inputs=inputs)


def in_force(statement: Statement) -> Finding:
    """Rule LI2."""
    lost_mm = statement.totals.uncovered_mm
    if lost_mm:
        reason = f"{km(lost_mm)} were driven before the licence was issued: travel without a licence is never claimable"
        return Finding(
            rule="LI2",
            outcome="warn",
            reason=reason,
            source=FORM_NOTE_7_FORCE,
            inputs=(("uncovered_mm", str(lost_mm)),),
        )
    reason = "every metre of the range was driven while the licence was in force"
    return Finding(rule="LI2", outcome="pass", reason=reason, source=FORM_NOTE_7_FORCE)


def over_public_roads(statement: Statement) -> list[Finding]:
    """Rule SU7: a warning that nobody can waive, wherever such metres are shown."""
    over_mm = statement.totals.over_public_mm
    if not over_mm:
        return []
    reason = (
        f"{km(over_mm)} of the off-road distance lie on mapped public roads, on land declared as a closed works site or a map "
        "error: check the declaration and its reason, for they are printed in the claim"
    )
    inputs = (("declared_over_public_mm", str(over_mm)), ("land", "; ".join(statement.over_public) or "not known"))
    return [
        Finding(rule="SU7", outcome="warn", reason=reason, source="nzta-refunds.txt line 28; policy", inputs=inputs)
    ]


def paid_by_claimant(licence: Licence, record: VehicleRecord, claimant_id: UUID | None) -> Finding:
    """Rules EL5 and PA1."""
    source = "Act s 30 (charges paid by the person)"
    if claimant_id is not None and claimant_id != licence.claimant_id:
        reason = "another claimant paid for this licence: a claim holds one claimant's licences"
        return Finding(rule="EL5", outcome="fail", reason=reason, source=source)
    sales = [e for e in record.vehicle.endings if e.kind == "sold" and e.at >= licence.issued_at]
    if sales:
        on = nz_date(min(sale.at for sale in sales))
        reason = f"the vehicle was sold on {on}: a claim of its buyer on this licence would clash with yours"
        return Finding(rule="EL5", outcome="warn", reason=reason, source=source)
    return Finding(rule="EL5", outcome="pass", reason="the claimant paid for it", source=source)


def reads_at_both_ends(statement: Statement) -> Finding:
    """Rule DI3."""
    source = f"Act s 30(3)(a); {POLICY}"
    if statement.missing:
        waiting = statement.start.between_readings and statement.end.located == "extrapolated"
        reason = f"missing: {'; '.join(statement.missing)}"
        return Finding(rule="DI3", outcome="fail", reason=reason, source=source, waiting=waiting)
    return Finding(
        rule="DI3", outcome="pass", reason="actual readings lie at or beyond both ends of the range", source=source
    )


def readings_agree(statement: Statement) -> Finding:
    """Rule VE2: readings that contradict each other close nothing."""
    if statement.conflicts:
        reason = "readings contradict each other, correct them: " + "; ".join(one.text for one in statement.conflicts)
        return Finding(rule="VE2", outcome="fail", reason=reason, source=POLICY)
    return Finding(rule="VE2", outcome="pass", reason="the readings agree with each other", source=POLICY)
