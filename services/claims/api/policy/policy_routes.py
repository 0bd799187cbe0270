"""The policy data as everybody may read it: every number with its source."""

from typing import Annotated, Final

from fastapi import APIRouter, Path

from services.claims.api.context import Ctx, Reader, query
from services.claims.api.policy.policy_schemas import (
    ConstantAnswer,
    EditionAnswer,
    FeeAnswer,
    PolicyAnswer,
    RateAnswer,
    ReasonCodeAnswer,
)
from services.claims.application.policies import current
from services.claims.policy.files import constants_of, parse, texts
from services.claims.repo import policies
from shared.http.problems import Problem

EDITION: Final = r"^[0-9a-f]{16}$"

router = APIRouter(tags=["policy"])


@router.get("/policy")
async def get_policy(who: Reader, context: Ctx) -> PolicyAnswer:
    """The rates, fees, reason codes and thresholds that hold now."""
    edition = await query(context, who.tenant_id, lambda conn: current(conn, context.policies.shipped))
    policy = parse(dict(edition.texts))
    constants = constants_of(edition.texts["constants.toml"])
    return PolicyAnswer(
        name=policy.name,
        changed_at=None if edition.last is None else edition.last.created_at,
        rates=[RateAnswer.model_validate(row) for row in policy.rates],
        fees=[FeeAnswer.model_validate(row) for row in policy.fees],
        reason_codes=[ReasonCodeAnswer(code=code, industry=words) for code, words in policy.reason_codes.items()],
        rate_rises=list(policy.rate_rises),
        constants=[ConstantAnswer.model_validate({"name": name, **entry}) for name, entry in constants.items()],
    )


@router.get("/policy/editions/{name}")
async def get_edition(who: Reader, context: Ctx, name: Annotated[str, Path(pattern=EDITION)]) -> EditionAnswer:
    """The exact texts that a claim or a statement names as its policy (design G5)."""
    found = await query(context, who.tenant_id, lambda conn: policies.edition(conn, name))
    if found is None and name == context.policies.shipped.name:
        found = texts()
    if found is None:
        raise Problem(
            404, "not_found", "There is nothing with this name", f"No edition of the policy is called {name}."
        )
    return EditionAnswer(name=name, files=found)
