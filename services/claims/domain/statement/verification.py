"""Verified: a named person answers for a licence's statement (rule CL2; smartrak-rucor-claim.txt line 30)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.claims.domain.findings import Finding

SOURCE: Final = "smartrak-rucor-claim.txt line 30"
WORDING: Final = (
    "I have looked at the report of this licence. Its distances are accurate and complete as far as I know, and I am "
    "responsible for what the claim says."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    statement_hash: str
    actor: str
    at: datetime


def present(statement_hash: str, made: Sequence[Verification]) -> Verification | None:
    """The first verification of exactly this statement; any change of the statement is another hash."""
    fitting = [one for one in made if one.statement_hash == statement_hash]
    return min(fitting, key=lambda one: one.at) if fitting else None


def is_verified(statement_hash: str, made: Sequence[Verification]) -> Finding:
    """Rule CL2."""
    found = present(statement_hash, made)
    if found is not None:
        return Finding(
            rule="CL2", outcome="pass", reason=f"verified by {found.actor} on {found.at:%Y-%m-%d}", source=SOURCE
        )
    if made:
        last = max(made, key=lambda one: one.at)
        reason = f"the statement changed since {last.actor} verified it on {last.at:%Y-%m-%d}: look at it again"
    else:
        reason = "no person has verified the statement yet: look at the report, then verify it"
    return Finding(rule="CL2", outcome="fail", reason=reason, source=SOURCE, waiting=True)
