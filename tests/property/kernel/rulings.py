"""Rulings over the district for streams of `wild_stream`: land of every kind, exclusions of times and of places."""

import shapely

from services.classifier.domain.rulings import LAST_DAY, Book, Exclusion, Land, Rulings
from shared.nz_days import bounds_ms, day_of
from tests.unit.kernel.world import NOON_MS, at


def ring(*corners: tuple[float, float]) -> bytes:
    """WKB, in micro-degrees, of a ring through places in metres."""
    points = [(lng, lat) for lat, lng in (at(*corner) for corner in corners)]
    return bytes(shapely.to_wkb(shapely.orient_polygons(shapely.Polygon(points))))


def block(west: float, south: float, east: float, north: float) -> bytes:
    return ring((west, south), (east, south), (east, north), (west, north))


def district_book() -> Book:
    _, midnight = bounds_ms(day_of(NOON_MS))
    today = day_of(NOON_MS)
    hour = 3_600_000
    lands = (
        Land("1", "Mill Block", "owned", 0, LAST_DAY, False, block(1_200, -300, 3_000, 1_500)),
        Land("2", "Works", "closed_works_site", 0, LAST_DAY, True, block(-2_500, -400, -1_000, 500)),
        Land(
            "3",
            "Ridge",
            "leased",
            today,
            today,
            False,
            ring((-500, 500), (900, 700), (300, 2_000), (200, 900), (-400, 2_500)),
        ),
        Land("4", "Mill Block East", "owned", 0, LAST_DAY, False, block(3_000, -300, 3_600, 1_500)),
    )
    exclusions = (
        Exclusion("a", "d1", midnight - hour // 2, midnight - hour // 3, b""),
        Exclusion("b", "", midnight - hour // 4, midnight + 2 * hour, block(-300, 1_000, 300, 1_600)),
        Exclusion("c", "d2", 0, 1 << 50, block(1_800, 200, 2_400, 800)),
    )
    return {"t": Rulings(lands, exclusions)}
