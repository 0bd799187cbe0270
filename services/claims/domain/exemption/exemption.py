"""The section 40 exemption of light diesel vehicles: who may apply and with what (rules EX1, EX2), and whether it pays (EX5).

Source: rucex-application.txt; Act s 40.  Money in cents."""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from services.claims.domain.findings import Finding, Outcome, day, dollars, percent
from services.claims.domain.policy import Policy
from services.claims.domain.rates import fee_cents
from services.claims.domain.statement.statement_parts import Amounts
from services.claims.domain.working_days import working_days_after

LIGHT: Final = "rucex-application.txt line 31"
USED: Final = "rucex-application.txt lines 3, 13"
CURRENT: Final = "rucex-application.txt line 42"
ON_THE_DAY: Final = "rucex-application.txt line 58"
ADDRESS: Final = "rucex-application.txt line 62"
FEE_CHANNEL: Final = "exemption_application"
ApplicantIs = Literal["registered_person", "operator"]
Purpose = Literal["agriculture", "horticulture", "viticulture", "defence", "forestry", "other"]
LISTED: Final = frozenset({"agriculture", "horticulture", "viticulture", "defence"})
"""As far as the Regulations are known to us (facts.md section 4: SR 2013/107 r 4; our copy of its list is cut off)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What form RUCEX asks (rule EX2)."""

    applied_on: date
    fuel: str
    gross_kg: int | None
    applicant_is: ApplicantIs | None
    purpose: Purpose | None
    odometer: int | None
    odometer_read_on: date | None
    address: str
    """The full place where the vehicle is normally kept; never printed on the label."""
    locality: str
    """The part that is printed on the label."""
    weekly_km: int | None
    contact: str
    contact_time: str
    pays_by: str
    wants_gst_receipt: bool
    has_current_licence: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    findings: tuple[Finding, ...]
    can_apply: bool
    fee_cents: int
    """Shown before submitting; never refunded."""
    decided_by: date


def judge(application: Application, travelled: Amounts, policy: Policy) -> Judgement:
    """Rules EX1 and EX2.  `travelled`: what the vehicle did lately, by surface; no share passes or fails by itself, since
    "almost exclusively" has no number."""
    findings = (
        _light(application, policy),
        _diesel(application),
        *_purpose(application),
        _off_road(travelled),
        _licensed(application),
        *_asked(application),
    )
    return Judgement(
        findings=findings,
        can_apply=all(one.outcome != "fail" for one in findings),
        fee_cents=_fee(application.applied_on, policy),
        decided_by=working_days_after(application.applied_on, policy.exemption_working_days),
    )


def _fee(on: date, policy: Policy) -> int:
    fee = fee_cents(FEE_CHANNEL, on, policy.fees)
    if fee is None:
        raise ValueError(f"no fee of an exemption application is known on {on}")
    return fee


def _finding(outcome: Outcome, reason: str, source: str, rule: str = "EX1", **inputs: str) -> Finding:
    return Finding(rule=rule, outcome=outcome, reason=reason, source=source, inputs=tuple(inputs.items()))


def _light(application: Application, policy: Policy) -> Finding:
    limit, gross = policy.exemption_gross_kg, application.gross_kg
    if gross is None:
        return _finding("unknown", f"the gross vehicle mass is not known: it must not be above {limit} kg", LIGHT)
    outcome: Outcome = "pass" if gross <= limit else "fail"
    return _finding(outcome, f"gross vehicle mass {gross} kg; the limit is {limit} kg", LIGHT, gross_kg=str(gross))


def _diesel(application: Application) -> Finding:
    outcome: Outcome = "pass" if application.fuel.strip().casefold() == "diesel" else "fail"
    return _finding(
        outcome, f"the vehicle runs on {application.fuel or 'an unknown fuel'}", "rucex-application.txt line 3"
    )


def _purpose(application: Application) -> list[Finding]:
    """Rule EX1: a listed purpose.  Our sources do not show the whole list, so nothing fails by it."""
    source = "rucex-application.txt line 56; facts.md section 4"
    if application.purpose is None:
        return []
    if application.purpose in LISTED:
        return [_finding("pass", f"{application.purpose} is a listed purpose", source, purpose=application.purpose)]
    reason = (
        f"whether {application.purpose} is a listed purpose is not certain: ask the Agency (0800 655 644) before the fee is "
        "paid, which is not refunded"
    )
    return [_finding("warn", reason, source, purpose=application.purpose)]


def _off_road(travelled: Amounts) -> Finding:
    if not travelled.share_mm:
        return _finding("unknown", "nothing is known of where the vehicle travels", USED)
    share = percent(travelled.off_road_mm, travelled.share_mm)
    possible = percent(travelled.off_road_mm + travelled.unknown_mm, travelled.share_mm)
    reason = f"{share} of its travel was off road, at most {possible} with what is unknown; the Agency names no number"
    return _finding("warn", reason, USED, off_road=share, at_most=possible)


def _licensed(application: Application) -> Finding:
    if application.has_current_licence:
        return _finding("pass", "the vehicle has a current licence or exemption", CURRENT)
    return _finding("fail", "the vehicle needs a current licence or exemption", CURRENT)


def _asked(application: Application) -> list[Finding]:
    """Rule EX2: each field that is missing, by name, and the odometer's day."""
    named = {
        "whether the applicant is the registered person or the operator": application.applicant_is,
        "the purpose": application.purpose,
        "the odometer reading": application.odometer,
        "the full address where the vehicle is kept": application.address,
        "the locality for the label": application.locality,
        "the average weekly distance": application.weekly_km,
        "a contact": application.contact,
        "a preferred time for a call": application.contact_time,
        "how the fee is paid": application.pays_by,
    }
    missing = [
        _finding("fail", f"{name} is needed", "rucex-application.txt lines 50-91", "EX2")
        for name, value in named.items()
        if value in {None, ""}
    ]
    read_on = application.odometer_read_on
    if application.odometer is not None and read_on != application.applied_on:
        reason = f"the odometer is read on the day of the application ({day(application.applied_on)})"
        missing.append(_finding("fail", reason, ON_THE_DAY, "EX2", read_on=day(read_on) if read_on else "none"))
    if application.locality and application.locality == application.address:
        reason = "the locality alone is printed on the label: give it apart from the full address"
        missing.append(_finding("fail", reason, ADDRESS, "EX2"))
    return missing or [_finding("pass", "the application is complete", "rucex-application.txt lines 50-91", "EX2")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Rule EX5: a year with the exemption against a year with refunds."""

    charges_cents: int
    """Road user charges that a year's distance costs."""
    refunds_cents: int
    """Of it, what off-road refunds give back."""
    saved_cents: int
    """What the exemption saves beyond the refunds, its fee paid."""
    fee_cents: int
    beyond_mm: int
    words: str


def advise(yearly: Amounts, cents_per_1000km: int, beyond_mm: int, on: date, policy: Policy) -> Advice:
    """Rule EX5.  `beyond_mm`: of a year's public metres, those further than ten kilometres from the boundary (rule EX3).

    With any of them the exemption would have been breached, and everything may be assessed."""
    fee = _fee(on, policy)
    charges = yearly.counted_mm * cents_per_1000km // 1_000_000_000
    refunds = yearly.off_road_mm // 1_000_000 * cents_per_1000km // 1000
    saved = charges - refunds - fee
    words = (
        f"a year costs {dollars(charges)} of which {dollars(refunds)} can be claimed back; the exemption saves the other "
        f"{dollars(charges - refunds)} for a fee of {dollars(fee)}"
    )
    if beyond_mm > 0:
        words = (
            f"{beyond_mm // 1_000_000} km of public road lay more than {policy.exemption_reach_km} km from the boundary: with "
            "the exemption that is a breach, and the Agency may revoke it and assess the charges. Refunds are the safe way; "
            f"{words}"
        )
    return Advice(
        charges_cents=charges, refunds_cents=refunds, saved_cents=saved, fee_cents=fee, beyond_mm=beyond_mm, words=words
    )
