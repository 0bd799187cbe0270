"""What a GPS device makes of the true movement: sampling, correlated error, odometer, gaps and plain nonsense."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deploy.demo.sample.geometry import Floats, to_degrees
from deploy.demo.sample.motion import Track
from deploy.demo.sample.plan import BLACK_SPOTS_KM
from deploy.demo.sample.vehicles import Device

_PARKED_S: Final = 900.0
_AFLOAT_S: Final = 45.0
_AFLOAT_MPS: Final = 1.0
_FOREST_EAST_M: Final = 11_500.0
_FOREST_NORTH_M: Final = (-11_900.0, -3_000.0)
_GAP_EVERY_H: Final = 14.0
_JUMP_SHARE: Final = 0.0003
_ZERO_SHARE: Final = 0.00015
_INVALID_SHARE: Final = 0.0004
NONE: Final = -1

Ints = NDArray[np.int64]


class Fixes(NamedTuple):
    """Columns of one device, by instant; integers in the units of `shared.contracts.pings`, NONE where not reported."""

    ts_ms: Ints
    lat_e6: Ints
    lng_e6: Ints
    speed_dkmh: Ints
    """0.1 km/h."""
    heading_deg: Ints
    accuracy_dm: Ints
    hdop_e1: Ints
    odometer_m: Ints
    ignition: Ints
    valid: Ints

    def take(self, rows: NDArray[np.bool_] | Ints) -> "Fixes":
        return Fixes(*(column[rows] for column in self))


def sample(track: Track, device: Device, base_odometer_m: float, rng: np.random.Generator) -> Fixes:
    """The fixes that this device records of the track."""
    t, ignition = instants(track, device.interval_s, rng)
    t = _without_gaps(t, ignition, track, rng)
    harder = _harder(track.at(t), switched_on(track, t), device.quality)
    return _nonsense(observe(track, t, device, base_odometer_m, harder, rng), rng)


def observe(
    track: Track, t: Floats, device: Device, base_odometer_m: float, harder: Floats, rng: np.random.Generator
) -> Fixes:
    """What the device sees at the instants `t`; `harder` is its error there against a good receiver's under open sky."""
    ignition = switched_on(track, t)
    true_xy = track.at(t)
    speed = np.interp(t, track.t_ms, track.speed_mps)
    error, sigma = _error(t, harder, rng)
    lat, lng = to_degrees(true_xy + error)
    return Fixes(
        ts_ms=np.round(t).astype(np.int64),
        lat_e6=np.round(lat * 1e6).astype(np.int64),
        lng_e6=np.round(lng * 1e6).astype(np.int64),
        speed_dkmh=_doppler(speed, rng),
        heading_deg=_heading(track, t, speed, rng),
        accuracy_dm=_missing_unless(device.reports == "accuracy_m", _accuracy(sigma, rng) * 10),
        hdop_e1=_missing_unless(device.reports == "hdop", np.clip(_accuracy(sigma, rng) / 2.6, 0.6, 25) * 10),
        odometer_m=_odometer(track.driven_m(t), device, base_odometer_m),
        ignition=ignition.astype(np.int64),
        valid=np.full(len(t), NONE, dtype=np.int64),
    )


def _missing_unless(reported: bool, values: Floats) -> Ints:
    return np.round(values).astype(np.int64) if reported else np.full(len(values), NONE, dtype=np.int64)


def instants(track: Track, interval_s: float, rng: np.random.Generator) -> tuple[Floats, NDArray[np.bool_]]:
    """Every `interval_s` with the ignition on, seldom when parked, each with the jitter of a busy device."""
    edges = np.concatenate([[track.t_ms[0]], track.off_ms.ravel(), [track.t_ms[-1]]])
    parts: list[Floats] = []
    for number, (first, last) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        step = interval_s
        if number % 2:
            moved = float(np.ptp(track.at(np.array([first, last]))[:, 0]))
            step = _AFLOAT_S if moved > 200 else _PARKED_S
        parts.append(np.arange(first, last, step * 1000.0))
    t = np.concatenate(parts)
    late = rng.uniform(0, 350, len(t)) + (rng.uniform(0, 1, len(t)) < 0.12) * rng.uniform(0, 1000, len(t))
    t = np.minimum(t + late, track.t_ms[-1] - 1.0)
    t = np.unique(np.round(t / 100.0) * 100.0)
    return t, switched_on(track, t)


def switched_on(track: Track, t: Floats) -> NDArray[np.bool_]:
    """Whether the ignition is on at each instant."""
    inside = np.searchsorted(track.off_ms[:, 0], t, side="right") - 1
    ends = np.maximum.accumulate(track.off_ms[:, 1])
    on: NDArray[np.bool_] = (inside < 0) | (t >= ends[np.maximum(inside, 0)])
    return on


def _without_gaps(t: Floats, ignition: NDArray[np.bool_], track: Track, rng: np.random.Generator) -> Floats:
    """Nothing is received in a black spot; and now and then the device restarts for some minutes."""
    xy = track.at(t)
    lost = np.zeros(len(t), dtype=np.bool_)
    for east, north, radius in BLACK_SPOTS_KM:
        lost |= np.hypot(xy[:, 0] - east * 1000, xy[:, 1] - north * 1000) < radius * 1000
    driving = t[ignition]
    hours = np.concatenate([[0.0], np.cumsum(np.minimum(np.diff(driving), 60_000.0))]) / 3_600_000.0
    count = int(rng.poisson(hours[-1] / _GAP_EVERY_H))
    for at in np.interp(rng.uniform(0, hours[-1], count), hours, driving).tolist():
        lost |= (t > at) & (t < at + rng.uniform(160_000, 700_000))
    return t[~lost]


def wander(t_ms: Floats, tau_s: float, rng: np.random.Generator) -> Floats:
    """A unit Ornstein-Uhlenbeck process at irregular instants: the slow walk of ionosphere, multipath and filter.

    Exact for any spacing; solved by doubling instead of one step a fix."""
    gaps = np.concatenate([[np.inf], np.diff(t_ms) / 1000.0])
    keep = np.exp(-gaps / tau_s)
    value = np.sqrt(1.0 - keep**2) * rng.normal(0, 1, len(t_ms))
    step = 1
    while step < len(t_ms):
        value[step:] = value[step:] + keep[step:] * value[:-step]
        keep[step:] = keep[step:] * keep[:-step]
        step *= 2
    return value


def _harder(xy: Floats, ignition: NDArray[np.bool_], quality: float) -> Floats:
    """Trees, and the idle device of a parked vehicle, make the error larger."""
    south, north = _FOREST_NORTH_M
    trees = (xy[:, 0] > _FOREST_EAST_M) & (xy[:, 1] > south) & (xy[:, 1] < north)
    factor: Floats = quality * np.where(trees, 1.7, 1.0) * np.where(ignition, 1.0, 1.25)
    return factor


def _error(t: Floats, harder: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Error in metres (n, 2) and the standard error that the receiver would believe in, without its reflections."""
    bursts = np.maximum(0.0, np.abs(wander(t, 150.0, rng)) - 1.5)
    axes = []
    for _ in range(2):
        slow, middle, noise = wander(t, 900.0, rng), wander(t, 45.0, rng), rng.normal(0, 1, len(t))
        reflected = bursts * 5.0 * wander(t, 60.0, rng)
        axes.append(harder * (1.9 * slow + 1.1 * middle + 0.4 * noise + reflected))
    return np.column_stack(axes), harder * (2.3 + 2.5 * bursts)


def _accuracy(sigma: Floats, rng: np.random.Generator) -> Floats:
    """Receivers guess their own error within a factor of about 1.4."""
    return np.clip(1.5 * sigma * np.exp(rng.normal(0, 0.28, len(sigma))), 1.2, 95.0)


def _doppler(speed_mps: Floats, rng: np.random.Generator) -> Ints:
    seen = np.maximum(0.0, speed_mps + rng.normal(0, 0.12, len(speed_mps)))
    still = speed_mps < 0.1
    seen[still] = np.where(rng.uniform(0, 1, int(still.sum())) < 0.85, 0.0, 0.1)
    return np.round(seen * 36.0).astype(np.int64)


def _heading(track: Track, t: Floats, speed_mps: Floats, rng: np.random.Generator) -> Ints:
    """Course over ground; a standing receiver repeats its last one."""
    ahead, behind = track.at(t + 700.0), track.at(t - 700.0)
    way = ahead - behind
    course = np.degrees(np.arctan2(way[:, 0], way[:, 1])) + rng.normal(0, 1, len(t)) * (1.5 + 12.0 / (1.0 + speed_mps))
    known = np.where(speed_mps > 0.8, np.arange(len(t)), 0)
    held = course[np.maximum.accumulate(known)]
    return np.round(held).astype(np.int64) % 360


def _odometer(driven_m: Floats, device: Device, base_m: float) -> Ints:
    if not device.odometer_m:
        return np.full(len(driven_m), NONE, dtype=np.int64)
    shown = np.floor((base_m + driven_m * device.odometer_scale) / device.odometer_m) * device.odometer_m
    return shown.astype(np.int64)


def _nonsense(fixes: Fixes, rng: np.random.Generator) -> Fixes:
    """A few fixes at 0/0, some that say themselves they are invalid, and jumps of hundreds of metres."""
    count = len(fixes.ts_ms)
    luck = rng.uniform(0, 1, count)
    zero = luck < _ZERO_SHARE
    invalid = zero | ((luck >= _ZERO_SHARE) & (luck < _ZERO_SHARE + _INVALID_SHARE))
    jump = (luck > 1 - _JUMP_SHARE) | ((luck >= _ZERO_SHARE) & invalid)
    away = rng.choice([-1, 1], (2, count)) * rng.uniform(2_500, 26_000, (2, count))
    lat = np.where(zero, 0, fixes.lat_e6 + np.where(jump, np.round(away[0]).astype(np.int64), 0))
    lng = np.where(zero, 0, fixes.lng_e6 + np.where(jump, np.round(away[1]).astype(np.int64), 0))
    return fixes._replace(lat_e6=lat, lng_e6=lng, valid=np.where(invalid, 0, fixes.valid))
