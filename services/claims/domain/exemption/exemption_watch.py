"""Was an exempt vehicle on the road beyond its reach, and was that allowed (rule EX3; rucex-application.txt lines 14-21)?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from services.claims.domain.findings import km

ExceptionKind = Literal["inspection", "repair", "constable", "civil_defence", "sale"]
Status = Literal["breach", "excepted", "look", "possible"]
WORDS: Final[dict[ExceptionKind, str]] = {
    "inspection": "to an inspection or certification",
    "repair": "to a repair",
    "constable": "by a constable's directions",
    "civil_defence": "by directions under section 91 of the Civil Defence Emergency Management Act 2002",
    "sale": "to the address of the new owner",
}
BY_ROUTE: Final[frozenset[ExceptionKind]] = frozenset({"inspection", "repair"})
"""Only by the most direct and practical route, which no machine judges."""
SOURCE: Final = "rucex-application.txt lines 14-21"
ROUNDING: Final = 1.02
"""A drawn way may be a little longer than what is counted of it."""
SLACK_M: Final = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Travel of one surface, as the ledger has it."""

    device: str
    surface: Literal["public_road", "unknown"]
    """Only metres on the road count; what is unknown is possible."""
    start_ms: int
    end_ms: int
    mm: int
    start_from_edge_m: float
    end_from_edge_m: float
    whole: bool = True
    """False: it straddles the exemption's beginning or end, or a change of device; the times are of the part inside, all else
    is of the whole."""

    def may_pass(self, limit_m: float) -> bool:
        """Whether it can have been beyond the limit at all: it cannot be further out than half of its way and both its ends
        allow (so most days need no look at their tracks)."""
        return (self.start_from_edge_m + self.end_from_edge_m + self.mm / 1000 * ROUNDING + SLACK_M) / 2 > limit_m


@dataclass(frozen=True, slots=True, kw_only=True)
class Far:
    """A stretch that was beyond the limit."""

    stretch: Stretch
    farthest_m: float
    beyond_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exception_:  # noqa: N801 - the law's word, which Python has taken
    """Travel beyond the reach that the conditions allow, as recorded by a person with its evidence."""

    name: str
    kind: ExceptionKind
    from_at: datetime
    until_at: datetime
    back: bool
    """The return trip, which the conditions do not name."""
    looked_by: str
    """The person who looked at the route; "" nobody yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    far: Far
    status: Status
    words: str
    exception: str
    """Its name, "" none."""


def watch(far: Far, exceptions: Sequence[Exception_], limit_m: float) -> Watched:
    """What a stretch beyond the limit is: a breach unless one exception covers all of it."""
    beyond = f"{km(int(far.beyond_m * 1000))} of it beyond {limit_m / 1000:.0f} km"
    where = f"{far.farthest_m / 1000:.3f} km from the boundary, {beyond}"
    covering = [one for one in exceptions if _covers(one, far.stretch)]
    if not covering:
        if far.stretch.surface == "unknown":
            return Watched(far=far, status="possible", words=f"{where}; whether on a road is not known", exception="")
        return Watched(far=far, status="breach", words=f"{where}, and no exception is recorded", exception="")
    one = min(covering, key=_needs_a_look)
    if _needs_a_look(one):
        why = (
            "the return trip is not named by the conditions"
            if one.back
            else "only the most direct and practical route is allowed"
        )
        return Watched(
            far=far, status="look", words=f"{where}, {WORDS[one.kind]}: {why}; a person must look", exception=one.name
        )
    seen = f"; {one.looked_by} looked at it" if one.looked_by else ""
    return Watched(far=far, status="excepted", words=f"{where}, {WORDS[one.kind]}{seen}", exception=one.name)


def _covers(one: Exception_, stretch: Stretch) -> bool:
    return one.from_at.timestamp() * 1000 <= stretch.start_ms and stretch.end_ms <= one.until_at.timestamp() * 1000


def _needs_a_look(one: Exception_) -> bool:
    return (one.back or one.kind in BY_ROUTE) and not one.looked_by
