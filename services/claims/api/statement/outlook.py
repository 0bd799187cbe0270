"""Of a statement: what is still to do, how long there is, and when the licence will be used up (rules EL2, LI6)."""

from collections.abc import Sequence
from datetime import date

from services.claims.api.fields import Answer, Km
from services.claims.application.statement.alerts import forecast_of
from services.claims.application.statement.assess import Assessed
from services.claims.domain.policy import Policy
from services.claims.domain.statement.to_do import Payee, ToDo, look_first, to_do
from services.claims.domain.statement.usual_share import is_looked_at
from services.claims.domain.statement.verification import is_verified


class ToDoAnswer(Answer):
    """One reason why the licence cannot be claimed as it is."""

    rule: str
    words: str
    route: str | None
    """Method and path of the call that mends it; null: no single call does."""
    field: str | None
    """Of that call's body."""
    until: date | None
    """Time mends it, not before this NZ day."""
    final: bool
    """Nothing mends it."""


class CountdownAnswer(Answer):
    """Rule EL2."""

    latest_receipt_on: date
    days_left: int
    """Until that day; below 0 it is too late."""
    email_by: date
    post_by: date


class ForecastAnswer(Answer):
    """Of a licence that still runs (rule LI6)."""

    left_mm: int
    left_km: Km
    run_out_on: date | None
    """At the rate of the last thirty days; null: standing still, or further off than ten years."""
    words: list[str]


def to_api_to_do(item: Assessed, payee: Payee | None) -> list[ToDoAnswer]:
    verified = is_verified(item.statement.hash, item.verifications)
    return _answers(to_do(item.licence, item.record, item.statement, item.assessment, verified, payee))


def to_api_look(item: Assessed) -> list[ToDoAnswer]:
    """`item`: with the finding of rule EL7."""
    hash_, looks = item.statement.hash, item.looks
    acts = [act for one in item.assessment.findings for act in is_looked_at(one, hash_, looks)]
    return _answers(look_first(item.licence.id, acts))


def _answers(found: Sequence[ToDo]) -> list[ToDoAnswer]:
    return [
        ToDoAnswer(rule=one.rule, words=one.words, route=one.route, field=one.field, until=one.until, final=one.final)
        for one in found
    ]


def to_api_countdown(item: Assessed, today: date) -> CountdownAnswer:
    latest_on, send = item.assessment.latest_receipt_on, item.assessment.safe_send_on
    return CountdownAnswer(
        latest_receipt_on=latest_on, days_left=(latest_on - today).days, email_by=send["email"], post_by=send["post"]
    )


def to_api_forecast(item: Assessed, policy: Policy, today: date) -> ForecastAnswer | None:
    found = forecast_of(item, policy, today)
    if found is None:
        return None
    words = [alert.words for alert in found.alerts]
    return ForecastAnswer(left_mm=found.left_mm, left_km=found.left_mm, run_out_on=found.run_out_on, words=words)
