"""From applications to answers."""

from typing import cast

import msgspec

from services.claims.api.refunds.application_bodies import (
    Channel,
)
from services.claims.api.refunds.application_schemas import (
    ApplicationAnswer,
    ApplicationDutyAnswer,
    ApplicationStepAnswer,
    ApplicationSummary,
    FieldAnswer,
    MoneyAnswer,
    NeedAnswer,
    PapersAnswer,
    SavedDetails,
    UnusedAnswer,
)
from services.claims.api.statement.licence_schemas import FindingAnswer
from services.claims.application.refunds.application_papers import papers_of
from services.claims.application.refunds.show_application import Shown
from services.claims.domain.policy import Policy
from services.claims.domain.refunds.application_life import next_states
from services.claims.repo.applications import ApplicationRow


def _fields(row: ApplicationRow) -> dict[str, object]:
    digest = row.inputs_sha256.hex() if row.inputs_sha256 is not None else None
    return {name: value for name, value in vars(row).items() if name != "details"} | {"inputs_sha256": digest}


def to_api_summary(row: ApplicationRow) -> ApplicationSummary:
    return ApplicationSummary.model_validate(_fields(row))


def to_api_application(found: Shown, policy: Policy) -> ApplicationAnswer:
    inputs = found.inputs
    return ApplicationAnswer.model_validate(
        _fields(found.row)
        | {
            "licence_number": inputs.licence.number,
            "plate": inputs.licence.plate,
            "details": SavedDetails.model_validate(msgspec.structs.asdict(inputs.details)),
            "asked_cents": inputs.amount_cents,
            "rate": inputs.rate,
            "unused": None if inputs.unused is None else UnusedAnswer.model_validate(inputs.unused),
            "calculation": inputs.calculation,
            "findings": [FindingAnswer.model_validate(one) for one in inputs.findings],
            "ready": all(one.outcome != "fail" for one in inputs.findings),
            "documents_needed": _needs(found),
            "next_states": list(next_states(found.state)),
            "answer_due_on": found.due_on(policy),
            "duties": [ApplicationDutyAnswer.model_validate(one) for one in found.duties()],
            "money": _money(found),
            "steps": [ApplicationStepAnswer.model_validate(one) for one in found.steps],
        }
    )


def _needs(found: Shown) -> list[NeedAnswer]:
    return [
        NeedAnswer(
            code=need.code,
            words=need.words,
            required=need.required,
            source=need.source,
            missing=lacks is None,
            still_to_show=list(need.shows if lacks is None else lacks),
        )
        for need, lacks in found.needs()
    ]


def _money(found: Shown) -> MoneyAnswer:
    sums = found.paid()
    granted = next((step.cents for step in reversed(found.steps) if step.kind == "granted"), None)
    settled = sums.paid or sums.set_off
    asked = found.inputs.amount_cents
    return MoneyAnswer(
        granted_cents=granted,
        paid_cents=sums.paid,
        set_off_cents=sums.set_off,
        recovered_cents=sums.recovered,
        kept_cents=sums.kept,
        difference_cents=sums.kept - asked if settled and asked is not None else None,
    )


def to_api_papers(found: Shown) -> PapersAnswer:
    papers = papers_of(found.inputs)
    way = papers.way
    return PapersAnswer(
        application_id=found.row.id,
        kind=found.kind,
        frozen=found.frozen,
        form=way.form,
        channels=[cast("Channel", one) for one in way.channels],
        where=way.where,
        steps=list(way.steps),
        afterwards=list(way.afterwards),
        source=way.source,
        not_stated=way.not_stated,
        fields=[FieldAnswer(label=one.label, value=one.value) for one in papers.fields],
        missing=[one.label for one in papers.fields if one.value is None],
        letter=papers.letter,
    )
