"""Who a person is to the identity provider, and where someone who signs in belongs (rule PA2)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import all_of
from shared.db.pool import Connection
from shared.mailbox import mailbox

INSERT_IDENTITY: Final = """
insert into claims.person_identity (tenant_id, id, person_id, issuer, subject, since, by, accepted_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)"""
ACCEPT: Final = """
update claims.person_identity set accepted_at = $3
where tenant_id = $1 and person_id = $2 and ended_at is null and accepted_at is null"""
KNOWN_SINCE: Final = """
select i.since from claims.person_identity i
where i.tenant_id = $1 and i.person_id = $2 and i.ended_at is null and not exists (
    select from claims.person_leave l where l.tenant_id = i.tenant_id and l.person_id = i.person_id and l.ended_at is null)"""
END_IDENTITY: Final = """
update claims.person_identity set ended_at = $3, ended_by = $4
where tenant_id = $1 and person_id = $2 and ended_at is null returning id"""
PLACES: Final = "select tenant_id, person_id, linked, accepted from claims.sign_in_places($1, $2, $3)"
USE_ONCE: Final = "select claims.use_id_token($1, $2, $3)"


@dataclass(frozen=True)
class Place:
    """A tenant in which someone who signs in is an active person with a role.  `linked`: by this very identity, not only by
    e-mail; `accepted`: they have signed in there before."""

    tenant_id: UUID
    person_id: UUID
    linked: bool
    accepted: bool


async def insert_identity(
    conn: Connection, tenant: UUID, identity_id: UUID, person_id: UUID, issuer: str, subject: str, since: datetime, by: str,
    accepted_at: datetime | None,
) -> None:  # fmt: skip
    """`accepted_at`: None while nobody has signed in by it.  Raises a violation of `person_identity_one` or `_unique`."""
    await conn.execute(INSERT_IDENTITY, tenant, identity_id, person_id, issuer, subject, since, by, accepted_at)


async def accept(conn: Connection, tenant: UUID, person_id: UUID, at: datetime) -> None:
    await conn.execute(ACCEPT, tenant, person_id, at)


async def known_since(conn: Connection, tenant: UUID, person_id: UUID) -> datetime | None:
    """Since when the person has been known by the account that they have at the provider; None: by none, or they have left."""
    found: datetime | None = await conn.fetchval(KNOWN_SINCE, tenant, person_id)
    return found


async def end_identity(conn: Connection, tenant: UUID, person_id: UUID, at: datetime, by: str) -> bool:
    return await conn.fetchval(END_IDENTITY, tenant, person_id, at, by) is not None


async def places(conn: Connection, issuer: str, subject: str, email: str | None) -> list[Place]:
    """In all tenants; `email` only where the provider has verified it."""
    return all_of(Place, await conn.fetch(PLACES, issuer, subject, None if email is None else mailbox(email)))


async def use_id_token(conn: Connection, signed_sha256: bytes, until: datetime, now: datetime) -> bool:
    """Whether it is the first use of what was signed, which is believed until then."""
    return bool(await conn.fetchval(USE_ONCE, signed_sha256, until, now))
