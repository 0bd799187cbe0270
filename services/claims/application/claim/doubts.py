"""What is in doubt about a lodged claim, as its own view shows it: lines that came too late (rule EL2), money beyond what they
are worth (rule CL6), what they would not be given today (rules CL7, EL3), and a review that is still to come (rule CL7)."""

from collections.abc import Iterator, Sequence
from datetime import date
from uuid import UUID

from services.claims.application.claim.review_claim import BY_A_PERSON, said
from services.claims.application.statement.binding import account_of
from services.claims.domain.claim.claim import whole_claim
from services.claims.domain.claim.deadlines import Receipt, late_receipt, two_years_from
from services.claims.domain.claim.disclosure import findings_of
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
    told = await claim_life.told(conn, tenant, [claim.id])
    owing = {row.licence_id: row for row in told if row.closed_on is None}
    of_licences = await doubtful.lines(conn, tenant, claim.id)
    return [
        *_late(of_licences, accounts, receipt, policy, today),
        *(
            doubt
            for line in lines
            for doubt in beyond_its_worth(line.number, accounts[line.licence_id], line.rate_cents)
        ),
        *(
            doubt
            for line in lines
            if (row := owing.get(line.licence_id)) is not None
            for doubt in findings_of(line.number, str(row.id), said(row))
        ),
        *_too_small(lines, accounts, told, policy),
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


def _too_small(
    lines: Sequence[LineRow], accounts: dict[UUID, LineAccount], told: Sequence[DisclosureRow], policy: Policy
) -> Iterator[Finding]:
    """Rule EL3 once more, of a claim that nobody has answered and that says too much."""
    stands = [row for row in told if row.closed_as is None or row.closed_as in BY_A_PERSON]
    stands.sort(key=lambda row: row.closed_on is None)  # what an open one says comes last, and counts
    now = {row.licence_id: row.now_cents for row in stands}
    if now and all(account.state == "pending" for account in accounts.values()):
        found = whole_claim([(one.number, now.get(one.licence_id, one.estimate_cents)) for one in lines], policy)
        if found.outcome == "fail":
            yield found


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
