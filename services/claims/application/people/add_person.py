"""Take a person into a tenant (rule PA2)."""

from uuid import UUID

from services.claims.application.people.person_roles import LOCK, check_roles
from services.claims.application.refusals import already_exists, raising
from services.claims.repo import identities, people
from services.claims.repo.locks import one_at_a_time
from services.claims.repo.people import PersonRow
from shared.clock import new_id
from shared.db.errors import constraints
from shared.db.pool import Connection


async def add_person(conn: Connection, tenant: UUID, row: PersonRow, identity: tuple[str, str] | None) -> PersonRow:
    """`identity`: issuer and subject, where they are known beforehand; else the first sign-in by e-mail tells them.

    Raises Problem 409 where e-mail, reference or identity is taken (also by a person who was deactivated: activate them), 422
    for a role that the tenant cannot give."""
    check_roles(tenant, row.roles)
    await one_at_a_time(conn, tenant, LOCK)
    existing = await people.same_person(conn, tenant, row.email, row.ref)
    detail = f"A person with the e-mail {row.email} (or with that ref or identity) is registered. Use their id."
    if existing is not None:
        raise already_exists(detail, existing)
    taken = raising(already_exists(detail, None))
    names = ("person_email_unique", "person_ref_unique", "person_identity_unique")
    with constraints(dict.fromkeys(names, taken)):
        await people.insert_person(conn, tenant, row)
        if identity is not None:
            await identities.insert_identity(
                conn, tenant, new_id(), row.id, *identity, row.created_at, row.created_by, None
            )
    ids = [new_id() for _ in row.roles]
    await people.insert_roles(conn, tenant, row.id, ids, row.roles, row.created_at, row.created_by)
    return row
