"""A person who leaves signs in no more; one who comes back begins without roles (rule PA2)."""

from datetime import datetime
from uuid import UUID

from services.claims.application.people.person_roles import keep_an_admin, the_person
from services.claims.domain.register.roles import ROLES
from services.claims.repo import identities, people
from services.claims.repo.people import PersonRow
from shared.clock import new_id
from shared.db.pool import Connection
from shared.http.problems import Problem


async def deactivate(conn: Connection, tenant: UUID, person_id: UUID, reason: str, at: datetime, by: str) -> PersonRow:
    """Their roles end too; access tokens given before stop within 30 seconds.  Raises Problem 404, 409."""
    await _in_state(conn, tenant, person_id, active=True)
    await keep_an_admin(conn, tenant, person_id)
    await people.end_roles(conn, tenant, person_id, ROLES, at, by)
    await people.insert_leave(conn, tenant, new_id(), person_id, reason, at, by)
    return await _in_state(conn, tenant, person_id, active=False)


async def activate(conn: Connection, tenant: UUID, person_id: UUID, at: datetime, by: str) -> PersonRow:
    """They may be given roles again.  Raises Problem 404, 409."""
    await _in_state(conn, tenant, person_id, active=False)
    await people.end_leave(conn, tenant, person_id, at, by)
    return await _in_state(conn, tenant, person_id, active=True)


async def unlink(conn: Connection, tenant: UUID, person_id: UUID, at: datetime, by: str) -> PersonRow:
    """Forget who the person was to the provider: the next sign-in by their e-mail tells it anew.  Raises Problem 404, 409."""
    await the_person(conn, tenant, person_id)
    if not await identities.end_identity(conn, tenant, person_id, at, by):
        raise Problem(409, "person_not_linked", "Nothing is linked", "The person has not signed in yet.")
    return await the_person(conn, tenant, person_id)


async def _in_state(conn: Connection, tenant: UUID, person_id: UUID, *, active: bool) -> PersonRow:
    row = await the_person(conn, tenant, person_id)
    if row.active != active:
        raise Problem(
            409, "person_inactive" if active else "person_active", "This person is so already",
            f"{row.name} is {'active' if row.active else 'deactivated'}.",
        )  # fmt: skip
    return row
