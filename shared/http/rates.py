"""How many requests a key may make, and how often an address may come with a wrong one.  Token buckets of this process, which
gives out its share of each limit: all processes of a service together never more than the whole (docs/adr/0023-…)."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Final

from fastapi import Request

from shared.allowance import Allowance
from shared.http.problems import Problem
from shared.settings import LimitSettings

RATE: Final = "rucor.rate"
"""Where a request's scope holds its key's Standing."""
_POLICY: Final = "key"
_NEIGHBOURS: Final = 64
"""Bits of an IPv6 address that name whoever holds it: the rest they choose at will."""


@dataclass(frozen=True)
class Standing:
    """What a key has left in this process after this request.  `limit_per_s`: of all processes together."""

    taken: bool
    limit_per_s: int
    per_s: float
    burst: int
    left: int

    @property
    def wait_s(self) -> int:
        """Until there is room for one request more."""
        return 0 if self.left else math.ceil(1 / self.per_s)

    def headers(self) -> dict[str, str]:
        """`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers): a quota `q` in a window of `w` seconds,
        `r` of it remaining, whole again in `t` seconds."""
        whole_s = math.ceil((self.burst - self.left) / self.per_s)
        return {
            "RateLimit-Policy": f'"{_POLICY}";q={self.burst};w={math.ceil(self.burst / self.per_s)}',
            "RateLimit": f'"{_POLICY}";r={self.left};t={whole_s}',
        }


@dataclass
class Rates:
    """`now`: seconds that never go back."""

    limits: LimitSettings
    now: Callable[[], float] = time.monotonic
    _keys: dict[int, Allowance] = field(default_factory=dict)
    """By requests a second of all processes: the operator's overrides are few."""
    _failures: Allowance = field(init=False)

    def __post_init__(self) -> None:
        per_minute = self.limits.failures_per_minute_per_address / self.limits.processes
        self._failures = Allowance(per_minute / 60, max(1, per_minute))

    def take(self, key_id: str, per_s: int | None) -> Standing:
        """One request of a key; `per_s`: its own limit, where it has one."""
        whole = per_s or self.limits.requests_per_s_per_key
        share = whole / self.limits.processes
        burst = max(1, whole * self.limits.request_burst_s // self.limits.processes)
        bucket = self._keys.setdefault(whole, Allowance(share, burst))
        taken = bucket.take_up_to(key_id, 1, self.now()) == 1
        return Standing(taken, whole, share, burst, bucket.left(key_id, self.now()))

    def failed(self, address: str) -> None:
        """A request of this address bore no valid key.  Raises Problem 429 once there were too many."""
        self.let_in(address)
        self._failures.charge(address, 1, self.now())

    def let_in(self, address: str) -> None:
        """Raises Problem 429 while the address has failed too often."""
        wait = self._failures.wait_s(address, self.now())
        if wait:
            raise Problem(
                429, "too_many_failures", "Too many requests without a valid key",
                f"Wait {wait} s, then send the header `Authorization` with a valid key.", retry_after_s=wait,
            )  # fmt: skip


def take(request: Request, rates: Rates, holder: str, per_s: int | None) -> None:
    """One request of this holder, told in the answer's headers.  Raises Problem 429 above the limit."""
    standing = rates.take(holder, per_s)
    request.scope[RATE] = standing
    if not standing.taken:
        raise above(standing)


def above(standing: Standing) -> Problem:
    """429 for a key that asks more than it may."""
    return Problem(
        429, "too_many_requests", "This key asks more than it may",
        f"The limit is {standing.limit_per_s} requests a second: wait {standing.wait_s} s, then send the request again.",
        retry_after_s=standing.wait_s, limit_per_s=standing.limit_per_s,
    )  # fmt: skip


def address_of(request: Request) -> str:
    """Who sends: an IPv4 address, or the first 64 bits of an IPv6 one; behind a proxy on this machine the one that it names."""
    host = request.client.host if request.client is not None else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return str(int(address) >> _NEIGHBOURS) if isinstance(address, IPv6Address) else host
