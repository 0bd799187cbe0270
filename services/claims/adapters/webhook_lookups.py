"""Host names to addresses, in threads of their own.

The C library's look-up holds its thread for as long as the name servers please; nothing ends it.  Among the loop's own threads
the names of one tenant would hold up everybody's: other tenants' webhooks, and connections to peers by name.  So a tenant has
a few places, which leaves room for the others; a place is taken until its look-up has really ended, whoever waits or not."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID
from weakref import WeakValueDictionary

ALL_MAX: Final = 32
OF_TENANT_MAX: Final = 2

SystemLookup = Callable[..., Sequence[tuple[Any, ...]]]
"""As `socket.getaddrinfo`."""


class Lookups:
    """Of one event loop.  Its threads are daemons: a name server that says nothing does not keep the process from ending."""

    def __init__(self, lookup: SystemLookup = socket.getaddrinfo) -> None:
        self._lookup = lookup
        self._places = asyncio.Semaphore(ALL_MAX)
        # gone with the last who waits for it or has a place of it
        self._of_tenant: WeakValueDictionary[UUID, asyncio.Semaphore] = WeakValueDictionary()

    async def __call__(self, tenant: UUID, host: str, port: int) -> Sequence[str]:
        """Addresses as text, as soon as there is a place.  Raises OSError, and UnicodeError for what cannot be a name."""
        own = self._of_tenant.setdefault(tenant, asyncio.Semaphore(OF_TENANT_MAX))
        await own.acquire()
        try:
            await self._places.acquire()
        except BaseException:
            own.release()
            raise
        return [str(one[4][0]) for one in await self._begin(own, host, port)]

    def _begin(self, own: asyncio.Semaphore, host: str, port: int) -> "asyncio.Future[Sequence[tuple[Any, ...]]]":
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[tuple[Any, ...]]] = loop.create_future()

        def ended(found: Sequence[tuple[Any, ...]], error: Exception | None) -> None:
            self._places.release()
            own.release()
            if answer.done():  # nobody waits any more
                return
            if error is None:
                answer.set_result(found)
            else:
                answer.set_exception(error)

        def look_up() -> None:
            found: Sequence[tuple[Any, ...]] = ()
            failed: Exception | None = OSError("the look-up broke")
            try:
                found = self._lookup(host, port, type=socket.SOCK_STREAM)
                failed = None
            except (OSError, ValueError) as error:
                failed = error
            finally:
                with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                    loop.call_soon_threadsafe(ended, found, failed)

        try:
            threading.Thread(target=look_up, name=f"look up {host}", daemon=True).start()
        except RuntimeError as error:  # no thread to be had
            ended((), OSError(str(error)))
        return answer
