"""A person's decision to go on in spite of a finding, with a reason (rules EL4, EL8).

It covers what stands against the licence or the account at that moment, and nothing that comes later: another hold, other
kilometres that may still change, another account or name ask again."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from services.claims.application.claim.draft_claim import account_of
from services.claims.application.refusals import already_exists, invalid
from services.claims.application.sealing import Hasher, Sealer, account_key
from services.claims.application.statement.assess import assess
from services.claims.application.statement.facts import load_facts
from services.claims.domain.findings import Finding
from services.claims.domain.policy import Policy
from services.claims.domain.register.bank import same_name
from services.claims.repo import licences, parties
from services.claims.repo.locks import one_at_a_time
from services.claims.repo.parties import WaiverRow
from shared.db.pool import Connection
from shared.http.problems import Problem

EL4: Final = "EL4"


@dataclass(frozen=True)
class Against:
    """By name, as `Finding.waivable` has them."""

    standing: tuple[str, ...]
    """What nobody has decided about."""
    waived: tuple[str, ...]


async def waive(
    conn: Connection, tenant: UUID, row: WaiverRow, policy: Policy, sealer: Sealer, hasher: Hasher, now_ms: int
) -> WaiverRow:
    """`row.covers` is found here.  Raises Problem 409 `already_exists` where the same was waived, `nothing_to_waive`, 422 for a
    thing that is not there."""
    await one_at_a_time(conn, tenant, "waiver")
    if row.licence_id is not None:
        against = await _of_licence(conn, tenant, row.licence_id, policy, now_ms)
    else:
        against = await _of_claimant(conn, tenant, row, sealer, hasher)
    if not against.standing:
        await _nothing_left(conn, tenant, row, against.waived)
    made = replace(row, covers=list(against.standing))
    await parties.insert_waiver(conn, tenant, made)
    return made


async def _of_licence(conn: Connection, tenant: UUID, licence_id: UUID, policy: Policy, now_ms: int) -> Against:
    if await licences.licence(conn, tenant, licence_id) is None:
        raise invalid("/licence_id", f"there is no licence {licence_id}", "unknown_id")
    facts = await load_facts(conn, tenant, [licence_id], policy, now_ms)
    (item,) = await asyncio.to_thread(assess, facts, policy)
    found = [finding for finding in item.assessment.findings if finding.rule == EL4]
    return Against(_names(found, "fail"), _names(found, "warn"))


def _names(findings: Sequence[Finding], outcome: str) -> tuple[str, ...]:
    return tuple(name for finding in findings if finding.outcome == outcome for name in finding.waivable)


async def _of_claimant(conn: Connection, tenant: UUID, row: WaiverRow, sealer: Sealer, hasher: Hasher) -> Against:
    """The account and its name as they are stored now."""
    claimant = None if row.claimant_id is None else await parties.claimant(conn, tenant, row.claimant_id)
    if claimant is None:
        raise invalid("/claimant_id", f"there is no claimant {row.claimant_id}", "unknown_id")
    if same_name(claimant.bank_account_name, claimant.name):
        return Against((), ())
    account = account_of(tenant, claimant, sealer)
    key = account_key(hasher, claimant.name, claimant.bank_account_name, account)
    known = await parties.waiver_for(conn, tenant, row.rule, None, row.claimant_id, [key])
    return Against((key,), ()) if known is None else Against((), (key,))


async def _nothing_left(conn: Connection, tenant: UUID, row: WaiverRow, waived: Sequence[str]) -> None:
    existing = await parties.waiver_for(conn, tenant, row.rule, row.licence_id, row.claimant_id, waived)
    if existing is not None:
        raise already_exists("This was waived already.", existing)
    raise Problem(
        409, "nothing_to_waive", "Nothing stands against it that a person may waive",
        f"Rule {row.rule} finds nothing now that can be waived: a decision covers only what is there when it is made.",
    )  # fmt: skip
