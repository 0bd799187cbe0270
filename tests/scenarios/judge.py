"""What a scenario's answer is held against: the exact truth, and what scheme 1 promises."""

from deploy.demo.sample.scenarios.answers import Answer

PROMISED_SHARE = 0.003
"""Over-claim that the published accuracy allows."""
PROMISED_M = 10.0
"""A few metres for a drive whose truth is nothing."""


def claimed_at_most_the_truth(answer: Answer, share: float = PROMISED_SHARE, metres: float = PROMISED_M) -> None:
    most = answer.true_off_m * (1 + share) + metres
    assert answer.off_m <= most, f"claims {answer.off_m:,.0f} m of {answer.true_off_m:,.0f} m"


def claims(answer: Answer, at_least: float) -> None:
    """A sound answer that is not silly either: this share of the true off-road metres is claimed."""
    claimed_at_most_the_truth(answer)
    assert answer.off_m >= at_least * answer.true_off_m, f"only {answer.off_m:,.0f} m of {answer.true_off_m:,.0f} m"


def says(answer: Answer, surface: str, basis: str, *words: str) -> None:
    """Some segment of this surface and basis explains itself with all these words."""
    reasons = answer.why(surface, basis)
    assert any(all(word in reason for word in words) for reason in reasons), reasons


def near(metres: float, truth: float, within: float) -> bool:
    return abs(metres - truth) <= within
