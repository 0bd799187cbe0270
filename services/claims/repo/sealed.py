"""Every place where sealed values lie (rule RE3), so that another key can take over.  Needs the worker's role.

The id of a value's key is its bytes 2 to 5; its nonce, which no two values share, bytes 6 to 17."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.claims.repo.rows import all_of
from shared.db.pool import Connection

# The keys in use, one step through the index each, however many values there are.
CLAIMANT_KEYS: Final = """
with recursive used (key_id) as (
    (select substring(bank_sealed, 2, 4) from claims.claimant where bank_sealed is not null order by 1 limit 1)
    union all
    select (select substring(c.bank_sealed, 2, 4) from claims.claimant c
        where c.bank_sealed is not null and substring(c.bank_sealed, 2, 4) > used.key_id order by 1 limit 1)
    from used where used.key_id is not null
) select key_id from used where key_id is not null"""
SNAPSHOT_KEYS: Final = """
with recursive used (key_id) as (
    (select substring(sealed, 2, 4) from claims.snapshot order by 1 limit 1)
    union all
    select (select substring(s.sealed, 2, 4) from claims.snapshot s
        where substring(s.sealed, 2, 4) > used.key_id order by 1 limit 1)
    from used where used.key_id is not null
) select key_id from used where key_id is not null"""
DOCUMENT_KEYS: Final = """
with recursive used (key_id) as (
    (select substring(sealed, 2, 4) from claims.document order by 1 limit 1)
    union all
    select (select substring(d.sealed, 2, 4) from claims.document d
        where substring(d.sealed, 2, 4) > used.key_id order by 1 limit 1)
    from used where used.key_id is not null
) select key_id from used where key_id is not null"""
ATTACHMENT_KEYS: Final = """
with recursive used (key_id) as (
    (select substring(sealed, 2, 4) from claims.attachment where purged_at is null order by 1 limit 1)
    union all
    select (select substring(a.sealed, 2, 4) from claims.attachment a
        where a.purged_at is null and substring(a.sealed, 2, 4) > used.key_id order by 1 limit 1)
    from used where used.key_id is not null
) select key_id from used where key_id is not null"""
WEBHOOK_KEYS: Final = """
with recursive used (key_id) as (
    (select substring(sealed, 2, 4) from claims.webhook_secret order by 1 limit 1)
    union all
    select (select substring(w.sealed, 2, 4) from claims.webhook_secret w
        where substring(w.sealed, 2, 4) > used.key_id order by 1 limit 1)
    from used where used.key_id is not null
) select key_id from used where key_id is not null"""

PROOF_KEYS: Final = """
with recursive used (key_id) as (
    (select substring(sealed, 2, 4) from claims.proof_salt order by 1 limit 1)
    union all
    select (select substring(p.sealed, 2, 4) from claims.proof_salt p
        where substring(p.sealed, 2, 4) > used.key_id order by 1 limit 1)
    from used where used.key_id is not null
) select key_id from used where key_id is not null"""

CLAIMANT_NEXT: Final = """
select ctid, tenant_id, id as subject_id, 'claimant' as what, bank_sealed as sealed from claims.claimant
where bank_sealed is not null and substring(bank_sealed, 2, 4) = any($1::bytea[]) limit $2"""
SNAPSHOT_NEXT: Final = """
select ctid, tenant_id, subject_id, 'snapshot-' || kind as what, sealed from claims.snapshot
where substring(sealed, 2, 4) = any($1::bytea[]) limit $2"""
DOCUMENT_NEXT: Final = """
select ctid, tenant_id, claim_id as subject_id, 'document-' || kind as what, sealed from claims.document
where substring(sealed, 2, 4) = any($1::bytea[]) limit $2"""
ATTACHMENT_NEXT: Final = """
select ctid, tenant_id, id as subject_id, 'attachment' as what, sealed from claims.attachment
where purged_at is null and substring(sealed, 2, 4) = any($1::bytea[]) limit $2"""
WEBHOOK_NEXT: Final = """
select ctid, tenant_id, id as subject_id, 'webhook-secret' as what, sealed from claims.webhook_secret
where substring(sealed, 2, 4) = any($1::bytea[]) limit $2"""

PROOF_NEXT: Final = """
select ctid, tenant_id, subject_id, 'proof-' || kind as what, sealed from claims.proof_salt
where substring(sealed, 2, 4) = any($1::bytea[]) limit $2"""

# Only the very value that was opened is exchanged, known by its nonce: a row that was written since keeps what it says.
CLAIMANT_SWAP: Final = (
    "update claims.claimant set bank_sealed = $2 where ctid = $1 and substring(bank_sealed, 2, 16) = $3"
)
SNAPSHOT_SWAP: Final = "update claims.snapshot set sealed = $2 where ctid = $1 and substring(sealed, 2, 16) = $3"
DOCUMENT_SWAP: Final = "update claims.document set sealed = $2 where ctid = $1 and substring(sealed, 2, 16) = $3"
ATTACHMENT_SWAP: Final = "update claims.attachment set sealed = $2 where ctid = $1 and substring(sealed, 2, 16) = $3"

WEBHOOK_SWAP: Final = "update claims.webhook_secret set sealed = $2 where ctid = $1 and substring(sealed, 2, 16) = $3"

PROOF_SWAP: Final = "update claims.proof_salt set sealed = $2 where ctid = $1 and substring(sealed, 2, 16) = $3"


@dataclass(frozen=True)
class SealedTable:
    """`keys` finds ids of keys, `next` some values sealed with given ones, `swap` exchanges one."""

    name: str
    column: str
    keys: str
    next: str
    swap: str


@dataclass(frozen=True)
class SealedValue:
    """`what` and `subject_id`: what the value is bound to; `ctid`: where its row lies."""

    ctid: object
    tenant_id: UUID
    subject_id: UUID
    what: str
    sealed: bytes


SEALED: Final = (
    SealedTable("claimant", "bank_sealed", CLAIMANT_KEYS, CLAIMANT_NEXT, CLAIMANT_SWAP),
    SealedTable("snapshot", "sealed", SNAPSHOT_KEYS, SNAPSHOT_NEXT, SNAPSHOT_SWAP),
    SealedTable("document", "sealed", DOCUMENT_KEYS, DOCUMENT_NEXT, DOCUMENT_SWAP),
    SealedTable("proof_salt", "sealed", PROOF_KEYS, PROOF_NEXT, PROOF_SWAP),
    SealedTable("attachment", "sealed", ATTACHMENT_KEYS, ATTACHMENT_NEXT, ATTACHMENT_SWAP),
    SealedTable("webhook_secret", "sealed", WEBHOOK_KEYS, WEBHOOK_NEXT, WEBHOOK_SWAP),
)
"""Every table with sealed values belongs here: `tests/integration/claims/test_claims_keys.py` looks for those that do not."""


async def keys_used(conn: Connection, table: SealedTable) -> set[bytes]:
    """Ids of the keys that values of the table are sealed with."""
    return {row["key_id"] for row in await conn.fetch(table.keys)}


async def next_sealed(conn: Connection, table: SealedTable, key_ids: Sequence[bytes], limit: int) -> list[SealedValue]:
    return all_of(SealedValue, await conn.fetch(table.next, list(key_ids), limit))


async def swap_sealed(conn: Connection, table: SealedTable, value: SealedValue, sealed: bytes) -> None:
    """Nothing happens where the row has changed since it was read."""
    await conn.execute(table.swap, value.ctid, sealed, value.sealed[1:17])
