"""Random streams for the kernel's tests."""

import numpy as np

from shared.contracts.pings import LAYOUT, Pings, concat, make
from shared.nz_days import bounds_ms, day_of
from tests.unit.kernel.world import KX, KY, LAT0, LNG0, NOON_MS


def wild_stream(seed: int, fixes: int, devices: int = 3) -> Pings:
    """Random walks at random cadence across a midnight, with jumps, 0/0, missing fields, repeats and clashes of instants."""
    rng = np.random.default_rng(seed)
    _, midnight = bounds_ms(day_of(NOON_MS))
    parts = []
    for device in range(devices):
        n = fixes // devices
        step_s = rng.choice([1.0, 5.0, 30.0, 200.0], n, p=[0.5, 0.3, 0.17, 0.03])
        speed = np.abs(np.cumsum(rng.normal(0, 1.0, n))) % 25.0 * (rng.random() < 0.9)
        heading = np.cumsum(rng.normal(0, 12.0, n)) % 360.0
        x = np.cumsum(np.sin(np.radians(heading)) * speed * step_s) % 9_000 - 4_500 + rng.normal(0, 4, n)
        y = np.cumsum(np.cos(np.radians(heading)) * speed * step_s) % 5_000 - 1_500 + rng.normal(0, 4, n)
        ts = midnight - 3_600_000 + np.cumsum(step_s * 1000).astype(np.int64)
        column = {name: np.full(n, -1, dtype=np.int64) for name, _ in LAYOUT}
        column |= {
            "key": np.full(n, device),
            "ts_ms": ts,
            "lat_e6": LAT0 + np.rint(y / KY),
            "lng_e6": LNG0 + np.rint(x / KX),
        }
        column["speed_mmps"] = np.where(rng.random(n) < 0.9, speed * 1000, -1)
        column["heading_cdeg"] = np.where(rng.random(n) < 0.9, heading * 100, -1)
        column["accuracy_mm"] = np.where(rng.random(n) < 0.8, rng.exponential(8_000, n), -1)
        column["odometer_mm"] = np.where(
            (rng.random(n) < 0.7) & (device > 0),
            (np.cumsum(speed * step_s) // 10**device).astype(np.int64) * 10**device * 1000,
            -1,
        )
        column["ignition"] = rng.choice([-1, 0, 1], n, p=[0.1, 0.1, 0.8])
        zero = rng.random(n) < 0.01
        column["lat_e6"], column["lng_e6"] = np.where(zero, 0, column["lat_e6"]), np.where(zero, 0, column["lng_e6"])
        parts.append(make([("t", f"d{d}") for d in range(devices)], column))
    clashes = concat(parts).take(rng.integers(0, fixes // devices, 5))
    return concat([*parts, make(clashes.keys, clashes.columns() | {"speed_mmps": np.full(5, 3_210)})])
