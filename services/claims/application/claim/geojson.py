"""The tracks of a licence as GeoJSON (RFC 7946; rule CL8)."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from services.claims.application.claim.tables import NOT_CLAIMED
from shared.contracts.claim import LicenceReport, Track

MEDIA_TYPE: Final = "application/geo+json"
NOTE: Final = "lines as the evidence shows them today; the figures are in the report"


def geojson(report: LicenceReport, tracks: Sequence[Track]) -> bytes:
    """A LineString a line, longitude first; the same tracks are the same bytes."""
    claimed = report.claimed_as or NOT_CLAIMED
    features: list[dict[str, Any]] = [
        {
            "type": "Feature",
            "geometry": {"type": "LineString", "coordinates": [list(point) for point in track.points]},
            "properties": {
                "surface": track.surface,
                "licence": report.licence_number,
                "plate": report.plate,
                "claim": claimed,
            },
        }
        for track in tracks
        if len(track.points) > 1
    ]
    about = {
        "licence": report.licence_number, "plate": report.plate, "claim": claimed, "state": report.state,
        "first_day": report.period[0], "last_day": report.period[1], "claimable_km": report.claimable_km, "note": NOTE,
    }  # fmt: skip
    return msgspec.json.encode({"type": "FeatureCollection", "features": features, "about": about})
