"""Larger than expected: is this licence's off-road share above what is usual? (rule EL7; smartrak-rucor-claim.txt line 32)

Shares are in thousandths, so that everything stays an integer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Final

from services.claims.domain.findings import Finding
from services.claims.domain.policy import Policy
from services.claims.domain.statement.statement_parts import Amounts

SOURCE: Final = "smartrak-rucor-claim.txt line 32; policy"
_PER_POINT: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A named person looked at a share that is larger than expected, and says why it is so."""

    statement_hash: str
    reason: str
    actor: str
    at: datetime


def share_of(totals: Amounts) -> int | None:
    """Off-road metres in thousandths of the share, rounded down; None where nothing was travelled."""
    return totals.off_road_mm * 1000 // totals.share_mm if totals.share_mm else None


def as_usual(share: int | None, own: Sequence[int], peers: Sequence[int], policy: Policy) -> Finding:
    """Rule EL7.  Above median + max(10 points, 3 MAD) it must be looked at.

    `own`: shares of the vehicle's earlier licences, newest first; `peers`: of the fleet's licences with the same reason code,
    which count where the vehicle has fewer than three."""
    latest = list(own[: policy.usual_licences])
    whose, known = "the vehicle's own", latest
    if len(latest) < policy.usual_licences_min:
        whose, known = "the fleet's, same reason code", list(peers)
    if share is None or len(known) < policy.usual_licences_min:
        reason = f"too few earlier licences to compare with ({len(latest)} own, {len(peers)} of the fleet): look at it"
        return Finding(rule="EL7", outcome="unknown", reason=reason, source=SOURCE)
    middle = median(known)
    spread = median(abs(one - middle) for one in known)
    limit = middle + max(policy.usual_points * _PER_POINT, policy.usual_mads * spread)
    inputs = (
        ("share", _percent(share)),
        ("median", _percent(middle)),
        ("limit", _percent(limit)),
        ("compared_with", f"{len(known)} licences: {whose}"),
    )
    if share > limit:
        reason = (
            f"{_percent(share)} off road is larger than expected: usual is {_percent(middle)}, up to {_percent(limit)}. "
            "Look at the report; where data is faulty have it excluded before claiming"
        )
        return Finding(rule="EL7", outcome="warn", reason=reason, source=SOURCE, inputs=inputs)
    reason = f"{_percent(share)} off road is within what is usual (up to {_percent(limit)})"
    return Finding(rule="EL7", outcome="pass", reason=reason, source=SOURCE, inputs=inputs)


def is_looked_at(expected: Finding, statement_hash: str, looks: Sequence[Look]) -> list[Finding]:
    """Rule EL7, a condition of lodging: what warns must be looked at, by a named person and over exactly this statement.
    Nothing where it does not warn."""
    if expected.rule != "EL7" or expected.outcome != "warn":
        return []
    fitting = [look for look in looks if look.statement_hash == statement_hash]
    if not fitting:
        reason = "no person has looked at why it is larger than expected: look at the report, then say what you found"
        return [Finding(rule="EL7", outcome="fail", reason=reason, source=SOURCE, waiting=True)]
    look = min(fitting, key=lambda one: one.at)
    reason = f"{look.actor} looked at it on {look.at:%Y-%m-%d}: {look.reason}"
    return [Finding(rule="EL7", outcome="pass", reason=reason, source=SOURCE)]


def _percent(thousandths: float) -> str:
    return f"{thousandths / 10:.1f} %"
