"""Is the demo's outcome right?  Pure comparisons: situations against what is documented, estimate against truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

OVER_CLAIM_MAX_PERCENT: Final = 2.0
"""Of true off-road kilometres (the issue's bound for the sample fleet)."""


@dataclass(frozen=True)
class Outcome:
    """What the system says of one licence."""

    ref: str
    number: str
    state: str
    findings: Mapping[str, str]
    """Rule → worst outcome (pass, warn, fail, unknown)."""
    public_mm: int
    off_road_mm: int
    unknown_mm: int
    recorder_mm: int | None
    claimable_km: int


@dataclass(frozen=True)
class Expectation:
    """A licence situation and its documented outcome."""

    situation: str
    ref: str
    states: frozenset[str]
    findings: Mapping[str, str]


WORSE: Final = ("pass", "unknown", "warn", "fail")


def worst(outcomes: Sequence[str]) -> str:
    """The most serious of several findings of one rule."""
    return max(outcomes, key=WORSE.index)


def situation_faults(expected: Sequence[Expectation], outcomes: Mapping[str, Outcome]) -> list[str]:
    """A sentence for every situation that did not end as documented; an expected finding that is missing is a fault."""
    faults = []
    for want in expected:
        got = outcomes.get(want.ref)
        if got is None:
            faults.append(f"{want.situation}: licence {want.ref} is not there")
            continue
        if got.state not in want.states:
            faults.append(
                f"{want.situation}: licence {got.number} is {got.state}, expected {' or '.join(sorted(want.states))}"
            )
        for rule, outcome in want.findings.items():
            if got.findings.get(rule) != outcome:
                found = got.findings.get(rule, "not judged")
                faults.append(
                    f"{want.situation}: rule {rule} says {found} for licence {got.number}, expected {outcome}"
                )
    return faults


def closure_faults(outcomes: Sequence[Outcome]) -> list[str]:
    """Surfaces must close on the recorder, to the millimetre, wherever actual readings bound the licence (G3)."""
    faults = []
    for outcome in outcomes:
        total = outcome.public_mm + outcome.off_road_mm + outcome.unknown_mm
        if outcome.recorder_mm is not None and total != outcome.recorder_mm:
            faults.append(
                f"licence {outcome.number}: surfaces sum to {total} mm, the recorder says {outcome.recorder_mm} mm"
            )
    return faults


@dataclass(frozen=True)
class Accuracy:
    true_off_mm: int
    estimated_off_mm: int
    over_mm: int
    """Summed device by device: an excess on one never pays for a lack on another."""
    under_mm: int

    @property
    def over_percent(self) -> float:
        return 100 * self.over_mm / self.true_off_mm if self.true_off_mm else float(self.over_mm > 0) * 100

    @property
    def under_percent(self) -> float:
        return 100 * self.under_mm / self.true_off_mm if self.true_off_mm else 0.0


def accuracy(estimated_mm: Mapping[str, int], true_mm: Mapping[str, int]) -> Accuracy:
    """Off-road estimate against truth, device by device."""
    over = sum(max(0, estimated_mm.get(device, 0) - true) for device, true in true_mm.items())
    under = sum(max(0, true - estimated_mm.get(device, 0)) for device, true in true_mm.items())
    estimated = sum(estimated_mm.get(device, 0) for device in true_mm)
    return Accuracy(sum(true_mm.values()), estimated, over, under)
