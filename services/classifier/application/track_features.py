"""A traced day as GeoJSON features (RFC 7946), one a segment, each with the reason why it counts as it does."""

from collections.abc import Collection
from typing import Any, Final, NamedTuple

import numpy as np

from services.classifier.application.drawing.track import places
from services.classifier.application.explain import place_of
from services.classifier.application.explain_json import instants, ruling_out
from services.classifier.application.nearby import DescribedRoads
from services.classifier.application.paragraphs import named_in, paragraphs
from services.classifier.application.parts import Part, parts_of
from services.classifier.application.segment_facts import cells_of, ways_along
from services.classifier.domain.fixes import GOOD
from services.classifier.domain.trace import DayTrace
from shared.nz_days import from_ordinal

LENGTH_NOTE: Final = "GPS metres, not yet closed on a distance recorder (rule DI1)"
ACROSS_GAP: Final = "straight line across a gap: the way between its ends is not known"


class Wanted(NamedTuple):
    """Which segments: those that touch a time (both ends included), of some surfaces and bases (empty: of all)."""

    from_ms: int
    to_ms: int
    surfaces: Collection[str] = ()
    bases: Collection[str] = ()

    def has(self, part: Part) -> bool:
        segment = part.segment
        return (
            part.until_ms >= self.from_ms
            and part.from_ms <= self.to_ms
            and (not self.surfaces or segment.surface in self.surfaces)
            and (not self.bases or segment.basis in self.bases)
        )


def features(trace: DayTrace, road_set: DescribedRoads, wanted: Wanted, owed: Collection[str]) -> list[dict[str, Any]]:
    """Whole segments in order of time; one that reaches over an end of the time is not cut."""
    parts, _ = parts_of(trace)
    return [_feature(trace, road_set, n, part, owed) for n, part in enumerate(parts) if wanted.has(part)]


def _feature(trace: DayTrace, road_set: DescribedRoads, n: int, part: Part, owed: Collection[str]) -> dict[str, Any]:
    segment, outcome = part.segment, trace.outcome
    day = from_ordinal(outcome.day).isoformat()
    geometry, times = _line(trace, part)
    return {
        "type": "Feature",
        "id": f"{day}/{n}",
        "geometry": geometry,
        "properties": {
            "device": outcome.key[1],
            "day": day,
            "surface": segment.surface,
            "basis": segment.basis,
            "distance_m": segment.mm / 1_000,
            "distance_note": LENGTH_NOTE,
            "path": ACROSS_GAP if part.speaks_for_gap else "fixes joined by straight lines",
            "start": instants(segment.start_ms),
            "end": instants(segment.end_ms),
            "times": times,
            "why": _why(trace, road_set, part),
            "road_set": road_set.name,
            "scheme": outcome.scheme,
            "land": outcome.land,
            "settled": "settle" not in owed,
            "recompute_owed": sorted(set(owed) - {"settle"}),
        },
    }


def _line(trace: DayTrace, part: Part) -> tuple[dict[str, Any], list[str]]:
    """The segment's ends and the good fixes between them, longitude first, with the instant of each place."""
    good = np.flatnonzero(trace.fixes.label == GOOD)
    inside = trace.fixes.ts_ms[part.rows]
    inside = inside[(inside > part.from_ms) & (inside < part.until_ms)]
    at = np.concatenate([[part.from_ms], inside, [part.until_ms]]).astype(np.int64)
    lng, lat = places(trace.fixes, good, at)
    coordinates = np.round(np.column_stack([lng, lat]) / 1e6, 6).tolist()
    return {"type": "LineString", "coordinates": coordinates}, [f"{one}Z" for one in at.astype("datetime64[ms]")]


def _why(trace: DayTrace, road_set: DescribedRoads, part: Part) -> dict[str, Any]:
    text = paragraphs(trace.outcome.scheme)
    named = [text[number] for number in named_in(part.segment.why) if number in text]
    cells, whole = cells_of(trace, part)
    place = place_of(trace, part)
    return {
        "text": part.segment.why,
        "paragraphs": [{"number": one.number, "title": one.title, "link": one.link} for one in named],
        "ways": [way._asdict() | {"distance_m": mm / 1_000} for way, mm in ways_along(trace, part, road_set)],
        "cells": cells,
        "cells_complete": whole,
        "ruling": ruling_out(place) if place is not None else None,
    }
