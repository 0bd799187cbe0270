"""A person answers for a licence's statement (rule CL2)."""

from uuid import UUID

from services.claims.application.refusals import invalid, not_found
from services.claims.application.webhooks.tell import tell
from services.claims.domain.statement.verification import WORDING
from services.claims.repo import licences
from services.claims.repo.licences import VerificationRow
from shared.db.pool import Connection
from shared.http.problems import Problem


async def verify_licence(conn: Connection, tenant: UUID, row: VerificationRow, present_hash: str, wording: str) -> None:
    """`present_hash`: of the statement as it is now.  A second verification by the same person changes nothing.

    Raises Problem 404, 409 `statement_changed` for another statement than the one the person saw, 422 for other words."""
    if wording != WORDING:
        raise invalid("/wording", "send the words that were shown, from GET /licences/{id}/verification, unchanged")
    if row.statement_hash.hex() != present_hash:
        raise Problem(
            409, "statement_changed", "The statement is another one now",
            "Look at the statement and its report again, and verify what they show.", statement_hash=present_hash,
        )  # fmt: skip
    if not await licences.lock_licences(conn, tenant, [row.licence_id]):  # struck since its statement was made
        raise not_found("licence", row.licence_id)
    if await licences.insert_verification(conn, tenant, row):
        await tell(conn, tenant, "verification.recorded", licence_id=row.licence_id)
