"""A person's name or e-mail is put right; how it read before stays (rules PA2, RE2)."""

from datetime import datetime
from uuid import UUID

from services.claims.application.people.person_roles import the_person
from services.claims.application.refusals import already_exists, raising
from services.claims.repo import people
from services.claims.repo.people import PersonRow
from shared.clock import new_id
from shared.db.errors import constraints
from shared.db.pool import Connection


async def correct_person(
    conn: Connection,
    tenant: UUID,
    person_id: UUID,
    name: str | None,
    email: str | None,
    reason: str,
    at: datetime,
    by: str,
) -> PersonRow:
    """None stays as it is.  What the person did keeps the name under which it was done.  Raises Problem 404, 409."""
    row = await the_person(conn, tenant, person_id)
    name, email = name or row.name, email or row.email
    if (name, email) == (row.name, row.email):
        return row
    detail = f"Another person has the e-mail {email}."
    other = await people.same_person(conn, tenant, email, None)
    if other not in {None, person_id}:
        raise already_exists(detail, other)
    with constraints({"person_email_unique": raising(already_exists(detail, None))}):
        await people.insert_correction(conn, tenant, new_id(), row, reason, at, by)
        await people.correct(conn, tenant, person_id, name, email)
    return await the_person(conn, tenant, person_id)
