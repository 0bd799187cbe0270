"""From who somebody is to their provider to who they are here: a person of one tenant, with their roles (rule PA2)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from services.claims.domain.register.roles import scopes_of
from services.claims.repo import identities, people, tenants
from services.claims.repo.identities import Place
from services.claims.repo.people import PersonRow
from shared.clock import new_id
from shared.db.errors import constraints
from shared.db.pool import Pool, tenant_tx, tx
from shared.http.tokens import AccessToken
from shared.observability.logging import get_logger

CHOICES_MAX: Final = 50
"""Shown to choose from; any other may be named all the same."""
BY_SIGN_IN: Final = "sign-in"

log = get_logger(__name__)


@dataclass(frozen=True)
class Identity:
    """What an ID token proves.  `email`: only where the provider has verified it."""

    issuer: str
    subject: str
    email: str | None


@dataclass(frozen=True)
class Proof:
    """An ID token that is believed.  `signed_sha256`: of what the provider signed, whatever the signature looks like;
    `believed_until`: by when it is too old."""

    identity: Identity
    signed_sha256: bytes
    believed_until: datetime


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
    """`wanted`: the tenant to act in.  Only where they have named it once is a person known to be of it; who is so of one
    tenant alone need not name it again.  That first sign-in keeps the identity.

    Raises NotAPerson."""
    try:
        return await _sign_in(pool, identity, wanted, at)
    except LinkedMeanwhile:  # by the same account: known by it now; by another: this one is nobody
        return await _sign_in(pool, identity, wanted, at)


async def use_once(pool: Pool, proof: Proof, at: datetime) -> bool:
    """False for an ID token that was used before: whoever finds one that was used can do nothing with it."""
    async with tx(pool) as conn:
        return await identities.use_id_token(conn, proof.signed_sha256, proof.believed_until, at)


async def _sign_in(pool: Pool, identity: Identity, wanted: UUID | None, at: datetime) -> AccessToken:
    async with tx(pool) as conn:
        everywhere = await identities.places(conn, identity.issuer, identity.subject, identity.email)
    place = _chosen(everywhere, wanted)
    if place is None:
        raise await _unchosen(pool, everywhere, identity, wanted)
    row = await _active(pool, place)
    if row is None:  # since a moment ago
        raise NotAPerson(_nobody(identity, wanted))
    if not place.linked:
        await _link(pool, place, identity, at)
    elif not place.accepted:
        async with tenant_tx(pool, place.tenant_id) as conn:
            await identities.accept(conn, place.tenant_id, place.person_id, at)
    return AccessToken(
        tenant_id=place.tenant_id, subject=str(row.id), scopes=scopes_of(row.roles), person=row.name
    )  # fmt: skip


def _chosen(everywhere: Sequence[Place], wanted: UUID | None) -> Place | None:
    """The one that was named, else the only one that was accepted before: what another tenant registers changes nothing."""
    found = [place for place in everywhere if (place.accepted if wanted is None else place.tenant_id == wanted)]
    return found[0] if len(found) == 1 else None


async def _unchosen(pool: Pool, everywhere: Sequence[Place], identity: Identity, wanted: UUID | None) -> NotAPerson:
    """What to say to somebody who has to name a tenant, or is of none."""
    if wanted is not None or not everywhere:
        return NotAPerson(_nobody(identity, wanted))
    accepted = [place for place in everywhere if place.accepted]
    shown = (accepted or everywhere)[:CHOICES_MAX]
    choices = [Choice(place.tenant_id, await _name(pool, place.tenant_id)) for place in shown]
    words = (
        "You are a person of several tenants" if accepted else "You are registered, and have not signed in there yet"
    )
    return NotAPerson(f"{words}: name one as `tenant`.", choices)


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
            await identities.insert_identity(
                conn, place.tenant_id, new_id(), place.person_id, identity.issuer, identity.subject, at, BY_SIGN_IN, at
            )
    log.info("a person signed in for the first time", tenant=str(place.tenant_id), person=str(place.person_id))
