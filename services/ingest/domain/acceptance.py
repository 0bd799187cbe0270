"""Which fix is taken and which is refused for its clock.  Columns in, a mask and reasons out; no I/O.

Ingest alone judges clocks (design section 2); what a row says of itself is judged by `shared.contracts.neutral`.
A fix at 0/0, an invalid or an inaccurate one is evidence: it is taken here and labelled by the classifier (section 5.2)."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.contracts.pings import Pings, content_hash

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class ClockPolicy:
    """How far a fix's instant may lie from the present (*policy*, design section 2)."""

    ahead_ms_max: int = 5 * 60_000
    age_ms_max: int = 800 * DAY_MS


class Refusal(NamedTuple):
    at: int
    """Row of the columns that were judged."""
    code: str
    detail: str


def _instant(ms: int) -> str:
    return f"{np.datetime64(ms, 'ms')}Z"


def judge_clocks(ts_ms: NDArray[np.int64], now_ms: int, policy: ClockPolicy) -> tuple[NDArray[np.bool_], list[Refusal]]:
    """The rows to take, and for the others `ts_future` or `ts_too_old`.  Both limits themselves are still taken."""
    future = ts_ms > now_ms + policy.ahead_ms_max
    old = ts_ms < now_ms - policy.age_ms_max
    refusals = [
        Refusal(
            at, "ts_future",
            f"ts {_instant(int(ts_ms[at]))} is {(int(ts_ms[at]) - now_ms) / 1000:.0f} s after our clock; "
            f"at most {policy.ahead_ms_max // 1000} s are allowed: check the device's clock and time zone",
        )
        for at in np.flatnonzero(future).tolist()
    ]  # fmt: skip
    refusals += [
        Refusal(
            at, "ts_too_old",
            f"ts {_instant(int(ts_ms[at]))} is more than {policy.age_ms_max // DAY_MS} days old: "
            "no licence of that time can be claimed any more",
        )
        for at in np.flatnonzero(old).tolist()
    ]  # fmt: skip
    return ~(future | old), sorted(refusals)


def duplicates_within(pings: Pings) -> int:
    """How many rows repeat an earlier one of the same batch: (device, instant, measured fields), as rule DI4 tells
    identical fixes from contradicting ones.  They are accepted all the same; the classifier counts each fix once."""
    if len(pings) < 2:
        return 0
    with np.errstate(over="ignore"):
        mixed = content_hash(pings) ^ (pings.ts_ms.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
        identity = mixed ^ (pings.key.astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F))
    return len(pings) - len(np.unique(identity))
