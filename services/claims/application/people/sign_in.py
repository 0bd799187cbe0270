"""From who somebody is to their provider to who they are here: a person of one tenant, with their roles (rule PA2)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from services.claims.domain.register.roles import scopes_of
from services.claims.repo import people, tenants
from services.claims.repo.people import PersonRow, Place
from shared.clock import new_id
from shared.db.errors import constraints
from shared.db.pool import Pool, tenant_tx, tx
from shared.http.tokens import AccessToken
from shared.observability.logging import get_logger

TENANTS_MAX: Final = 50
BY_SIGN_IN: Final = "sign-in"

log = get_logger(__name__)


@dataclass(frozen=True)
class Identity:
    """What an ID token proves.  `email`: only where the provider has verified it."""

    issuer: str
    subject: str
    email: str | None


@dataclass(frozen=True)
class Choice:
    """A tenant in which somebody may act."""

    tenant: UUID
    name: str


@dataclass
class NotAPerson(Exception):
    """Nobody here; or somebody in several tenants, who has to choose one."""

    words: str
    choices: list[Choice] = field(default_factory=list)


class LinkedMeanwhile(NotAPerson):
    """Another sign-in was first to keep an identity."""


async def sign_in(pool: Pool, identity: Identity, wanted: UUID | None, at: datetime) -> AccessToken:
    """`wanted`: the tenant to act in, which a person of one tenant need not name.  The first sign-in keeps the identity.

    Raises NotAPerson."""
    try:
        return await _sign_in(pool, identity, wanted, at)
    except LinkedMeanwhile:  # by the same account: known by it now; by another: this one is nobody
        return await _sign_in(pool, identity, wanted, at)


async def _sign_in(pool: Pool, identity: Identity, wanted: UUID | None, at: datetime) -> AccessToken:
    async with tx(pool) as conn:
        places = await people.who_are(conn, identity.issuer, identity.subject, identity.email)
    found = [
        (place, row)
        for place in places[:TENANTS_MAX]
        if wanted in {None, place.tenant_id} and (row := await _active(pool, place)) is not None
    ]
    if not found:
        raise NotAPerson(_nobody(identity, wanted))
    if len(found) > 1:
        choices = [Choice(place.tenant_id, await _name(pool, place.tenant_id)) for place, _ in found]
        raise NotAPerson("You are a person of several tenants: name one as `tenant`.", choices)
    ((place, row),) = found
    if not place.linked:
        await _link(pool, place, identity, at)
    return AccessToken(
        tenant_id=place.tenant_id, subject=str(row.id), scopes=scopes_of(row.roles), person=row.name
    )  # fmt: skip


def _nobody(identity: Identity, wanted: UUID | None) -> str:
    where = "" if wanted is None else " of that tenant"
    if identity.email is None:
        return (
            f"This account is no active person{where}, and its provider has not verified an e-mail address to know it by: "
            "ask for an invitation, or to be registered with issuer and subject."
        )
    return f"{identity.email} is no active person{where} with a role: ask to be registered."


async def _active(pool: Pool, place: Place) -> PersonRow | None:
    async with tenant_tx(pool, place.tenant_id) as conn:
        row = await people.person(conn, place.tenant_id, place.person_id)
    return row if row is not None and row.active and row.roles else None


async def _name(pool: Pool, tenant: UUID) -> str:
    async with tenant_tx(pool, tenant) as conn:
        return await tenants.tenant_name(conn, tenant) or ""


async def _link(pool: Pool, place: Place, identity: Identity, at: datetime) -> None:
    taken = LinkedMeanwhile("Somebody signed in as this person at the same moment: sign in again.")
    async with tenant_tx(pool, place.tenant_id) as conn:
        with constraints(dict.fromkeys(("person_identity_one", "person_identity_unique"), lambda: taken)):
            await people.insert_identity(
                conn, place.tenant_id, new_id(), place.person_id, identity.issuer, identity.subject, at, BY_SIGN_IN
            )
    log.info("a person signed in for the first time", tenant=str(place.tenant_id), person=str(place.person_id))
