"""What happens to fixes between the sky and the server, each as a function of the fixes and the moments of the story."""

from typing import Final

import numpy as np

from deploy.demo.sample.geometry import Floats
from deploy.demo.sample.receiver import Fixes, wander
from deploy.demo.sample.scenarios.plan import Fault, Moments

_E6_PER_M: Final = np.array([1.0 / 0.0873, 1.0 / 0.111])
"""Micro-degrees east and north of a metre at the scenarios' latitude, near enough for the size of an error."""


def silent(first: str, last: str) -> Fault:
    """No fix from one moment to another: no sky, or the device has no power."""

    def fault(fixes: Fixes, moments: Moments, _rng: np.random.Generator) -> Fixes:
        return fixes.take(~moments.between(fixes, first, last))

    return fault


def parked_silence(every_s: float) -> Fault:
    """While the ignition is off a fix is sent as seldom as this."""

    def fault(fixes: Fixes, _moments: Moments, _rng: np.random.Generator) -> Fixes:
        slot = fixes.ts_ms // int(every_s * 1000)
        fresh = np.ones(len(slot), dtype=np.bool_)
        fresh[1:] = slot[1:] != slot[:-1]
        return fixes.take((fixes.ignition != 0) | fresh)

    return fault


def _moved(fixes: Fixes, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]", metres: Floats) -> Fixes:
    """The fixes with these rows displaced; `metres` is east and north of each."""
    lat, lng = fixes.lat_e6.copy(), fixes.lng_e6.copy()
    lng[rows] += np.round(metres[:, 0] * _E6_PER_M[0]).astype(np.int64)
    lat[rows] += np.round(metres[:, 1] * _E6_PER_M[1]).astype(np.int64)
    return fixes._replace(lat_e6=lat, lng_e6=lng)


def cold_start(count: int, metres: float) -> Fault:
    """The first fixes of the day come in from far off, each half as wrong as the one before, with a good opinion of itself."""

    def fault(fixes: Fixes, _moments: Moments, _rng: np.random.Generator) -> Fixes:
        rows = np.arange(count)
        away = metres * 0.5**rows
        return _moved(fixes, rows, np.column_stack([0.8 * away, -0.6 * away]))

    return fault


def jump(at: str, east_m: float, north_m: float, count: int = 1) -> Fault:
    """`count` fixes from this moment on lie elsewhere, as from a reflected or a repeated satellite signal."""

    def fault(fixes: Fixes, moments: Moments, rng: np.random.Generator) -> Fixes:
        first = int(np.searchsorted(fixes.ts_ms, moments.of[at]))
        rows = np.arange(first, first + count)
        return _moved(fixes, rows, np.array([east_m, north_m]) + rng.normal(0, 4, (count, 2)))

    return fault


def displaced(first: str, last: str, east_m: float, north_m: float) -> Fault:
    """From one moment to another every position is off by as much: a wrong datum, or another vehicle's antenna."""

    def fault(fixes: Fixes, moments: Moments, _rng: np.random.Generator) -> Fixes:
        rows = np.flatnonzero(moments.between(fixes, first, last))
        return _moved(fixes, rows, np.full((len(rows), 2), (east_m, north_m)))

    return fault


def drifting(first: str, last: str, reach_m: float, tau_s: float = 400.0) -> Fault:
    """A parked receiver wanders: a slow walk of this size on top of its usual error."""

    def fault(fixes: Fixes, moments: Moments, rng: np.random.Generator) -> Fixes:
        rows = np.flatnonzero(moments.between(fixes, first, last))
        t = fixes.ts_ms[rows].astype(np.float64)
        taper = np.minimum(1.0, np.minimum(t - t[0], t[-1] - t) / (tau_s * 1000))
        walk = np.column_stack([wander(t, tau_s, rng), wander(t, tau_s, rng)])
        return _moved(fixes, rows, reach_m * walk * taper[:, None])

    return fault


def twice(share: float) -> Fault:
    """The network repeats itself: identical fixes again."""

    def fault(fixes: Fixes, _moments: Moments, rng: np.random.Generator) -> Fixes:
        again = np.flatnonzero(rng.uniform(0, 1, len(fixes.ts_ms)) < share)
        return fixes.take(np.concatenate([np.arange(len(fixes.ts_ms)), again]))

    return fault


def shuffled() -> Fault:
    """Delivered in any order, the morning last."""

    def fault(fixes: Fixes, _moments: Moments, rng: np.random.Generator) -> Fixes:
        order = rng.permutation(len(fixes.ts_ms))
        late = fixes.ts_ms[order] < np.median(fixes.ts_ms)
        return fixes.take(np.concatenate([order[~late], order[late]]))

    return fault


def clash(at: str, metres: float, count: int = 1) -> Fault:
    """Two devices with one name: at `count` instants there is a second fix, of another place (rule DI4)."""

    def fault(fixes: Fixes, moments: Moments, _rng: np.random.Generator) -> Fixes:
        first = int(np.searchsorted(fixes.ts_ms, moments.of[at]))
        rows = np.arange(first, first + count)
        other = _moved(fixes, rows, np.full((count, 2), metres)).take(rows)
        return Fixes(*(np.concatenate(pair) for pair in zip(fixes, other, strict=True)))

    return fault
