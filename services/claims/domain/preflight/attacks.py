"""Every attack, in the order in which an officer would come to them."""

from typing import Final

from services.claims.domain.preflight import distance, ground, papers, ranges
from services.claims.domain.preflight.case import Attack, Case, Probe, attack_with

PROBES: Final[tuple[Probe, ...]] = (*ranges.PROBES, *distance.PROBES, *ground.PROBES, *papers.PROBES)


def attack(case: Case) -> tuple[Attack, ...]:
    """Each probe against the claim.  Pure: the same case gives the same answers."""
    return tuple(attack_with(probe, case) for probe in PROBES)
