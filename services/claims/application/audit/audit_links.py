"""Auditors' links: made, revoked, believed, and how far each reaches: the case's claimed licences, nothing else (rule PA4)."""

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from services.claims.application.audit.audit_cases import event_of
from services.claims.application.refusals import not_found, purged
from services.claims.domain.instants import nz_date
from services.claims.repo import audit_cases, audit_links
from services.claims.repo.audit_links import AccessRow, LinkRow, LodgedDay
from shared.clock import new_id
from shared.db.pool import Connection
from shared.http.problems import Problem

DAYS_MAX: Final = 90
TOKEN: Final = re.compile(r"audit_(?P<link>[0-9a-f]{32})_[A-Za-z0-9_-]{43}")
_SECRET_BYTES: Final = 32
_NO_HASH: Final = bytes(32)


@dataclass(frozen=True)
class Auditor:
    """Who asks through a link, and all that it opens."""

    tenant_id: UUID
    case_id: UUID
    link_id: UUID
    given_to: str
    expires_at: datetime


async def make_link(
    conn: Connection, tenant: UUID, case_id: UUID, given_to: str, days: int, actor: str, at: datetime
) -> tuple[LinkRow, str]:
    """The link and its token, which nobody sees again.  Raises Problem 404, 409 `case_closed`."""
    is_open = await audit_cases.lock_case(conn, tenant, case_id)
    if is_open is None:
        raise not_found("audit case", case_id)
    if not is_open:
        raise Problem(409, "case_closed", "The case is closed", "A closed case shows nothing: open another one.")
    row = LinkRow(new_id(), case_id, given_to, at, at + timedelta(days=days), actor)
    token = f"audit_{row.id.hex}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    await audit_links.insert_link(conn, tenant, row, _hash(token))
    words = f"to {given_to}, until {nz_date(row.expires_at)}"
    await audit_cases.add_event(conn, tenant, case_id, event_of("link_made", nz_date(at), words, actor, at))
    return row, token


async def revoke_link(
    conn: Connection, tenant: UUID, case_id: UUID, link_id: UUID | None, actor: str, at: datetime
) -> None:
    """One link, or every live one of the case (None); it opens nothing from this moment.  Raises Problem 404."""
    if await audit_cases.lock_case(conn, tenant, case_id) is None:
        raise not_found("audit case", case_id)
    known = {row.id: row for row in await audit_links.links(conn, tenant, case_id)}
    if link_id is not None and link_id not in known:
        raise not_found("link", link_id)
    for gone in await audit_links.revoke(conn, tenant, case_id, link_id, at, actor):
        event = event_of("link_revoked", nz_date(at), f"of {known[gone].given_to}", actor, at)
        await audit_cases.add_event(conn, tenant, case_id, event)


def _hash(token: str) -> bytes:
    """It has 256 random bits, so a slow hash would only slow us down."""
    return sha256(token.encode()).digest()


def link_of(token: str) -> UUID | None:
    """The public part of a well-formed token, else None."""
    found = TOKEN.fullmatch(token)
    return UUID(found["link"]) if found else None


async def believe(conn: Connection, token: str, now: datetime) -> Auditor | None:
    """None for a token that is unknown, wrong, revoked or expired: the answer is the same for all."""
    link_id = link_of(token)
    found = await audit_links.find_link(conn, link_id) if link_id is not None else None
    matches = hmac.compare_digest(_hash(token), found.secret_sha256 if found else _NO_HASH)
    if found is None or not matches or found.revoked or found.expires_at <= now:
        return None
    return Auditor(found.tenant_id, found.case_id, found.id, found.given_to, found.expires_at)


async def record_access(
    conn: Connection, who: Auditor, at: datetime, method: str, path: str, address: str, agent: str
) -> None:
    """Before anything is answered."""
    row = AccessRow(new_id(), who.link_id, who.given_to, at, method, path, address, agent)
    await audit_links.insert_access(conn, who.tenant_id, who.case_id, row)


async def check_scope(
    conn: Connection, who: Auditor, claim_id: UUID, licence_id: UUID | None = None
) -> frozenset[UUID]:
    """Licences of the claim that the case covers.  Raises Problem 404 where it covers none, or not that one."""
    covered = await audit_links.licences_in_case(conn, who.tenant_id, who.case_id, claim_id)
    if not covered:
        raise not_found("claim of this case", claim_id)
    if licence_id is not None and licence_id not in covered:
        raise not_found("licence of this case", licence_id)
    return covered


def checked(found: LodgedDay) -> LodgedDay:
    """Raises Problem 410 `purged` where the revision is not kept any longer."""
    if found.day is None:
        raise purged("evidence")
    return found
