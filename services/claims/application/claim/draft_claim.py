"""From licences, claimant and request to a claim that is not lodged yet: what the preview shows and the form would print."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from services.claims.application.claim.claim_request import (
    ClaimRequest,
    FindingShown,
    LineRequest,
    LineShown,
    PreviewBody,
)
from services.claims.application.sealing import Hasher, Sealer, account_key, place
from services.claims.application.statement.assess import Assessed
from services.claims.application.statement.binding import mark_from, waivers_of
from services.claims.application.statement.facts import Facts
from services.claims.domain.claim.claim import Applicant, ClaimDraft, ClaimLine, assess_claim
from services.claims.domain.claim.claim_notes import log_words, notes_of
from services.claims.domain.claim.eligibility import Finding
from services.claims.domain.claim.second_application import SecondApplication, consent_to, second_application_notes
from services.claims.domain.findings import HOW_TO_FILTER
from services.claims.domain.policy import Policy
from services.claims.domain.rates import Rate
from services.claims.domain.statement.usual_share import is_looked_at
from services.claims.domain.statement.verification import is_verified
from services.claims.repo.parties import ClaimantRow, WaiverRow


@dataclass(frozen=True)
class Drafted:
    """`assessed` is in the order of `draft.lines`."""

    draft: ClaimDraft
    assessed: list[Assessed]
    body: PreviewBody


def rate_text(rate: Rate | None) -> str | None:
    return None if rate is None else f"{rate.dollars_per_1000km:.2f}"


def shown(finding: Finding) -> FindingShown:
    return FindingShown(
        rule=finding.rule,
        outcome=finding.outcome,
        reason=finding.reason,
        source=finding.source,
        inputs=dict(finding.inputs),
        waiting=finding.waiting,
    )


def account_of(tenant: UUID, claimant: ClaimantRow, sealer: Sealer) -> str:
    """The bank account in clear text, "" where none is known."""
    if claimant.bank_sealed is None:
        return ""
    return sealer.open(claimant.bank_sealed, place(tenant, "claimant", claimant.id)).decode()


def applicant_of(
    tenant: UUID, claimant: ClaimantRow, request: ClaimRequest, sealer: Sealer, hasher: Hasher
) -> Applicant:
    """The claimant as the form prints it; what the request says wins."""
    account = account_of(tenant, claimant, sealer)
    return Applicant(
        claimant_id=claimant.id,
        name=claimant.name,
        customer_number=claimant.customer_number,
        first_claim=claimant.first_claim,
        bank_account=account,
        bank_account_name=claimant.bank_account_name,
        account_key=account_key(hasher, claimant.name, claimant.bank_account_name, account),
        address=claimant.address if request.address is None else request.address,
        phone=claimant.phone if request.phone is None else request.phone,
        email=claimant.email if request.email is None else request.email,
    )


def reason_code_of(licence_id: UUID, claimant: ClaimantRow, request: ClaimRequest) -> int | None:
    """The line's own, else the claim's, else the claimant's (rule CL1)."""
    own = request.lines.get(licence_id, LineRequest())
    return own.reason_code or request.reason_code or claimant.default_reason_code


def _line(assessed: Assessed, claimant: ClaimantRow, request: ClaimRequest) -> ClaimLine:
    own = request.lines.get(assessed.row.id, LineRequest())
    logged_mm = assessed.statement.logged_mm
    method = own.method or ("Other" if logged_mm else request.method)
    given = own.specify_type if own.specify_type is not None or logged_mm else request.specify_type
    prefilled = assessed.gps_type if method == "GPS" else log_words(assessed.gps_type) if logged_mm else ""
    return ClaimLine(
        licence_id=assessed.row.id,
        claimant_id=assessed.row.claimant_id,
        plate=assessed.licence.plate_at_issue,
        licence_number=assessed.row.number,
        distance_km=assessed.assessment.claimable_km,
        estimate_cents=assessed.assessment.estimate_cents,
        reason_code=reason_code_of(assessed.row.id, claimant, request),
        method=method,
        specify_type=prefilled if given is None else given,
        logged_mm=logged_mm,
    )


def _again(item: Assessed) -> SecondApplication:
    mark = mark_from(item.mark, item.earlier)
    consent = consent_to(mark, item.earlier)
    return SecondApplication(item.row.number, item.assessment.claimable_km, item.earlier, consent)


def draft_claim(
    facts: Facts, assessed: list[Assessed], claimant: ClaimantRow, waivers: list[WaiverRow], request: ClaimRequest,
    policy: Policy, sealer: Sealer, hasher: Hasher,
) -> Drafted:  # fmt: skip
    """Pure but for opening the account.  Lines are grouped by plate, then by number (the form asks for it)."""
    lines = {item.row.id: _line(item, claimant, request) for item in assessed}
    assessed = sorted(assessed, key=lambda a: (a.licence.plate_at_issue, a.row.issued_at, a.row.number, a.row.id))
    description = (
        claimant.default_travel_description if request.travel_description is None else request.travel_description
    )
    draft = ClaimDraft(
        applicant=applicant_of(facts.tenant, claimant, request, sealer, hasher),
        lines=tuple(lines[item.row.id] for item in assessed),
        person_completing=request.person_completing,
        travel_description=description,
        records_held=policy.records_held_default if request.records_held is None else request.records_held,
        notes=(
            *second_application_notes([_again(item) for item in assessed]),
            *notes_of([(item.row.number, item.statement) for item in assessed]),
        ),
    )
    findings = (
        *assess_claim(draft, policy, facts.today, waivers_of(waivers, claimant.id)),
        *(Finding(rule="CL3", outcome="warn", reason=words, source=HOW_TO_FILTER) for words in request.left_out),
    )
    fails = any(finding.outcome == "fail" for finding in findings)
    lines_shown = tuple(_shown_line(item) for item in assessed)
    body = PreviewBody(
        request=request,
        lines=lines_shown,
        findings=tuple(shown(finding) for finding in findings),
        lodgeable=all(line.eligible for line in lines_shown) and not fails,
        form_hash=hasher.digest("form", msgspec.msgpack.encode(draft)).hex(),
    )
    return Drafted(draft, assessed, body)


def _shown_line(assessed: Assessed) -> LineShown:
    statement_hash = assessed.statement.hash
    acts = [
        is_verified(statement_hash, assessed.verifications),
        *(
            act
            for finding in assessed.assessment.findings
            for act in is_looked_at(finding, statement_hash, assessed.looks)
        ),
    ]
    return LineShown(
        licence_id=assessed.row.id,
        number=assessed.row.number,
        plate=assessed.licence.plate_at_issue,
        statement_hash=assessed.statement.hash,
        claimable_km=assessed.assessment.claimable_km,
        off_road_mm=assessed.statement.totals.off_road_mm,
        rate=rate_text(assessed.rate),
        estimate_cents=assessed.assessment.estimate_cents,
        eligible=assessed.assessment.eligible and all(act.outcome == "pass" for act in acts),
        findings=tuple(shown(finding) for finding in (*assessed.assessment.findings, *acts)),
    )
