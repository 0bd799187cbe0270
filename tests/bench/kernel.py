"""Child: `classify_days` over one load on one road set, its parts, and how it grows with the pings.

python -m tests.bench.kernel ROADS PINGS.npz REPEAT [linear]
"""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba.core.dispatcher import Dispatcher

from services.classifier.domain.device_day import classify_days
from services.classifier.roads.dataset import RoadSet
from shared.contracts.pings import Pings
from tests.bench import inputs
from tests.bench.pinned import timed


def measure(roads: RoadSet, pings: Pings, repeat: int) -> dict[str, Any]:
    """Fixes in memory → device-days and segments, nothing left out."""
    timing = timed(lambda: classify_days(pings, None, roads), len(pings), repeat)
    return timing.row(parts_ns=parts_ns(roads, pings, repeat))


def linear(roads: RoadSet, pings: Pings, repeat: int) -> list[dict[str, Any]]:
    """The same at an eighth, a quarter, a half and all of the pings."""
    return [
        timed(lambda part=part: classify_days(part, None, roads), len(part), repeat).row()
        for part in inputs.shares(pings, 8)
    ]


def parts_ns(roads: RoadSet, pings: Pings, repeat: int) -> dict[str, float]:
    """CPU nanoseconds a ping of `order`, of each compiled loop, and of the rest (mostly Python objects of the outcomes)."""
    owners = [module for name, module in sorted(sys.modules.items()) if name.startswith("services.classifier.domain.")]
    slots = [
        (owner, name, value)
        for owner in owners
        for name, value in vars(owner).items()
        if isinstance(value, Dispatcher) or (name == "order" and callable(value))
    ]
    best: dict[str, float] = {}
    for _ in range(repeat):
        watch = Watch()
        for owner, name, value in slots:
            setattr(owner, name, watch.counting(value, name))
        try:
            watch.counting(classify_days, "rest")(pings, None, roads)
        finally:
            for owner, name, value in slots:
                setattr(owner, name, value)
        best = {name: min(seconds, best.get(name, seconds)) for name, seconds in watch.own_s.items()}
    return {name: round(seconds / len(pings) * 1e9, 1) for name, seconds in best.items()}


class Watch:
    """CPU time of functions, each without the others that it calls."""

    def __init__(self) -> None:
        self.own_s: dict[str, float] = defaultdict(float)
        self._inside: list[float] = []

    def counting(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            self._inside.append(0.0)
            began = time.process_time()
            result = function(*arguments)
            span = time.process_time() - began
            self.own_s[name] += span - self._inside.pop()
            if self._inside:
                self._inside[-1] += span
            return result

        return counted


if __name__ == "__main__":
    _roads, _pings, _repeat = RoadSet.open(Path(sys.argv[1])), inputs.load(Path(sys.argv[2])), int(sys.argv[3])
    found: dict[str, Any] = {"kernel": measure(_roads, _pings, _repeat)}
    if sys.argv[4:] == ["linear"]:
        found["linear"] = linear(_roads, _pings, _repeat)
    print(json.dumps(found))
