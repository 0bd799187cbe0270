"""An explanation as plain values, for JSON."""

from typing import Any

import numpy as np

from services.classifier.application.explain import Explanation, answer, place_of, revision_hash, texts_of, wanted_of
from services.classifier.application.parts import Part
from services.classifier.application.segment_facts import PIECES_MAX, Facts, cells_of, pieces_out
from services.classifier.domain.rulings import Exclusion, Land
from shared.nz_days import nz_time


def to_json(found: Explanation, picture_link: str | None) -> dict[str, Any]:
    """Everything, as plain values."""
    subject, outcome, meta = found.subject, found.subject.trace.outcome, found.subject.road_set.meta
    closure = found.closed.closure
    return {
        "device": found.asked.key[1],
        "asked": {"from": instants(found.asked.from_ms), "to": instants(found.asked.to_ms)},
        "answer": answer(found),
        "segments": [_segment(found, part, numbers) for part, numbers in found.parts],
        "more_segments": len(wanted_of(found.all_parts, found.asked)) - len(found.parts),
        "paragraphs": [one._asdict() for one in texts_of(found)],
        "day": {
            "date": nz_time(found.asked.from_ms).date().isoformat(),
            "totals": [
                {"surface": one.surface, "basis": one.basis, "kind": one.kind, "distance_m": one.mm / 1_000}
                for one in outcome.totals
            ],
            "incidents": list(outcome.incidents),
            "closing": {
                "rule": closure.rule,
                "gps_m": closure.gps_mm / 1_000,
                "odometer_m": closure.recorder_mm / 1_000 if closure.recorder_mm is not None else None,
                "lack_m": closure.lack_mm / 1_000,
                "display_unit_m": outcome.display_unit_mm / 1_000,
                "note": "on the device's own odometer; a claim closes on the legal recorder (rules DI1, DI2)",
            },
        },
        "computed_from": {
            "scheme": outcome.scheme,
            "road_set": {
                "name": subject.road_set.name,
                "valid_from": meta.valid_from,
                "coverage": meta.coverage,
                "sources": [{"name": one.name, "sha256": one.sha256, "date": one.date} for one in meta.sources],
            },
            "land": outcome.land,
            "rulings": [ruling_out(one) for one in subject.rulings.lands]
            + [ruling_out(one) for one in subject.rulings.exclusions],
            "fixes": {"count": subject.fixes, "content_hash": subject.fixes_hash},
            "revision": {"content_hash": revision_hash(subject), "settled": subject.settled},
        },
        "picture": picture_link,
    }


def instants(ms: int) -> dict[str, str]:
    """An instant in UTC and on the clock in Auckland."""
    local = nz_time(ms)
    return {"utc": f"{np.datetime64(ms, 'ms')}Z", "nz": local.isoformat(timespec="milliseconds")}


def ruling_out(one: Land | Exclusion) -> dict[str, Any]:
    if isinstance(one, Land):
        return {"type": "land", "id": one.id, "name": one.name, "kind": one.kind, "over_public": one.over_public}
    return {
        "type": "exclusion",
        "id": one.id,
        "from": instants(one.from_ms),
        "to": instants(one.to_ms),
        "place": bool(one.wkb),
    }


def _segment(found: Explanation, part: Part, numbers: Facts) -> dict[str, Any]:
    trace, segment = found.subject.trace, part.segment
    cells, whole = cells_of(trace, part)
    place = place_of(trace, part)
    return {
        "start": instants(segment.start_ms),
        "end": instants(segment.end_ms),
        "speaks_for": {"from": instants(part.from_ms), "to": instants(part.until_ms)},
        "surface": segment.surface,
        "basis": segment.basis,
        "distance_m": segment.mm / 1_000,
        "closed_m": part.closed_mm / 1_000,
        "why": segment.why,
        "ruling": ruling_out(place) if place is not None else None,
        "numbers": _numbers(numbers),
        "ways": [one._asdict() | {"distance_m": mm / 1_000} for one, mm in numbers.ways],
        "cells": cells,
        "cells_complete": whole,
        "pieces": pieces_out(trace, part, found.subject.road_set),
        "pieces_complete": len(part.pieces) <= PIECES_MAX,
    }


def _numbers(one: Facts) -> dict[str, Any]:
    near = one.nearest_public
    return {
        "fixes": one.fixes,
        "fixes_inside": one.inside,
        "left_out": one.left_out,
        "fixes_by_surface": one.surfaces,
        "accuracy_m": one.accuracy_m._asdict() if one.accuracy_m else None,
        "to_public_road_edge_m": one.public_edge_m._asdict() if one.public_edge_m else None,
        "without_public_road_in_3_km": one.no_public,
        "nearest_public_road": near._asdict() if near else None,
        "to_private_way_m": one.private_m._asdict() if one.private_m else None,
        "to_unknown_way_m": one.unknown_m._asdict() if one.unknown_m else None,
        "margin_nats": one.margin._asdict() if one.margin else None,
        "margin_needed_nats": one.margin_needed,
        "legs": one.legs,
        "cut_legs": one.cut_legs,
        "cut_m": one.cut_mm / 1_000,
    }
