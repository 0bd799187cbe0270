"""Roles are given and taken away; the history stays (rule PA2)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from services.claims.application.refusals import invalid, not_found
from services.claims.repo import people
from services.claims.repo.locks import one_at_a_time
from services.claims.repo.people import PersonRow
from shared.clock import new_id
from shared.db.pool import Connection
from shared.http.auth import OPERATOR
from shared.http.problems import Problem

LOCK: Final = "person"


def check_roles(tenant: UUID, roles: Sequence[str]) -> None:
    """Those who run the system are ops and nothing else, and nobody else is (rule PA4).  Raises Problem 422."""
    if any((role == "ops") != (tenant == OPERATOR) for role in roles):
        only = (
            "is the only role of the operator's people"
            if tenant == OPERATOR
            else "is a role of the operator's people alone"
        )
        raise invalid("/roles", f"ops {only}", "role_not_here")


async def give_role(conn: Connection, tenant: UUID, person_id: UUID, role: str, at: datetime, by: str) -> PersonRow:
    """A role that the person has already stays as it was given.  Raises Problem 404, 409 `person_inactive`, 422."""
    check_roles(tenant, [role])
    row = await the_person(conn, tenant, person_id)
    if not row.active:
        raise Problem(
            409, "person_inactive", "This person is deactivated", "Activate the person first, then give roles."
        )
    await people.insert_roles(conn, tenant, person_id, [new_id()], [role], at, by)
    return await the_person(conn, tenant, person_id)


async def end_role(conn: Connection, tenant: UUID, person_id: UUID, role: str, at: datetime, by: str) -> PersonRow:
    """Raises Problem 404 for a person who is not there, or has no such role."""
    await the_person(conn, tenant, person_id)
    if not await people.end_roles(conn, tenant, person_id, [role], at, by):
        raise Problem(404, "not_found", "There is nothing to end", f"The person does not have the role {role}.")
    return await the_person(conn, tenant, person_id)


async def the_person(conn: Connection, tenant: UUID, person_id: UUID) -> PersonRow:
    """Nobody else changes the tenant's people until the transaction ends.  Raises Problem 404."""
    await one_at_a_time(conn, tenant, LOCK)
    row = await people.person(conn, tenant, person_id)
    if row is None:
        raise not_found("person", person_id)
    return row
