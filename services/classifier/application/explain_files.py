"""An explanation offline: a file of pings and a road data set in, a picture and its values out.  No broker, no database."""

from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np

from services.classifier.application.explain import Asked, answer, draw_explanation, examine
from services.classifier.application.explain_json import to_json
from services.classifier.application.nearby import DescribedRoads
from services.classifier.application.windows import window_bounds_ms
from services.classifier.domain.scheme import V1, Scheme
from shared.contracts.pings import Pings
from shared.nz_days import day_of


class NothingToExplain(Exception):
    """The pings hold nothing of that device on that day; the message says what they hold."""


def explain_files(
    pings: Pings,
    device: str,
    at: datetime,
    road_set: DescribedRoads,
    out: Path,
    values: Path | None,
    scheme: Scheme = V1,
) -> list[str]:
    """Write the picture to `out` and the values, as JSON, to `values`; returns the answer's sentences.

    Raises NothingToExplain; ValueError where no fix of the day takes part."""
    at_ms = round(at.timestamp() * 1_000)
    codes = [code for code, key in enumerate(pings.keys) if key[1] == device]
    if not codes:
        known = ", ".join(sorted({key[1] for key in pings.keys})[:5])
        raise NothingToExplain(f"there are no pings of device {device!r}; the file holds {known} …")
    day = day_of(at_ms)
    low, high = window_bounds_ms(day, scheme.gap_limit_ms)
    mine = pings.take(np.isin(pings.key, codes) & (pings.ts_ms >= low) & (pings.ts_ms <= high))
    if not len(mine):
        raise NothingToExplain(f"device {device!r} has no pings on the NZ day of {at.isoformat()}")
    found = examine(mine, Asked(pings.keys[codes[0]], day, at_ms, at_ms), road_set, scheme)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(draw_explanation(found), "utf-8")
    if values is not None:
        values.parent.mkdir(parents=True, exist_ok=True)
        values.write_bytes(msgspec.json.format(msgspec.json.encode(to_json(found, out.name)), indent=2) + b"\n")
    return answer(found)
