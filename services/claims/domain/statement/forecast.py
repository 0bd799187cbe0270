"""When a licence will be used up, and what to do before (rules LI6, OT5).  Pure: the day of the question is given."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from services.claims.domain.claim.deadlines import Receipt, late_receipt, latest_receipt_on, send_days
from services.claims.domain.policy import Policy
from services.claims.domain.rates import Rate
from services.claims.domain.register.licence import Licence
from services.claims.domain.register.recorder import LICENCE_UNIT, MM_PER_KM, Unit
from services.claims.domain.statement.present import Usage

AlertKind = Literal[
    "run_out",
    "run_out_soon",
    "used_up",
    "will_not_be_used_up",
    "latest_receipt",
    "too_late",
    "uncovered",
    "ledger_broken",
]
NOT_RECEIVED: Final = frozenset({"lodged", "sent", "returned"})
"""States of a claim in which the two years still run against it (rule EL2)."""
_DAYS_MAX: int = 3_650
"""Nothing is said about a run-out further off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    kind: AlertKind
    due_on: date
    """The day by which something must be done."""
    words: str
    amount_cents: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    left_mm: int
    run_out_on: date | None
    """First day on which nothing is left at the present rate of travel; None: standing still, or further off than ten years."""
    alerts: tuple[Alert, ...]


def forecast(
    licence: Licence,
    unit: Unit,
    left_mm: int,
    usage: Usage,
    rate: Rate | None,
    today: date,
    policy: Policy,
    *,
    followed: bool = False,
) -> Forecast:
    """What follows from what is left of a licence, below 0 where the vehicle is beyond its end.  `followed`: the next licence
    is bought already, so that nothing runs out with this one."""
    left, beyond_mm = max(0, left_mm), max(0, -left_mm)
    out_on = _run_out_on(left, usage, today)
    alerts = [] if followed else _run_out(left, beyond_mm, out_on, today, policy)
    alerts += _two_years(licence, unit, left, out_on, rate, policy)
    return Forecast(left_mm=left, run_out_on=out_on, alerts=tuple(alerts))


def receipt_alert(licence: Licence, policy: Policy, claim: str = "") -> Alert:
    """Of every licence that is not claimed, or whose claim (its number) the Agency has not received: the last day on which the
    application can be."""
    latest_on, send = latest_receipt_on(licence, policy.claim_years), send_days(licence, policy)
    what = f"claim {claim} is not received yet: it " if claim else ""
    words = f"{what}must be received by {latest_on}: post it by {send['post']} or e-mail it by {send['email']}"
    return Alert(kind="latest_receipt", due_on=latest_on, words=words)


def claimed_receipt_alert(licence: Licence, policy: Policy, receipt: Receipt, today: date) -> Alert | None:
    """Of a line that is lodged and not answered: its last day while that can still be kept, or that it is too late."""
    latest_on = latest_receipt_on(licence, policy.claim_years)
    for finding in late_receipt(licence.number, latest_on, receipt, today):
        kind: AlertKind = "too_late" if finding.outcome == "fail" else "latest_receipt"
        return Alert(kind=kind, due_on=latest_on, words=finding.reason)
    return receipt_alert(licence, policy, receipt.claim) if receipt.state in NOT_RECEIVED else None


def uncovered_alert(uncovered_mm: int, hole_mm: int, beyond_mm: int, today: date) -> Alert | None:
    """Rule LI2: travel without a current licence, which is never claimable; 500 km of tolerance extend no licence.

    On the licence's readings before its issue, in the hole between the licence before and this one, and beyond the end of the
    last one."""
    parts = (
        (uncovered_mm, "before this licence was issued"),
        (hole_mm, "between the licence before and the start of this one"),
        (beyond_mm, "beyond the end of this licence"),
    )
    told = [f"{mm // MM_PER_KM} km were driven {where}" for mm, where in parts if mm >= MM_PER_KM]
    if not told:
        return None
    words = (
        f"{', '.join(told)}, with no current licence: they can never be claimed and are assessed at the full rate; check "
        "whether a licence is missing here"
    )
    return Alert(kind="uncovered", due_on=today, words=words)


def _run_out_on(left_mm: int, usage: Usage, today: date) -> date | None:
    """Days left, rounded down: the earlier day."""
    if left_mm == 0:
        return today
    if usage.mm <= 0 or usage.days <= 0:
        return None
    days = left_mm * usage.days // usage.mm
    return today + timedelta(days=days) if days <= _DAYS_MAX else None


def _run_out(left_mm: int, beyond_mm: int, out_on: date | None, today: date, policy: Policy) -> list[Alert]:
    if left_mm == 0:
        beyond = f", and {beyond_mm // MM_PER_KM} km driven beyond it" if beyond_mm >= MM_PER_KM else ""
        words = (
            f"used up{beyond}: buy before you travel; travel without a licence is uncovered, never refunded, and assessed at "
            "the full rate, never at a reduced one"
        )
        return [Alert(kind="used_up", due_on=today, words=words)]
    left_km = left_mm // 1_000_000
    due_on = out_on or today
    when = f", until about {out_on} at the present rate of travel" if out_on else ""
    words = (
        f"{left_km} km left{when}: buy the next licence before you travel beyond it; travel without one is assessed at the "
        "full rate, never at a reduced one"
    )
    if left_mm <= policy.run_out_soon_km * 1_000_000:
        return [Alert(kind="run_out_soon", due_on=due_on, words=words)]
    if left_mm <= policy.run_out_km * 1_000_000:
        return [Alert(kind="run_out", due_on=due_on, words=words)]
    return []


def _two_years(
    licence: Licence, unit: Unit, left_mm: int, out_on: date | None, rate: Rate | None, policy: Policy
) -> list[Alert]:
    """Rule LI6: a licence that is not used up before its two years end can no longer be claimed; an overlap ends it in time."""
    latest_on = latest_receipt_on(licence, policy.claim_years)
    send_on = send_days(licence, policy)["email"]
    if left_mm == 0 or (out_on is not None and out_on < send_on):
        return []
    worth = None
    if rate is not None:
        whole = (licence.end_reading - licence.start_reading) * rate.cents
        worth = whole // (rate.units * LICENCE_UNIT[unit])
    lose = f"up to ${worth // 100}.{worth % 100:02d}" if worth is not None else "an unknown amount (no rate is known)"
    words = f"will not be used up before its two years end on {latest_on}: overlap it by {send_on} or lose its refund, {lose}"
    return [Alert(kind="will_not_be_used_up", due_on=send_on, words=words, amount_cents=worth)]
