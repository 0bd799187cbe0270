"""What the licences of a fleet need soon: run-out, overlap before the two years end, latest receipt (rules LI6, OT5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from services.claims.application.statement.facts import Assessed
from services.claims.domain.instants import from_ms, nz_date
from services.claims.domain.policy import Policy
from services.claims.domain.statement.forecast import Alert, Forecast, Usage, forecast, receipt_alert, uncovered_alert

USAGE_DAYS: Final = 30
SETTLED: Final = frozenset({"lodged", "claimed_outside"})


@dataclass(frozen=True)
class LicenceAlert:
    item: Assessed
    alert: Alert


def alerts_of(items: Sequence[Assessed], policy: Policy, now_ms: int) -> list[LicenceAlert]:
    """Of every licence that is not claimed, what is due first first."""
    found = [LicenceAlert(item, alert) for item in items for alert in _of_one(item, policy, now_ms)]
    return sorted(found, key=lambda one: (one.alert.due_on, one.item.row.number, one.alert.kind))


def _of_one(item: Assessed, policy: Policy, now_ms: int) -> list[Alert]:
    if item.assessment.state in SETTLED:
        return []
    today = nz_date(from_ms(now_ms))
    uncovered = uncovered_alert(item.statement.totals.uncovered_mm, today)
    alerts = [uncovered] if uncovered else []
    if item.assessment.state == "not_claimable":
        return alerts
    alerts.append(receipt_alert(item.licence, policy))
    expected = forecast_of(item, policy, today)
    return alerts if expected is None else [*alerts, *expected.alerts]


def forecast_of(item: Assessed, policy: Policy, today: date) -> Forecast | None:
    """None for a licence that does not run (rule LI6)."""
    if item.assessment.state != "running":
        return None
    statement = item.statement
    reading = statement.window.start + statement.totals.counted_mm // statement.unit_mm
    return forecast(item.licence, statement.unit, reading, usage_of(item, today), item.rate, today, policy)


def usage_of(item: Assessed, today: date) -> Usage:
    """How the vehicle travelled on this licence in the last thirty days, or since its issue."""
    since = today - timedelta(days=USAGE_DAYS)
    travelled = sum(line.amounts.counted_mm for line in item.statement.lines if since <= line.on < today)
    return Usage(mm=travelled, days=min(USAGE_DAYS, max(1, (today - item.licence.issued_on).days)))
