"""A person looked at what rule EL7 found, and says why it is so."""

from uuid import UUID

from services.claims.repo import expected
from services.claims.repo.expected import AcknowledgementRow
from shared.db.pool import Connection
from shared.http.problems import Problem


async def acknowledge(conn: Connection, tenant: UUID, row: AcknowledgementRow, present_hash: str) -> None:
    """`present_hash`: of the statement as it is now.  Raises Problem 409 `statement_changed` where the person saw another."""
    if row.statement_hash.hex() != present_hash:
        raise Problem(
            409, "statement_changed", "The statement is another one now",
            "Look at the statement and its report again, then say what you found.", statement_hash=present_hash,
        )  # fmt: skip
    await expected.insert_acknowledgement(conn, tenant, row)
