"""API keys: `rucor_<8 hex id>_<43 characters>`, shown once, stored as a SHA-256, looked up through one function.

The table and function of every service that has an HTTP API (DDL in `shared/db/tables.sql`, copied into its first
migration): the API role sees only one tenant's rows, so it finds a key's tenant through the SECURITY DEFINER function
`authenticate(key_id)`, which returns tenant, hash, scopes and whether the key is revoked."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from shared.db.pool import Connection

KEY: Final = re.compile(r"rucor_(?P<key_id>[0-9a-f]{8})_[A-Za-z0-9_-]{43}")
_SECRET_BYTES: Final = 32
_ATTEMPTS: Final = 5

INSERT_KEY: Final = """
insert into api_key (tenant_id, key_id, name, secret_sha256, scopes) values ($1, $2, $3, $4, $5)
on conflict on constraint api_key_key_id_unique do nothing returning key_id
"""
AUTHENTICATE: Final = "select tenant_id, secret_sha256, scopes, revoked from authenticate($1)"
REVOKE_KEY: Final = """
update api_key set revoked_at = now() where tenant_id = $1 and key_id = $2 and revoked_at is null returning key_id
"""


class KeyRow(NamedTuple):
    """What the database knows of a key."""

    tenant_id: UUID
    secret_sha256: bytes
    scopes: frozenset[str]
    revoked: bool


def hash_key(key: str) -> bytes:
    """SHA-256 of the whole key: it has 256 random bits, so a slow hash would only slow us down."""
    return hashlib.sha256(key.encode()).digest()


def key_id_of(key: str) -> str | None:
    """The public part of a well-formed key, else None."""
    found = KEY.fullmatch(key)
    return found["key_id"] if found else None


async def issue_key(conn: Connection, tenant_id: UUID, name: str, scopes: Sequence[str]) -> str:
    """Store a new key's hash and return the key: the only time it is ever seen.  Needs the worker's role."""
    for _ in range(_ATTEMPTS):
        key_id = secrets.token_hex(4)
        key = f"rucor_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        if await conn.fetchval(INSERT_KEY, tenant_id, key_id, name, hash_key(key), list(scopes)) is not None:
            return key
    raise RuntimeError(f"no free key id in {_ATTEMPTS} attempts")


async def revoke_key(conn: Connection, tenant_id: UUID, key_id: str) -> bool:
    """True when the key was live; caches forget it within 30 s."""
    return await conn.fetchval(REVOKE_KEY, tenant_id, key_id) is not None


async def find_key(conn: Connection, key_id: str) -> KeyRow | None:
    """The key's row by its public part, through the definer function; None when there is none."""
    row = await conn.fetchrow(AUTHENTICATE, key_id)
    if row is None:
        return None
    return KeyRow(row["tenant_id"], row["secret_sha256"], frozenset(row["scopes"]), row["revoked"])
