"""Legal distance recorders of the sample: what the odometer or hubodometer on the axle shows at every instant."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from deploy.demo.sample.geometry import Floats
from deploy.demo.sample.motion import Track
from deploy.demo.sample.plan import TrueSurface

Window = tuple[float, float]
ALWAYS: Final[Window] = (-np.inf, np.inf)


@dataclass(frozen=True)
class Meter:
    """A recorder that turns with `track` in its windows only (a trailer's while coupled)."""

    track: Track
    first_km: float
    scale: float
    """Kilometres counted per true kilometre."""
    windows: tuple[Window, ...] = (ALWAYS,)

    def counted_m(self, t_ms: Floats) -> Floats:
        """True metres on these wheels until each instant, within the windows."""
        metres = np.zeros(len(t_ms))
        for first, last in self.windows:
            metres += self.track.driven_m(np.clip(t_ms, first, last)) - self.track.driven_m(np.array([first]))
        return metres

    def km_at(self, t_ms: float) -> float:
        return self.first_km + float(self.counted_m(np.array([t_ms]))[0]) * self.scale / 1000.0

    def shown_at(self, t_ms: float) -> int:
        """The whole kilometres on the display."""
        return int(np.floor(self.km_at(t_ms) + 1e-9))

    def instant_of(self, reading: int) -> int:
        """The millisecond in which the display turned to this reading; ValueError where it never did."""
        metres = self.counted_m(self.track.t_ms)
        target = (reading - self.first_km) * 1000.0 / self.scale
        if not 0.0 <= target <= metres[-1]:
            raise ValueError(f"the recorder never shows {reading} in this fortnight")
        after = int(np.searchsorted(metres, target, side="left"))
        if after == 0:
            return int(np.ceil(self.track.t_ms[0]))
        share = (target - metres[after - 1]) / (metres[after] - metres[after - 1])
        return int(np.ceil(self.track.t_ms[after - 1] + share * (self.track.t_ms[after] - self.track.t_ms[after - 1])))

    def off_road_mm(self, from_ms: float, until_ms: float) -> int:
        """True off-road millimetres between two instants, within the windows."""
        return self._mm(from_ms, until_ms, ("private", "paddock"))

    def total_mm(self, from_ms: float, until_ms: float) -> int:
        return self._mm(from_ms, until_ms, ("private", "paddock", "public", "unknown_owner"))

    def _mm(self, from_ms: float, until_ms: float, surfaces: tuple[TrueSurface, ...]) -> int:
        metres = 0.0
        for first, last in self.windows:
            between = np.array([max(first, from_ms), min(last, until_ms)])
            if between[1] > between[0]:
                metres += sum(float(np.diff(self.track.metres(name, between))[0]) for name in surfaces)
        return round(metres * 1000)
