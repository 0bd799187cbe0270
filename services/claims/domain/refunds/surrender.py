"""Surrendering a licence for a refund of what is unused (rule OT2), and when to prefer it to an overlap.

Source: nzta-ruc-reduction-2022.txt lines 127-157, a scheme of 2022 kept as dated policy; Act s 32."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Final, Literal

from services.claims.domain.findings import Finding, day
from services.claims.domain.instants import nz_date
from services.claims.domain.policy import Policy
from services.claims.domain.rates import Rate
from services.claims.domain.register.licence import Licence, VehicleRecord
from services.claims.domain.register.recorder import LICENCE_UNIT, UNIT_MM, Unit
from services.claims.domain.register.vehicle import Ending
from services.claims.domain.working_days import working_days_after

NOT_IF: Final = "nzta-ruc-reduction-2022.txt lines 133-138"
NEEDS: Final = "nzta-ruc-reduction-2022.txt lines 142-147"
AFTER: Final = (
    "The licence is void from the approval on: destroy its label. A label in use is invoiced for what was refunded."
)
BankEvidence = Literal["logo", "name", "number"]
BANK_EVIDENCE: Final[tuple[BankEvidence, ...]] = ("logo", "name", "number")
_MM_PER_KM: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Surrender:
    findings: tuple[Finding, ...]
    allowed: bool
    unused: int
    """In the recorder's unit."""
    refund_cents: int | None
    """Unused distance x the rate paid, floored; None without a rate."""
    decided_by: date
    """Ten working days after the application."""
    afterwards: str


def assess_surrender(
    licence: Licence,
    unit: Unit,
    reading: int,
    applied_on: date,
    rate: Rate | None,
    evidence: Sequence[BankEvidence],
    policy: Policy,
) -> Surrender:
    """May this licence be surrendered at this reading?  `evidence`: what the bank document shows."""
    unused = max(0, licence.end_reading - max(reading, licence.start_reading))
    findings = (
        young_enough(licence, applied_on, policy),
        _enough_left(unused, unit, policy),
        _papers(licence, evidence),
    )
    refund = None if rate is None else int(Fraction(unused * rate.cents, rate.units * LICENCE_UNIT[unit]))
    return Surrender(
        findings=findings,
        allowed=all(one.outcome != "fail" for one in findings),
        unused=unused,
        refund_cents=refund,
        decided_by=working_days_after(applied_on, policy.agency_working_days),
        afterwards=AFTER,
    )


def young_enough(licence: Licence, on: date, policy: Policy) -> Finding:
    """On the day of the application: of the draft today, of what is sent the day on which it went."""
    first = licence.issued_on
    if (first.month, first.day) == (2, 29):
        first = first.replace(day=28)
    old_from = first.replace(year=first.year + policy.surrender_years)
    inputs = (("issued_on", day(licence.issued_on)), ("applied_on", day(on)))
    if on > old_from:
        reason = f"issued on {licence.issued_on}, more than {policy.surrender_years} years before {on}"
        return Finding(rule="OT2", outcome="fail", reason=reason, source=NOT_IF, inputs=inputs)
    reason = f"issued on {licence.issued_on}: young enough until {old_from}"
    return Finding(rule="OT2", outcome="pass", reason=reason, source=NOT_IF, inputs=inputs)


def _enough_left(unused: int, unit: Unit, policy: Policy) -> Finding:
    least_km = policy.surrender_minimum_km
    left_mm, least_mm = unused * UNIT_MM[unit], least_km * _MM_PER_KM
    inputs = (("unused", f"{unused} {unit}"),)
    if left_mm < least_mm:
        reason = f"{unused} {unit} are unused, less than {least_km} km"
        return Finding(rule="OT2", outcome="fail", reason=reason, source=NOT_IF, inputs=inputs)
    if left_mm == least_mm:
        reason = f"exactly {least_km} km are unused: the page allows more and forbids less, and is silent on this"
        return Finding(rule="OT2", outcome="warn", reason=reason, source=NOT_IF, inputs=inputs)
    return Finding(rule="OT2", outcome="pass", reason=f"{unused} {unit} are unused", source=NOT_IF, inputs=inputs)


def _papers(licence: Licence, evidence: Sequence[BankEvidence]) -> Finding:
    missing = [f"bank evidence that shows the {one}" for one in BANK_EVIDENCE if one not in evidence]
    if not licence.plate_at_issue:
        missing.insert(0, "the plate")
    if missing:
        reason = f"still needed: {', '.join(missing)}"
        return Finding(rule="OT2", outcome="fail", reason=reason, source=NEEDS, waiting=True)
    reason = "plate, licence number, reading and bank evidence are there"
    return Finding(rule="OT2", outcome="pass", reason=reason, source=NEEDS)


def still_held(licence: Licence, record: VehicleRecord, at: datetime, today: date) -> list[Finding]:
    """A licence is surrendered by whoever still runs the vehicle on it, at the present reading.  Empty where all is well."""
    found = []
    gone = next((one for one in record.vehicle.endings if one.at <= at and not _was_over(one, licence)), None)
    if gone is not None and gone.kind == "deregistered":
        reason = f"the registration was cancelled on {nz_date(gone.at)}: apply as a cancelled vehicle"
        found.append(Finding(rule="OT2", outcome="fail", reason=reason, source="nzta-refunds.txt lines 53-57"))
    elif gone is not None:
        reason = f"the vehicle was {gone.kind} on {nz_date(gone.at)}: its licence is not yours to surrender any more"
        found.append(Finding(rule="OT2", outcome="fail", reason=reason, source="Act s 32"))
    removed_at = record.recorder_of(licence).removed_at
    if removed_at is not None and removed_at <= at:
        reason = f"its recorder was changed on {nz_date(removed_at)}: apply for a change of hubodometer"
        found.append(Finding(rule="OT2", outcome="fail", reason=reason, source="nzta-refunds.txt lines 47-51"))
    if nz_date(at) < today:
        reason = f"the reading is of {nz_date(at)}: the application asks for the present one"
        found.append(Finding(rule="OT2", outcome="warn", reason=reason, source=NEEDS))
    return found


def _was_over(ending: Ending, licence: Licence) -> bool:
    """An exemption that had ended when the licence was issued."""
    return ending.until is not None and ending.until <= licence.issued_at


def advise_surrender(bought_km: int, km_a_month: int, policy: Policy) -> str | None:
    """Words where an overlap would buy more than five months' worth (line 129); None where it would not, or nothing is known
    of how much the vehicle travels.  `bought_km`: from the present reading to the new licence's end."""
    if km_a_month <= 0 or bought_km <= policy.overlap_months * km_a_month:
        return None
    months = Fraction(bought_km, km_a_month)
    return (
        f"an overlap would buy {bought_km} km, about {int(months)} months' worth at {km_a_month} km a month: more than "
        f"{policy.overlap_months}, so surrendering the licence may be better"
    )
