"""Links of auditors, what was read through them, and what a claimed line stands on (rule PA4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from services.claims.repo.rows import Page, all_of, one_of
from shared.contracts.device_day import DeviceDay, Segment
from shared.db.pool import Connection

INSERT_LINK: Final = """
insert into claims.audit_link (tenant_id, id, case_id, given_to, secret_sha256, created_at, expires_at, actor)
values ($1, $2, $3, $4, $5, $6, $7, $8)"""
LINKS: Final = """
select id, case_id, given_to, created_at, expires_at, actor, revoked_at, revoked_by
from claims.audit_link where tenant_id = $1 and case_id = $2 order by created_at, id"""
REVOKE: Final = """
update claims.audit_link set revoked_at = $4, revoked_by = $5
where tenant_id = $1 and case_id = $2 and id = coalesce($3, id) and revoked_at is null returning id"""
AUTHENTICATE: Final = """
select tenant_id, id, case_id, given_to, secret_sha256, expires_at, revoked from claims.authenticate_link($1)"""
INSERT_ACCESS: Final = """
insert into claims.audit_access (tenant_id, id, case_id, link_id, created_at, method, path, address, agent)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
ACCESSES: Final = """
select a.id, a.link_id, l.given_to, a.created_at, a.method, a.path, a.address, a.agent
from claims.audit_access a join claims.audit_link l on l.tenant_id = a.tenant_id and l.id = a.link_id
where a.tenant_id = $1 and a.case_id = $2 and (a.created_at, a.id) > ($3, $4) order by a.created_at, a.id limit $5"""
CLAIM_IN_CASE: Final = """
select licence_id from claims.audit_case_line where tenant_id = $1 and case_id = $2 and claim_id = $3"""
# Revisions by number and content, wherever they are by now: the present one, or the history.
LODGED_DAYS: Final = """
select d.device, d.day, d.rev, d.hash, coalesce(n.summary, h.summary) as summary, coalesce(n.segments, h.segments) as segments
from claims.claim_line_day d
left join claims.device_day n on n.tenant_id = d.tenant_id and n.device = d.device and n.day = d.day and n.rev = d.rev
    and n.hash = d.hash
left join claims.device_day_history h on h.tenant_id = d.tenant_id and h.device = d.device and h.day = d.day and h.rev = d.rev
    and h.hash = d.hash
where d.tenant_id = $1 and d.claim_id = $2 and d.licence_id = $3 and d.day = $4 order by d.device"""
LODGED_WINDOWS: Final = """
select device, min(day) as first_day, max(day) as last_day from claims.claim_line_day
where tenant_id = $1 and claim_id = $2 and licence_id = $3 group by device"""

_SUMMARY: Final = msgspec.msgpack.Decoder(DeviceDay)
_SEGMENTS: Final = msgspec.msgpack.Decoder(tuple[Segment, ...])


@dataclass(frozen=True)
class LinkRow:
    id: UUID
    case_id: UUID
    given_to: str
    created_at: datetime
    expires_at: datetime
    actor: str
    revoked_at: datetime | None = None
    revoked_by: str = ""


@dataclass(frozen=True)
class LinkFound:
    """What the database knows of a token's public part."""

    tenant_id: UUID
    id: UUID
    case_id: UUID
    given_to: str
    secret_sha256: bytes
    expires_at: datetime
    revoked: bool


@dataclass(frozen=True)
class AccessRow:
    id: UUID
    link_id: UUID
    given_to: str
    created_at: datetime
    method: str
    path: str
    address: str
    agent: str


class LodgedDay(NamedTuple):
    """A revision that a claimed line stands on; `day` is None where it is not kept any longer."""

    device: str
    rev: int
    content_hash: bytes
    day: DeviceDay | None


async def insert_link(conn: Connection, tenant: UUID, row: LinkRow, secret_sha256: bytes) -> None:
    await conn.execute(
        INSERT_LINK, tenant, row.id, row.case_id, row.given_to, secret_sha256, row.created_at, row.expires_at, row.actor
    )


async def links(conn: Connection, tenant: UUID, case_id: UUID) -> list[LinkRow]:
    return all_of(LinkRow, await conn.fetch(LINKS, tenant, case_id))


async def revoke(
    conn: Connection, tenant: UUID, case_id: UUID, link_id: UUID | None, at: datetime, actor: str
) -> list[UUID]:
    """That link, or all of the case; those that were live."""
    return [r["id"] for r in await conn.fetch(REVOKE, tenant, case_id, link_id, at, actor)]


async def find_link(conn: Connection, link_id: UUID) -> LinkFound | None:
    """Through the definer function: the tenant is what it finds."""
    return one_of(LinkFound, await conn.fetchrow(AUTHENTICATE, link_id))


async def insert_access(conn: Connection, tenant: UUID, case_id: UUID, row: AccessRow) -> None:
    await conn.execute(
        INSERT_ACCESS,
        tenant,
        row.id,
        case_id,
        row.link_id,
        row.created_at,
        row.method,
        row.path,
        row.address,
        row.agent,
    )


async def accesses(conn: Connection, tenant: UUID, case_id: UUID, page: Page) -> list[AccessRow]:
    return all_of(AccessRow, await conn.fetch(ACCESSES, tenant, case_id, page.after_at, page.after_id, page.limit))


async def licences_in_case(conn: Connection, tenant: UUID, case_id: UUID, claim_id: UUID) -> frozenset[UUID]:
    """Those of the claim that the case covers; empty: none."""
    return frozenset(r["licence_id"] for r in await conn.fetch(CLAIM_IN_CASE, tenant, case_id, claim_id))


async def lodged_days(
    conn: Connection, tenant: UUID, claim_id: UUID, licence_id: UUID, day: int
) -> Sequence[LodgedDay]:
    """Of one NZ day, as the line names them."""
    return [
        LodgedDay(r["device"], r["rev"], r["hash"], _whole(r["summary"], r["segments"]))
        for r in await conn.fetch(LODGED_DAYS, tenant, claim_id, licence_id, day)
    ]


def _whole(summary: bytes | None, segments: bytes | None) -> DeviceDay | None:
    if summary is None or segments is None:
        return None
    return msgspec.structs.replace(_SUMMARY.decode(summary), segments=_SEGMENTS.decode(segments))


async def lodged_windows(
    conn: Connection, tenant: UUID, claim_id: UUID, licence_id: UUID
) -> dict[str, tuple[int, int]]:
    """device → first and last NZ day of its evidence in the line."""
    found = await conn.fetch(LODGED_WINDOWS, tenant, claim_id, licence_id)
    return {r["device"]: (r["first_day"], r["last_day"]) for r in found}
