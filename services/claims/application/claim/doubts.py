"""What is in doubt about a lodged claim, as its own view shows it: lines that came too late (rule EL2), money beyond what they
are worth (rule CL6), kilometres that the statement does not show now, and a review that is still to come (rule CL7)."""

from collections.abc import Iterator, Sequence
from datetime import date
from uuid import UUID

from services.claims.application.statement.binding import account_of
from services.claims.domain.claim.deadlines import Receipt, late_receipt, two_years_from
from services.claims.domain.claim.line_life import LineAccount, beyond_its_worth
from services.claims.domain.findings import FORM_NOTE_7_PAID, Finding
from services.claims.domain.instants import nz_date
from services.claims.domain.policy import Policy
from services.claims.repo import claim_life, claims
from services.claims.repo import doubts as doubtful
from services.claims.repo.claim_life import DisclosureRow, LineStep
from services.claims.repo.claims import ClaimRow, LineRow
from services.claims.repo.doubts import DoubtfulLine
from shared.db.pool import Connection


async def doubts(conn: Connection, tenant: UUID, claim: ClaimRow, policy: Policy, today: date) -> list[Finding]:
    """By line, in the order of the form; then what concerns the claim as a whole."""
    known = await claim_life.line_steps(conn, tenant, claim.id)
    lines = await claims.lines(conn, tenant, claim.id)
    accounts = {line.licence_id: account_after(line, known) for line in lines}
    on = [step.on_day for step in await claim_life.steps(conn, tenant, claim.id) if step.kind == claim.state]
    receipt = Receipt(claim.number, claim.state, on[-1] if on else None)
    owing = {row.licence_id: row for row in await claim_life.told(conn, tenant, [claim.id]) if row.closed_on is None}
    of_licences = await doubtful.lines(conn, tenant, claim.id)
    return [
        *_late(of_licences, accounts, receipt, policy, today),
        *(
            doubt
            for line in lines
            for doubt in beyond_its_worth(line.number, accounts[line.licence_id], line.rate_cents)
        ),
        *(_not_shown(line.number, owing[line.licence_id]) for line in lines if line.licence_id in owing),
        *_to_review(claim, of_licences),
    ]


def account_after(line: LineRow, known: Sequence[LineStep]) -> LineAccount:
    """`known`: steps of any lines."""
    own = [(step.kind, step.distance_km, step.cents) for step in known if step.licence_id == line.licence_id]
    return account_of(line.distance_km, own)


def _late(
    lines: Sequence[DoubtfulLine], accounts: dict[UUID, LineAccount], receipt: Receipt, policy: Policy, today: date
) -> Iterator[Finding]:
    """Of lines that the Agency has not answered."""
    for line in lines:
        if accounts[line.licence_id].state == "pending":
            latest_on = two_years_from(nz_date(line.issued_at), nz_date(line.purchased_at), policy.claim_years)
            yield from late_receipt(line.number, latest_on, receipt, today)


def _not_shown(number: str, told: DisclosureRow) -> Finding:
    """Nobody sends, or sends again, what is known to be too much without being told."""
    much = told.claimed_km - told.now_km - told.settled_km
    reason = (
        f"licence {number}: {much} km more are claimed than its statement shows now: while the form was never sent, withdraw "
        "the claim and claim anew; else tell the Agency (disclosure)"
    )
    inputs = (("disclosure", str(told.id)), ("claimed_km", str(told.claimed_km)), ("now_km", str(told.now_km)))
    return Finding(rule="CL7", outcome="warn", reason=reason, source=FORM_NOTE_7_PAID, inputs=inputs)


def _to_review(claim: ClaimRow, lines: Sequence[DoubtfulLine]) -> Iterator[Finding]:
    waiting = [line.number for line in lines if line.awaits_review]
    if waiting and claim.state != "withdrawn":
        reason = (
            f"what the statement of {', '.join(waiting)} stands on has changed, and the claim was not held against it yet: "
            "whether it says too much is not known; look again later, or ask for a review"
        )
        yield Finding(
            rule="CL7", outcome="unknown", reason=reason, source=FORM_NOTE_7_PAID, waiting=True,
            inputs=(("licences", ", ".join(waiting)),),
        )  # fmt: skip
