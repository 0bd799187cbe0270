"""From previews and claims to answers."""

from uuid import UUID

from services.claims.api.claim.claim_schemas import (
    ClaimAnswer,
    ClaimLineAnswer,
    ClaimSummaryAnswer,
    FormAnswer,
    LineShownAnswer,
    PreviewAnswer,
    SumsAnswer,
)
from services.claims.api.statement.convert import to_api_finding
from services.claims.api.statement.licence_schemas import FindingAnswer
from services.claims.application.claim.claim_request import Preview, totals
from services.claims.domain.findings import Finding
from services.claims.repo.claims import ClaimRow, LineRow
from services.claims.repo.documents import DocumentHead


def to_api_preview(preview: Preview) -> PreviewAnswer:
    body = preview.body
    return PreviewAnswer(
        preview_token=str(preview.id),
        expires_at=preview.expires_at,
        lodgeable=body.lodgeable,
        lines=[LineShownAnswer.model_validate(line) for line in body.lines],
        totals=SumsAnswer.model_validate(totals(body.lines)),
        findings=[FindingAnswer.model_validate(finding) for finding in body.findings],
    )


def _form(head: DocumentHead | None) -> FormAnswer:
    edition = 1 if head is None else head.edition
    if head is None or head.sha256 is None:
        refused = head is not None and head.refused
        return FormAnswer(state="refused" if refused else "pending", edition=edition, sha256=None, bytes=None)
    return FormAnswer(state="ready", edition=edition, sha256=head.sha256.hex(), bytes=head.size)


def to_api_summary(row: ClaimRow, head: DocumentHead | None) -> ClaimSummaryAnswer:
    return ClaimSummaryAnswer.model_validate(
        {**vars(row), "totals": SumsAnswer.model_validate(row), "form": _form(head)}
    )


def to_api_claim(
    row: ClaimRow, lines: list[LineRow], revisions: dict[UUID, int], head: DocumentHead | None, doubts: list[Finding]
) -> ClaimAnswer:
    return ClaimAnswer.model_validate(
        {
            **vars(row),
            "totals": SumsAnswer.model_validate(row),
            "form": _form(head),
            "findings": [to_api_finding(doubt) for doubt in doubts],
            "lines": [
                ClaimLineAnswer.model_validate(
                    {
                        **vars(line),
                        "statement_hash": line.statement_hash.hex(),
                        "revisions": revisions.get(line.licence_id, 0),
                    }
                )
                for line in lines
            ],
        }
    )
