"""Connection pools and the two kinds of short transaction: the worker's, and one tenant's."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar
from uuid import UUID

import asyncpg
from pydantic import SecretStr

from shared.db.errors import DatabaseUnavailable, Deadlocked, is_retryable

if TYPE_CHECKING:
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:  # the driver's classes take no parameters at run time
    Pool = asyncpg.Pool
    Connection = asyncpg.Connection

STATEMENT_TIMEOUT_MS: Final = 4_000
LOCK_TIMEOUT_MS: Final = 3_000
TRANSACTION_TIMEOUT_MS: Final = 5_000
IDLE_IN_TRANSACTION_TIMEOUT_MS: Final = 5_000
ACQUIRE_TIMEOUT_S: Final = 5.0
COMMAND_TIMEOUT_S: Final = 6.0
"""For a database that does not even refuse: longer than each of its own limits of a statement."""
ATTEMPTS_MAX: Final = 3
"""The database looks for a deadlock after a second: more would be a wait that nobody expects."""
RIVALS: Final = (
    Deadlocked,
    asyncpg.ForeignKeyViolationError,
    asyncpg.UniqueViolationError,
    asyncpg.ExclusionViolationError,
)
T = TypeVar("T")

SET_TENANT: Final = "select set_config('rucor.tenant', $1, true)"
# The running timer only moves when it is switched off first.
LAST_LONGER: Final = "select set_config('transaction_timeout', '0', true), set_config('transaction_timeout', $1, true)"


class Witness(Protocol):
    """Sees the transactions of what is under way in this context, for example one HTTP request."""

    def enters(self, tenant_id: UUID) -> None:
        """A transaction of this tenant begins."""

    async def leaves(self, conn: Connection) -> None:
        """The transaction is about to commit: what is written here stands or falls with it."""


witness: ContextVar[Witness | None] = ContextVar("witness", default=None)


def plain(dsn: str | SecretStr) -> str:
    """The connection URI as text, for the driver only."""
    return dsn.get_secret_value() if isinstance(dsn, SecretStr) else dsn


async def open_pool(
    dsn: str | SecretStr, *, name: str, size: int = 8, transaction_ms: int = TRANSACTION_TIMEOUT_MS
) -> Pool:
    """A pool of up to `size` connections with the four timeouts set, so that a frozen owner's locks free themselves.

    `transaction_ms` caps statements too; longer work belongs into several transactions.  Raises DatabaseUnavailable."""
    try:
        pool: Pool = await asyncpg.create_pool(
            plain(dsn),
            min_size=1,
            max_size=size,
            timeout=ACQUIRE_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S,
            server_settings={
                "application_name": name,
                "timezone": "UTC",
                "statement_timeout": str(min(STATEMENT_TIMEOUT_MS, transaction_ms)),
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "transaction_timeout": str(transaction_ms),
                "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
            },
        )
    except Exception as error:
        if is_retryable(error):
            raise DatabaseUnavailable(f"cannot connect as {name}: {error!r}") from error
        raise
    return pool


@asynccontextmanager
async def tx(pool: Pool) -> AsyncIterator[Connection]:
    """One short transaction: committed at the end, rolled back on any exception.

    Compute before it, talk to networks after it, never inside.  Raises DatabaseUnavailable where a retry can help."""
    try:
        async with pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as connection, connection.transaction():
            yield connection
            if (seen_by := witness.get()) is not None:
                await seen_by.leaves(connection)
    except Exception as error:
        if is_retryable(error):
            kind = Deadlocked if isinstance(error, asyncpg.DeadlockDetectedError) else DatabaseUnavailable
            raise kind(f"transaction failed: {error!r}") from error
        raise


async def past_rivals(act: Callable[[], Awaitable[T]]) -> T:
    """`act` is one transaction, and leaves nothing behind but what that commits.  It is run again where others came between: it
    was ended for them to go on, or what it had looked at was gone or taken when it wrote, which its own checks tell the next
    time.  Raises what it met each time."""
    for _ in range(ATTEMPTS_MAX - 1):
        try:
            return await act()
        except RIVALS:
            continue
    return await act()


_JOINED: ContextVar[tuple[UUID, Connection] | None] = ContextVar("joined", default=None)


@contextmanager
def joined(tenant_id: UUID, conn: Connection) -> Iterator[None]:
    """What this task opens inside as a transaction of the tenant is part of the one that `conn` has open already: a command
    reads what it acts on as anybody would, under its own locks, and needs no second connection for it."""
    token = _JOINED.set((tenant_id, conn))
    try:
        yield
    finally:
        _JOINED.reset(token)


@asynccontextmanager
async def tenant_tx(pool: Pool, tenant_id: UUID) -> AsyncIterator[Connection]:
    """A transaction that sees this tenant's rows only; the setting ends with the transaction."""
    open_already = _JOINED.get()
    if open_already is not None and open_already[0] == tenant_id:
        yield open_already[1]
        return
    if (seen_by := witness.get()) is not None:
        seen_by.enters(tenant_id)
    async with tx(pool) as connection:
        await connection.execute(SET_TENANT, str(tenant_id))
        yield connection


async def last_longer(conn: Connection, transaction_ms: int) -> None:
    """This one transaction may last so long from now on: for work that is whole or nothing, and short in each statement."""
    await conn.execute(LAST_LONGER, str(transaction_ms))


@asynccontextmanager
async def lone_tx(dsn: str, *, name: str) -> AsyncIterator[Connection]:
    """One transaction on a connection of its own, for commands that do one thing.  Raises DatabaseUnavailable."""
    pool = await open_pool(dsn, name=name, size=1)
    try:
        async with tx(pool) as conn:
            yield conn
    finally:
        await pool.close()
