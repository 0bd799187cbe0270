"""Sends webhooks over HTTP to public addresses only.

The host is resolved once, every address of it is checked, and the connection goes to an address that was checked: a name that
answers something else a moment later leads nowhere.  TLS still proves the host's name.  Redirects are not followed, no proxy of
the environment is used, of an answer its status and `Retry-After` are read."""

import asyncio
import contextlib
import ipaddress
import ssl
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

import httpx

from services.claims.adapters.webhook_lookups import Lookups
from services.claims.application.webhooks.webhook_sending import Outcome
from services.claims.domain.instants import from_ms
from services.claims.domain.webhooks.webhook_address import NotAllowed, Target, check_address, target_of
from services.claims.domain.webhooks.webhook_pauses import pause_asked
from shared.clock import Clock, system_clock

ATTEMPT_S: Final = 20.0
TIMEOUT: Final = httpx.Timeout(15.0, connect=5.0)
RESOLVE_S: Final = 5.0
ADDRESSES_MAX: Final = 2
"""Tried one after the other where a connection cannot be made."""
REDIRECTS: Final = range(300, 400)
USER_AGENT: Final = "rucor-webhooks/1"

Resolver = Callable[[UUID, str, int], Awaitable[Sequence[str]]]
"""Tenant, host and port → addresses as text.  Raises OSError, UnicodeError."""


class Unresolved(Exception):
    """The words say why there is no address."""


def open_sender(trusted: ssl.SSLContext | None = None) -> httpx.AsyncClient:
    """No connection is used twice: one that is open for a host must never carry another's request.  `trusted`: who vouches
    for a host's name; None: the authorities that everybody trusts."""
    return httpx.AsyncClient(
        verify=trusted or True,
        timeout=TIMEOUT,
        trust_env=False,
        follow_redirects=False,
        limits=httpx.Limits(max_keepalive_connections=0, max_connections=None),
        headers={"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"},
    )


class WebhookSender:
    """`local_hosts`: see `target_of`."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        local_hosts: Collection[str],
        resolver: Resolver | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self._client = client
        self._local_hosts = frozenset(local_hosts)
        self._resolver = resolver or Lookups()
        self._clock = clock

    async def send(self, tenant: UUID, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        started = time.monotonic()
        status, error, pause = None, "", None
        try:
            async with asyncio.timeout(ATTEMPT_S):
                status, retry_after = await self._post(tenant, target_of(url, self._local_hosts), headers, body)
                pause = pause_asked(status, retry_after, from_ms(self._clock()))
                if status in REDIRECTS:
                    error = f"answered {status}: redirects are not followed, set the URL itself"
                elif not 200 <= status < 300:
                    error = f"answered {status}"
        except (NotAllowed, Unresolved) as refused:
            error = f"not sent: {refused}"
        except TimeoutError:
            error = f"no answer within {ATTEMPT_S:.0f} s"
        except httpx.HTTPError as failed:
            error = f"no answer: {type(failed).__name__}"
        return Outcome(status, error, round((time.monotonic() - started) * 1000), pause)

    async def _post(
        self, tenant: UUID, target: Target, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, str | None]:
        """Status and `Retry-After`."""
        addresses = await self._checked(tenant, target)
        for address in addresses[:-1]:
            with contextlib.suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await self._to(address, target, headers, body)
        return await self._to(addresses[-1], target, headers, body)

    async def _checked(self, tenant: UUID, target: Target) -> list[str]:
        """Where to connect to, IPv4 first.  One address that is not public is enough to refuse them all: an honest host has
        none.  Raises NotAllowed, Unresolved."""
        try:
            async with asyncio.timeout(RESOLVE_S):
                found = list(dict.fromkeys(await self._resolver(tenant, target.host, target.port)))
        except TimeoutError:
            raise Unresolved(f"the host's name was not resolved within {RESOLVE_S:.0f} s") from None
        except (OSError, UnicodeError):
            raise Unresolved("the host's name cannot be resolved") from None
        if not found:
            raise NotAllowed("the host has no address")
        for address in found if not target.local else ():
            check_address(address)
        return sorted(found, key=lambda one: ":" in one)[:ADDRESSES_MAX]

    async def _to(
        self, address: str, target: Target, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, str | None]:
        where = f"[{address}]" if ipaddress.ip_address(address).version == 6 else address
        request = self._client.build_request(
            "POST",
            f"{target.scheme}://{where}:{target.port}{target.path}",
            content=body,
            headers={**headers, "Host": target.host_header, "Content-Type": "application/json"},
            extensions={"sni_hostname": target.host},
        )
        response = await self._client.send(request, stream=True)
        await response.aclose()
        return response.status_code, response.headers.get("retry-after")
