"""Roles are given and taken away; the history stays (rule PA2)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from services.claims.application.refusals import invalid, not_found
from services.claims.domain.register.roles import ADMIN, Role, beyond, scopes_of
from services.claims.repo import people
from services.claims.repo.locks import one_at_a_time, together
from services.claims.repo.people import PersonRow
from shared.clock import new_id
from shared.db.pool import Connection
from shared.http.auth import OPERATOR, Principal
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


def check_within(who: Principal, roles: Sequence[Role]) -> None:
    """Nobody gives a role that opens more than they may do, nor becomes somebody who has one (rule PA2).

    Raises Problem 403."""
    above = beyond(roles, who.scopes, machine=who.person is None)
    if above:
        raise Problem(
            403, "role_not_yours", "A role cannot open more than you may do",
            f"You have not the scopes {', '.join(above)}: ask someone who has them.", scopes=above,
        )  # fmt: skip


async def keep_an_admin(conn: Connection, tenant: UUID, person_id: UUID) -> None:
    """A tenant that has admins keeps one (rule PA2).  Nobody else changes its people meanwhile.  Raises Problem 409."""
    await one_at_a_time(conn, tenant, LOCK)
    if await people.staying_admins(conn, tenant) == [person_id]:
        raise Problem(
            409, "last_admin", "This is the tenant's last admin", "Give the role admin to another person first."
        )


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
    """Raises Problem 404 for a person who is not there, or has no such role, 409 `last_admin`."""
    await the_person(conn, tenant, person_id)
    if role == ADMIN:
        await keep_an_admin(conn, tenant, person_id)
    if not await people.end_roles(conn, tenant, person_id, [role], at, by):
        raise Problem(404, "not_found", "There is nothing to end", f"The person does not have the role {role}.")
    return await the_person(conn, tenant, person_id)


async def scopes_now(conn: Connection, tenant: UUID, person_id: UUID) -> frozenset[str]:
    """What the person's roles allow at this moment, nothing for one who has left or is not there; until the transaction ends
    nobody changes that."""
    await together(conn, tenant, LOCK)
    row = await people.person(conn, tenant, person_id)
    return scopes_of(row.roles) if row is not None and row.active else frozenset()


async def the_person(conn: Connection, tenant: UUID, person_id: UUID) -> PersonRow:
    """Nobody else changes the tenant's people until the transaction ends.  Raises Problem 404."""
    await one_at_a_time(conn, tenant, LOCK)
    row = await people.person(conn, tenant, person_id)
    if row is None:
        raise not_found("person", person_id)
    return row
