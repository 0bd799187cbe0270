"""What the licences of a fleet need soon: run-out, overlap before the two years end, latest receipt (rules LI6, OT5)."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from services.claims.application.statement.assess import Assessed, Broken, Judged
from services.claims.domain.claim.deadlines import Receipt
from services.claims.domain.instants import from_ms, nz_date
from services.claims.domain.policy import Policy
from services.claims.domain.register.licence import ORDINARY
from services.claims.domain.register.vehicle import Ending
from services.claims.domain.statement.forecast import (
    Alert,
    Forecast,
    claimed_receipt_alert,
    forecast,
    receipt_alert,
    uncovered_alert,
)
from services.claims.domain.statement.present import Usage, follower, licensed_before, licensed_until
from services.claims.domain.statement.to_do import is_final

SETTLED: Final = frozenset({"lodged", "claimed_outside"})


@dataclass(frozen=True)
class LicenceAlert:
    item: Assessed | Broken
    alert: Alert


def alerts_of(judged: Judged, policy: Policy, now_ms: int) -> list[LicenceAlert]:
    """Of every licence that is not claimed, or not received yet, of what is driven behind the last one, and of what cannot be
    worked out; due first first."""
    found = [LicenceAlert(item, alert) for item in judged.items for alert in _of_one(item, policy, now_ms)]
    found += [LicenceAlert(item, alert) for item in judged.broken for alert in _of_broken(item, policy, now_ms)]
    return sorted(found, key=lambda one: (one.alert.due_on, one.item.row.number, one.alert.kind))


def _of_one(item: Assessed, policy: Policy, now_ms: int) -> list[Alert]:
    today = nz_date(from_ms(now_ms))
    settled = item.assessment.state in SETTLED
    alerts: list[Alert] = []
    if settled:
        alerts += _of_claim(item, policy, today)
    if not settled and not is_final(item.assessment, item.statement):
        alerts.append(receipt_alert(item.licence, policy))
    expected = forecast_of(item, policy, today)
    left_mm = left_of(item)
    beyond_mm = -left_mm if expected is not None and left_mm is not None and left_mm < 0 else 0
    before_issue = 0 if settled else item.statement.totals.uncovered_mm
    uncovered = uncovered_alert(before_issue, _hole_mm(item), beyond_mm, today)
    if uncovered is not None:
        alerts.append(uncovered)
    return alerts if expected is None else [*alerts, *expected.alerts]


def _of_broken(item: Broken, policy: Policy, now_ms: int) -> list[Alert]:
    """Its two years run on, whoever has to mend it."""
    today = nz_date(from_ms(now_ms))
    latest = [receipt_alert(item.licence, policy)] if item.mark is None else _of_claim(item, policy, today)
    return [Alert(kind="ledger_broken", due_on=today, words=item.words), *latest]


def _of_claim(item: Assessed | Broken, policy: Policy, today: date) -> list[Alert]:
    """Of the claim that holds the licence, while its line is not answered."""
    mark = item.mark
    line = next((one for one in item.earlier if mark is not None and one.claim_id == mark.source_id), None)
    if mark is None or line is None or line.account.state != "pending":
        return []
    alert = claimed_receipt_alert(item.licence, policy, Receipt(line.number, mark.state, mark.state_on), today)
    return [] if alert is None else [alert]


def forecast_of(item: Assessed, policy: Policy, today: date) -> Forecast | None:
    """None for a licence of which nothing is ahead: it has not begun, is used up with the next one bought, or was ended by
    something else than its use (rule LI6)."""
    left_mm = left_of(item)
    if left_mm is None or item.present is None or _is_gone(item, today):
        return None
    window, statement = item.statement.window, item.statement
    followed = follower(item.licence, item.record) is not None
    position = item.present.position_mm // statement.unit_mm
    line = item.record.timeline_of(item.licence)
    if position < window.start and (followed or licensed_until(item.record, line, position) < window.start):
        return None
    if left_mm <= 0 and (followed or window.cause != "used_up"):
        return None
    return forecast(
        item.licence, statement.unit, left_mm, item.present.usage, item.rate, today, policy, followed=followed
    )


def left_of(item: Assessed) -> int | None:
    """Millimetres to the licence's end, below 0 beyond it; None where nothing shows where the recorder stands."""
    if item.present is None or item.licence.kind not in ORDINARY or item.statement.window.empty:
        return None
    return item.statement.window.end * item.statement.unit_mm - item.present.position_mm


def _is_gone(item: Assessed, today: date) -> bool:
    """The vehicle needs no licence now, or the recorder is not on it any more."""
    recorder = item.record.recorder_of(item.licence)
    ended = any(nz_date(one.at) <= today for one in item.record.vehicle.endings if _lasts(one, today))
    return ended or (recorder.removed_at is not None and nz_date(recorder.removed_at) <= today)


def _lasts(ending: Ending, today: date) -> bool:
    return ending.until is None or nz_date(ending.until) > today


def _hole_mm(item: Assessed) -> int:
    """Driven between the licence before and the start of this one."""
    before, unit_mm = licensed_before(item.licence, item.record), item.statement.unit_mm
    points = item.record.timeline_of(item.licence).points
    if before is None or not points or item.licence.kind not in ORDINARY:
        return 0
    driven_mm = points[-1].units * unit_mm if item.present is None else item.present.position_mm
    return max(0, min(item.statement.window.start * unit_mm, driven_mm) - before * unit_mm)


def usage_of(item: Assessed) -> Usage:
    """How the vehicle travelled lately; nothing where nothing shows it."""
    return item.present.usage if item.present is not None else Usage(0, 1)
