"""Licences (rules LI): their ranges, what ended them, and who verified them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import FIRST_ID, START, Page, all_of, one_of
from shared.db.pool import Connection

INSERT_LICENCE: Final = """
insert into claims.licence (tenant_id, id, ref, claimant_id, vehicle_id, recorder_id, number, number_key, kind, start_reading,
    end_reading, claimable_end_reading, ended_by, issued_at, purchased_at, units, gross_cents, credit_cents, fee_cents,
    ruc_type, gross_kg, overlap, created_at, turned)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)"""
LICENCE: Final = """
select id, ref, claimant_id, vehicle_id, recorder_id, number, number_key, kind, start_reading, end_reading,
    claimable_end_reading, ended_by, issued_at, purchased_at, units, gross_cents, credit_cents, fee_cents, ruc_type,
    gross_kg, overlap, created_at, turned
from claims.licence where tenant_id = $1"""
LICENCES: Final = LICENCE + """
    and id = coalesce($2, id) and ($3::text is null or ref = $3) and vehicle_id = coalesce($4, vehicle_id)
    and claimant_id = coalesce($5, claimant_id) and (created_at, id) > ($6, $7)
    and issued_at >= coalesce($9, issued_at) and issued_at <= coalesce($10, issued_at)
order by created_at, id limit $8"""  # fmt: skip
LICENCES_BY_ID: Final = LICENCE + " and id = any($2::uuid[]) order by id"
LICENCES_OF_VEHICLE: Final = LICENCE + " and vehicle_id = $2 order by id"
LOCK_LICENCES: Final = """
select id from claims.licence where tenant_id = $1 and id = any($2::uuid[]) order by id for update"""
SAME_LICENCE: Final = """
select id from claims.licence where tenant_id = $1 and number_key = $2
union all
select id from claims.licence where tenant_id = $1 and ref = $3 limit 1"""
LICENCES_IN_RANGE: Final = LICENCE + """
    and recorder_id = $2 and claimable && int8range($3, $4, '(]') order by start_reading + turned, id"""  # fmt: skip
OLDER_BEYOND: Final = LICENCE + """
    and recorder_id = $2 and kind <> 'additional' and end_reading + turned > $3 and issued_at < $4 order by id"""  # fmt: skip
LAST_ELSEWHERE: Final = (
    LICENCE
    + """
    and vehicle_id = $2 and recorder_id <> $3 and kind <> 'additional' and issued_at < $4
order by issued_at desc, start_reading + turned desc, id limit 1"""
)
LICENCES_OF_RECORDER: Final = LICENCE + " and recorder_id = $2 order by id"
SET_TURNED: Final = "update claims.licence set turned = $3 where tenant_id = $1 and id = $2"
END_RANGE: Final = """
update claims.licence set claimable_end_reading = $3, ended_by = $4
where tenant_id = $1 and id = $2 and claimable_end_reading > $3"""
LATER_START: Final = """
select min(later.start_reading + later.turned - own.turned) from claims.licence later
join claims.licence own on own.tenant_id = $1 and own.id = $2
where later.tenant_id = $1 and later.recorder_id = own.recorder_id and later.id <> own.id and later.kind <> 'additional'
    and later.start_reading + later.turned - own.turned between own.start_reading and own.end_reading - 1
    and (later.issued_at, later.start_reading) > (own.issued_at, own.start_reading)"""
SET_RANGE: Final = """
update claims.licence set claimable_end_reading = $3, ended_by = $4 where tenant_id = $1 and id = $2"""
END_RANGES_AT: Final = """
update claims.licence set claimable_end_reading = greatest($3 - turned, start_reading), ended_by = $4
where tenant_id = $1 and recorder_id = $2 and claimable_end_reading + turned > $3 and kind <> 'additional'
    and issued_at <= $5 and not exists (select from claims.lodged_licence m
        where m.tenant_id = $1 and m.licence_id = licence.id and m.released_at is null)
returning id"""
INSERT_VERIFICATION: Final = """
insert into claims.verification (tenant_id, id, licence_id, statement_hash, wording, actor, created_at, person_id)
values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict on constraint verification_once do nothing returning id"""


@dataclass(frozen=True)
class VerificationRow:
    id: UUID
    licence_id: UUID
    statement_hash: bytes
    wording: str
    actor: str
    created_at: datetime
    person_id: UUID | None = None
    """The actor, where they signed in (rule PA2); None: a machine named them."""


@dataclass(frozen=True)
class LicenceRow:
    id: UUID
    ref: str | None
    claimant_id: UUID
    vehicle_id: UUID
    recorder_id: UUID
    number: str
    number_key: str
    kind: str
    start_reading: int
    end_reading: int
    claimable_end_reading: int
    ended_by: str | None
    issued_at: datetime
    purchased_at: datetime
    units: int | None
    gross_cents: int | None
    credit_cents: int
    fee_cents: int
    ruc_type: str | None
    gross_kg: int | None
    overlap: bool
    created_at: datetime
    turned: int = 0
    """What full turns of the display before its start add to its readings (rule VE2)."""


async def insert_licence(conn: Connection, tenant: UUID, row: LicenceRow) -> None:
    """Raises a violation of `licence_number_unique`, `licence_ranges_apart` or `licence_ref_unique`."""
    await conn.execute(
        INSERT_LICENCE, tenant, row.id, row.ref, row.claimant_id, row.vehicle_id, row.recorder_id, row.number, row.number_key,
        row.kind, row.start_reading, row.end_reading, row.claimable_end_reading, row.ended_by, row.issued_at, row.purchased_at,
        row.units, row.gross_cents, row.credit_cents, row.fee_cents, row.ruc_type, row.gross_kg,
        row.overlap, row.created_at, row.turned,
    )  # fmt: skip


async def licence(conn: Connection, tenant: UUID, licence_id: UUID) -> LicenceRow | None:
    return one_of(
        LicenceRow, await conn.fetchrow(LICENCES, tenant, licence_id, None, None, None, START, FIRST_ID, 1, None, None)
    )


async def licences(
    conn: Connection, tenant: UUID, page: Page, ref: str | None, vehicle_id: UUID | None, claimant_id: UUID | None,
    issued_from: datetime | None = None, issued_to: datetime | None = None,
) -> list[LicenceRow]:  # fmt: skip
    """Both instants are included."""
    records = await conn.fetch(
        LICENCES,
        tenant,
        None,
        ref,
        vehicle_id,
        claimant_id,
        page.after_at,
        page.after_id,
        page.limit,
        issued_from,
        issued_to,
    )
    return all_of(LicenceRow, records)


async def licences_by_id(conn: Connection, tenant: UUID, licence_ids: Sequence[UUID]) -> list[LicenceRow]:
    return all_of(LicenceRow, await conn.fetch(LICENCES_BY_ID, tenant, list(licence_ids)))


async def licences_of_vehicle(conn: Connection, tenant: UUID, vehicle_id: UUID) -> list[LicenceRow]:
    return all_of(LicenceRow, await conn.fetch(LICENCES_OF_VEHICLE, tenant, vehicle_id))


async def lock_licences(conn: Connection, tenant: UUID, licence_ids: Sequence[UUID]) -> list[UUID]:
    """Locks in ascending order of id, so that two claims over the same licences wait and never deadlock."""
    return [record["id"] for record in await conn.fetch(LOCK_LICENCES, tenant, list(licence_ids))]


async def same_licence(conn: Connection, tenant: UUID, number_key: str, ref: str | None) -> UUID | None:
    found: UUID | None = await conn.fetchval(SAME_LICENCE, tenant, number_key, ref)
    return found


async def licences_in_range(
    conn: Connection, tenant: UUID, recorder_id: UUID, start: int, end: int
) -> list[LicenceRow]:
    """Licences of the recorder whose claimable range meets (start, end] of its series."""
    return all_of(LicenceRow, await conn.fetch(LICENCES_IN_RANGE, tenant, recorder_id, start, end))


async def older_beyond(
    conn: Connection, tenant: UUID, recorder_id: UUID, start: int, issued_before: datetime
) -> list[LicenceRow]:
    """Licences of the recorder, bought earlier, for distance beyond `start` of its series, whatever ended them since."""
    return all_of(LicenceRow, await conn.fetch(OLDER_BEYOND, tenant, recorder_id, start, issued_before))


async def last_elsewhere(
    conn: Connection, tenant: UUID, vehicle_id: UUID, recorder_id: UUID, issued_before: datetime
) -> LicenceRow | None:
    """The vehicle's last licence by then on any other recorder."""
    return one_of(LicenceRow, await conn.fetchrow(LAST_ELSEWHERE, tenant, vehicle_id, recorder_id, issued_before))


async def licences_of_recorder(conn: Connection, tenant: UUID, recorder_id: UUID) -> list[LicenceRow]:
    return all_of(LicenceRow, await conn.fetch(LICENCES_OF_RECORDER, tenant, recorder_id))


async def set_turned(conn: Connection, tenant: UUID, licence_id: UUID, turned: int) -> None:
    """Raises a violation of `licence_ranges_apart`."""
    await conn.execute(SET_TURNED, tenant, licence_id, turned)


async def end_range(conn: Connection, tenant: UUID, licence_id: UUID, at_reading: int, ended_by: str) -> None:
    """`at_reading`: on the licence's own scale."""
    await conn.execute(END_RANGE, tenant, licence_id, at_reading, ended_by)


async def later_start(conn: Connection, tenant: UUID, licence_id: UUID) -> int | None:
    """Where the first licence that was bought later begins inside this one's range, on this one's own scale."""
    found: int | None = await conn.fetchval(LATER_START, tenant, licence_id)
    return found


async def set_range(conn: Connection, tenant: UUID, licence_id: UUID, at_reading: int, ended_by: str | None) -> None:
    """Also further than it reached before.  Raises a violation of `licence_ranges_apart`."""
    await conn.execute(SET_RANGE, tenant, licence_id, at_reading, ended_by)


async def end_ranges_at(
    conn: Connection, tenant: UUID, recorder_id: UUID, at_reading: int, ended_by: str, at: datetime
) -> list[UUID]:
    """Every licence of the recorder that was issued by then and reaches past `at_reading` of its series ends there, but those
    that are claimed; their ids."""
    return [record["id"] for record in await conn.fetch(END_RANGES_AT, tenant, recorder_id, at_reading, ended_by, at)]


async def insert_verification(conn: Connection, tenant: UUID, row: VerificationRow) -> bool:
    """False where the same person verified the same statement already."""
    found = await conn.fetchval(
        INSERT_VERIFICATION,
        tenant,
        row.id,
        row.licence_id,
        row.statement_hash,
        row.wording,
        row.actor,
        row.created_at,
        row.person_id,
    )
    return found is not None
