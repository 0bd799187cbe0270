"""API keys: `rucor_<8 hex id>_<43 characters>`, shown once, stored as a SHA-256, looked up through one function.

The table and functions of every service that has an HTTP API (DDL in `shared/db/tables.sql`, copied into its migrations): the
API role sees only one tenant's rows, and no secrets, so it finds a key's tenant through the SECURITY DEFINER function
`find_api_key(key_id)`, which returns tenant, hashes, scopes and until when the key works."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from shared.db.pool import Connection

KEY: Final = re.compile(r"rucor_(?P<key_id>[0-9a-f]{8})_[A-Za-z0-9_-]{43}")
FIRST: Final = (datetime(1970, 1, 1, tzinfo=UTC), "")
"""Before every key of a list."""
EVER: Final = datetime.max.replace(tzinfo=UTC)
OVER: Final = datetime.min.replace(tzinfo=UTC)
PRINT_BYTES: Final = 8
"""So much of a secret's SHA-256 tells it from the key's other secrets."""
_SECRET_BYTES: Final = 32
_ATTEMPTS: Final = 5

INSERT_KEY: Final = """
insert into api_key (tenant_id, key_id, name, secret_sha256, scopes, expires_at, requests_per_s)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict on constraint api_key_key_id_unique do nothing returning key_id
"""
AUTHENTICATE: Final = """
select tenant_id, secret_sha256, scopes, revoked, expires_at, old_secret_sha256, old_until, requests_per_s, last_used_on
from find_api_key($1)
"""
NOTE_USE: Final = "select note_key_use($1, $2)"
SELECT_KEYS: Final = """
select key_id, name, scopes, created_at, last_used_on, expires_at, revoked_at, old_until, requests_per_s from api_key
where tenant_id = $1 and ($2::text is null or key_id = $2) and (created_at, key_id) > ($3, $4)
order by created_at, key_id limit $5
"""
# In one order, so that two keys which change each other wait and never block each other.
LOCK_KEYS: Final = """
select key_id, name, scopes, created_at, last_used_on, expires_at, revoked_at, old_until, requests_per_s from api_key
where tenant_id = $1 and key_id = any($2::text[]) order by key_id for no key update
"""
# Whoever makes a key waits for who is making one of the same tenant, so that the number below stands.
ONE_MAKER: Final = "select pg_advisory_xact_lock(hashtextextended('api_key ' || $1::uuid::text, 0))"
LIVE_KEYS: Final = """
select count(*) from api_key where tenant_id = $1 and revoked_at is null and (expires_at is null or expires_at > $2)"""
SHARE_KEY: Final = "select key_id from api_key where tenant_id = $1 and key_id = $2 for share"
ROTATE_KEY: Final = "select rotate_key($1, $2, $3, $4)"
LIMIT_KEY: Final = "update api_key set requests_per_s = $3 where tenant_id = $1 and key_id = $2 returning key_id"
REVOKE_KEY: Final = """
update api_key set revoked_at = now() where tenant_id = $1 and key_id = $2 and revoked_at is null returning key_id
"""


class KeyRow(NamedTuple):
    """What the database knows of a key."""

    tenant_id: UUID
    secret_sha256: bytes
    scopes: frozenset[str]
    revoked: bool
    expires_at: datetime | None = None
    old_secret_sha256: bytes | None = None
    old_until: datetime | None = None
    requests_per_s: int | None = None
    last_used_on: date | None = None

    def is_over(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def works_until(self, shown: bytes) -> datetime:
        """The end of the secret with this SHA-256, or with these first bytes of it; OVER for any other, and where the key is
        revoked.  In constant time."""
        present = hmac.compare_digest(shown, self.secret_sha256[: len(shown)])
        before = hmac.compare_digest(shown, (self.old_secret_sha256 or bytes(32))[: len(shown)])
        if self.revoked or len(shown) < PRINT_BYTES or not (present or before):
            return OVER
        end = self.expires_at or EVER
        return end if present else min(end, self.old_until or OVER)


class KeyFacts(NamedTuple):
    """What its tenant may know of a key: all but its secrets."""

    key_id: str
    name: str
    scopes: list[str]
    created_at: datetime
    last_used_on: date | None
    """The NZ day."""
    expires_at: datetime | None
    revoked_at: datetime | None
    old_until: datetime | None
    """Until when the secret before the last rotation works."""
    requests_per_s: int | None


def hash_key(key: str) -> bytes:
    """SHA-256 of the whole key: it has 256 random bits, so a slow hash would only slow us down."""
    return hashlib.sha256(key.encode()).digest()


def key_id_of(key: str) -> str | None:
    """The public part of a well-formed key, else None."""
    found = KEY.fullmatch(key)
    return found["key_id"] if found else None


async def issue_key(
    conn: Connection,
    tenant_id: UUID,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None = None,
    requests_per_s: int | None = None,
) -> str:
    """Store a new key's hash and return the key: the only time it is ever seen.  In a transaction of the tenant, or with the
    worker's role."""
    for _ in range(_ATTEMPTS):
        key = _new_key(secrets.token_hex(4))
        values = (tenant_id, key_id_of(key), name, hash_key(key), list(scopes), expires_at, requests_per_s)
        if await conn.fetchval(INSERT_KEY, *values) is not None:
            return key
    raise RuntimeError(f"no free key id in {_ATTEMPTS} attempts")


def _new_key(key_id: str) -> str:
    return f"rucor_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"


async def rotate_key(conn: Connection, tenant_id: UUID, key_id: str, old_until: datetime) -> str | None:
    """The key with a new secret, seen only here; the present one works until `old_until`, any before it ends now.  None where
    the tenant has no live key of that id."""
    key = _new_key(key_id)
    return key if await conn.fetchval(ROTATE_KEY, tenant_id, key_id, hash_key(key), old_until) else None


async def keys_of(
    conn: Connection, tenant_id: UUID, after: tuple[datetime, str], limit: int, key_id: str | None = None
) -> list[KeyFacts]:
    """A tenant's keys, the revoked ones too, oldest first; or the one of that id."""
    return [KeyFacts(*row) for row in await conn.fetch(SELECT_KEYS, tenant_id, key_id, *after, limit)]


async def lock_keys(conn: Connection, tenant_id: UUID, key_ids: Sequence[str]) -> dict[str, KeyFacts]:
    """Key id → those of the tenant's keys that are there, the revoked ones too; nobody else changes or holds them until the
    transaction ends."""
    return {row["key_id"]: KeyFacts(*row) for row in await conn.fetch(LOCK_KEYS, tenant_id, list(key_ids))}


async def held_key(conn: Connection, tenant_id: UUID, key_id: str) -> KeyRow | None:
    """The tenant's key, the revoked one too: who would revoke or rotate it waits until the transaction ends."""
    found = await conn.fetchval(SHARE_KEY, tenant_id, key_id)
    return None if found is None else await find_key(conn, key_id)


async def live_keys(conn: Connection, tenant_id: UUID, now: datetime) -> int:
    """How many keys of the tenant work; nobody makes another by `live_keys` until the transaction ends."""
    await conn.execute(ONE_MAKER, tenant_id)
    count: int = await conn.fetchval(LIVE_KEYS, tenant_id, now)
    return count


async def note_use(conn: Connection, key_id: str, on: date) -> None:
    await conn.execute(NOTE_USE, key_id, on)


async def limit_key(conn: Connection, tenant_id: UUID, key_id: str, per_s: int | None) -> bool:
    """Its own limit of requests a second, None for everybody's.  Needs the worker's role."""
    return await conn.fetchval(LIMIT_KEY, tenant_id, key_id, per_s) is not None


async def revoke_key(conn: Connection, tenant_id: UUID, key_id: str) -> bool:
    """True when the key was live; caches forget it within 30 s."""
    return await conn.fetchval(REVOKE_KEY, tenant_id, key_id) is not None


async def find_key(conn: Connection, key_id: str) -> KeyRow | None:
    """The key's row by its public part, through the definer function; None when there is none."""
    row = await conn.fetchrow(AUTHENTICATE, key_id)
    if row is None:
        return None
    return KeyRow(**{**dict(row), "scopes": frozenset(row["scopes"])})
