"""The error process: a unit Ornstein-Uhlenbeck walk, whatever the spacing of the fixes."""

import numpy as np
import pytest

from deploy.demo.sample.receiver import wander


@pytest.mark.parametrize("tau_s", [30.0, 600.0])
def test_wander_keeps_unit_size_and_forgets_with_tau(tau_s: float) -> None:
    rng = np.random.default_rng(5)
    t = np.cumsum(rng.uniform(500, 30_000, 200_000))
    walk = wander(t, tau_s, rng)
    assert walk.std() == pytest.approx(1.0, abs=0.06)
    gaps = np.diff(t) / 1000
    close = gaps < 3
    expected = np.exp(-gaps[close] / tau_s).mean()
    assert np.corrcoef(walk[1:][close], walk[:-1][close])[0, 1] == pytest.approx(expected, abs=0.03)


def test_wander_equals_the_step_by_step_recurrence() -> None:
    t = np.array([0.0, 4_000.0, 5_000.0, 90_000.0, 91_000.0, 91_500.0, 400_000.0])
    walk = wander(t, 60.0, np.random.default_rng(9))
    noise = np.random.default_rng(9).normal(0, 1, len(t))
    value = noise[0]
    expected = [value]
    for gap, shock in zip(np.diff(t) / 1000, noise[1:], strict=True):
        keep = np.exp(-gap / 60.0)
        value = keep * value + np.sqrt(1 - keep**2) * shock
        expected.append(value)
    assert walk == pytest.approx(np.array(expected))
