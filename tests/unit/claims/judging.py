"""A licence 4000-5000 that may be claimed, and the judging of its variations."""

from datetime import date

from services.claims.domain.claim.eligibility import Assessment, ClaimContext, Finding, assess_licence
from services.claims.domain.register.licence import Licence, VehicleRecord
from services.claims.domain.statement.statement import make_statement
from services.claims.policy import load
from shared.contracts.device_day import DeviceDay
from tests.unit.claims.builders import (
    KM,
    days_from,
    ledger,
    licence,
    ms,
    nz,
    reading,
    record,
    run,
)

POLICY = load()
TODAY = date(2026, 6, 1)
FOLLOWING = licence("L2", start=5000, end=6000, issued_at=nz(2026, 3, 11))
READINGS = (reading(nz(2026, 3, 1), 4000), reading(nz(2026, 3, 11), 5000))
DAYS = days_from(date(2026, 3, 1), 10, run("public_road", 55 * KM, 7, 9), run("off_road", 40 * KM, 9, 12))
LATE = {"d1": ms(nz(2026, 6, 1))}
USUAL = ClaimContext(today=TODAY, complete_through_ms=LATE)


def assessed(
    of: Licence | None = None,
    vehicle_record: VehicleRecord | None = None,
    days: list[DeviceDay] | None = None,
    context: ClaimContext = USUAL,
) -> Assessment:
    of = of or licence()
    whole = vehicle_record or record([of, FOLLOWING], READINGS)
    statement = make_statement(of, whole, ledger(*(DAYS if days is None else days)), POLICY.rate_rises)
    return assess_licence(of, whole, statement, context, POLICY)


def of_rule(found: Assessment, rule: str) -> list[Finding]:
    return [finding for finding in found.findings if finding.rule == rule]


def failing(found: Assessment) -> set[str]:
    return {finding.rule for finding in found.findings if finding.outcome == "fail"}


def warning(found: Assessment) -> set[str]:
    return {finding.rule for finding in found.findings if finding.outcome == "warn"}
