"""Roles, schemas and rights that every service's migrations stand on; the same for the embedded and a user's own Postgres.

Per service: `rucor_S_owner` owns schema `S` and runs its migrations, `rucor_S_worker` and `rucor_S_api` use it.  Rights on
tables are granted by the migrations.  Everything here may be run again: it creates what is missing and sets passwords.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from typing import Final

import asyncpg

from deploy.embedded.credentials import DATABASE_PARTS, DATABASE_SERVICES, role_name
from deploy.embedded.errors import StackError

SERVER_VERSION_MIN: Final = 17
_SCRAM_ITERATIONS: Final = 4_096
# Roles belong to the whole cluster: two bootstraps at once (two databases, two test runs) would collide on them.
_LOCK_KEY: Final = 0x7275636F72  # "rucor"

_LOCK: Final = "select pg_advisory_xact_lock($1)"
_VERSION: Final = "select current_setting('server_version_num')::int / 10000"
_ROLE_EXISTS: Final = "select exists (select from pg_roles where rolname = $1)"
_CREATE_ROLE: Final = (
    "select format('create role %I login nosuperuser nocreatedb nocreaterole noreplication', $1::text)"
)
_SET_PASSWORD: Final = "select format('alter role %I password %L', $1::text, $2::text)"  # noqa: S105 - a template
_SET_SEARCH_PATH: Final = "select format('alter role %I set search_path = %I', $1::text, $2::text)"
_CREATE_SCHEMA: Final = "select format('create schema if not exists %I authorization %I', $1::text, $2::text)"
_GRANT_USAGE: Final = "select format('grant usage on schema %I to %I, %I', $1::text, $2::text, $3::text)"
_GRANT_MEMBERSHIP: Final = "select format('grant %I to current_user', $1::text)"
_IS_SUPERUSER: Final = "select rolsuper from pg_roles where rolname = current_user"
_CREATE_EXTENSION: Final = "create extension if not exists btree_gist"
_CLOSE_DATABASE: Final = "select format('revoke all on database %I from public', current_database())"
_OPEN_DATABASE: Final = "select format('grant connect, temporary on database %I to %I', current_database(), $1::text)"


async def bootstrap(dsn: str, passwords: Mapping[str, str]) -> None:
    """Make roles (with these passwords, by role name), schemas and `btree_gist` in the database of `dsn`.

    `dsn` logs in as a superuser, or as the database's owner with CREATEROLE.  StackError where the server is too old
    or refuses.
    """
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await _check_version(connection)
        async with connection.transaction():
            await connection.execute(_LOCK, _LOCK_KEY)
            await connection.execute("set local client_min_messages = warning")
            await connection.execute(_CREATE_EXTENSION)
            await _execute(connection, _CLOSE_DATABASE)
            for service in DATABASE_SERVICES:
                await _service(connection, service, passwords)
    except asyncpg.InsufficientPrivilegeError as error:
        raise StackError(
            f"The database refuses to be prepared: {error}.  DATABASE_URL must log in as a superuser, or as the owner of "
            "its database with the right to create roles (ALTER ROLE … CREATEROLE)."
        ) from error
    finally:
        await connection.close()


async def _check_version(connection: asyncpg.Connection) -> None:
    version = await connection.fetchval(_VERSION)
    if version < SERVER_VERSION_MIN:
        raise StackError(f"DATABASE_URL leads to Postgres {version}; {SERVER_VERSION_MIN} or later is needed.")


async def _service(connection: asyncpg.Connection, service: str, passwords: Mapping[str, str]) -> None:
    superuser = await connection.fetchval(_IS_SUPERUSER)
    for part in DATABASE_PARTS:
        role = role_name(service, part)
        if not await connection.fetchval(_ROLE_EXISTS, role):
            await _execute(connection, _CREATE_ROLE, role)
        await _execute(connection, _SET_PASSWORD, role, scram_verifier(passwords[role]))
        await _execute(connection, _SET_SEARCH_PATH, role, service)
        await _execute(connection, _OPEN_DATABASE, role)
    owner = role_name(service, "owner")
    if not superuser:  # only a member of a role may make it an owner
        await _execute(connection, _GRANT_MEMBERSHIP, owner)
    await _execute(connection, _CREATE_SCHEMA, service, owner)
    await _execute(connection, _GRANT_USAGE, service, role_name(service, "worker"), role_name(service, "api"))


async def _execute(connection: asyncpg.Connection, template: str, *arguments: str) -> None:
    """Statements that define things take no parameters: the server quotes the names for us, then runs the result."""
    await connection.execute(await connection.fetchval(template, *arguments))


def scram_verifier(password: str, salt: bytes | None = None) -> str:
    """What Postgres stores for a password (RFC 5803); sent in its place, so no log of the server can show the password."""
    salt = os.urandom(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _SCRAM_ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${_SCRAM_ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"
