"""Database errors by meaning: what can be tried again, and which rule a named constraint stands for."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import asyncpg

from shared.errors import Retryable

_RETRYABLE_STATES: Final = frozenset(
    {
        "25P03",  # idle_in_transaction_session_timeout
        "25P04",  # transaction_timeout
        "40001",  # serialization failure
        "40P01",  # deadlock
        "53300",  # too many connections
        "55P03",  # lock_timeout
        "57014",  # statement_timeout
        "57P01",  # terminated by an administrator
        "57P02",  # crash of another backend
        "57P03",  # starting up or shutting down
    }
)


class DatabaseUnavailable(Retryable):
    """The database is away, restarting or too busy.  The outcome of a commit under way is not known: read again."""


class Deadlocked(DatabaseUnavailable):
    """The transaction was ended so that those it stood against could go on.  Nothing of it happened: run again, it may pass."""


def is_retryable(error: BaseException) -> bool:
    """True for lost connections, timeouts, deadlocks and a database that starts up or shuts down."""
    if isinstance(error, asyncpg.PostgresError):
        state = getattr(error, "sqlstate", None) or ""
        return state in _RETRYABLE_STATES or state.startswith("08")
    if isinstance(error, asyncpg.InterfaceError):
        return "connection" in str(error) or "pool" in str(error)
    # The driver's own state machine is lost where a connection dies between two of its messages.
    return isinstance(error, OSError | TimeoutError | asyncpg.InternalClientError)


@contextmanager
def constraints(meanings: Mapping[str, Callable[[], Exception]]) -> Iterator[None]:
    """Inside, a violated constraint named in `meanings` raises what its function makes, not the database's error."""
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as error:
        make = meanings.get(error.constraint_name or "")
        if make is None:
            raise
        raise make() from error
