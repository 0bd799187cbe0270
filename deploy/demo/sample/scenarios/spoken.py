"""The rulings of all scenarios, as the kernel reads them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np

from deploy.demo.sample.geometry import to_degrees
from deploy.demo.sample.scenarios.drive import Driven
from deploy.demo.sample.scenarios.plan import Ring, Site
from services.classifier.application.polygons import from_geojson
from services.classifier.domain.rulings import LAST_DAY, Book, Exclusion, Land, Rulings

_MARGIN_MS: Final = 1


def book_of(driven: Sequence[Driven]) -> Book:
    """By tenant; lands and exclusions hold for all of the tenant's scenarios, exclusions of fixes for their own device."""
    lands: dict[str, list[Land]] = defaultdict(list)
    exclusions: dict[str, list[Exclusion]] = defaultdict(list)
    for one in driven:
        scenario = one.scenario
        for number, land in enumerate(scenario.declared):
            wkb = _wkb(scenario.site, land.ring)
            name = f"{scenario.name}-{number}"
            lands[scenario.tenant].append(Land(name, land.name, land.kind, 0, LAST_DAY, land.over_public, wkb))
        for number, gone in enumerate(scenario.excluded):
            first, last = round(one.moments.of[gone.first]) - _MARGIN_MS, round(one.moments.of[gone.last]) + _MARGIN_MS
            wkb = _wkb(scenario.site, gone.ring) if gone.ring else b""
            exclusions[scenario.tenant].append(Exclusion(f"{scenario.name}-{number}", scenario.name, first, last, wkb))
    return {
        tenant: Rulings(tuple(lands[tenant]), tuple(exclusions[tenant])) for tenant in sorted({*lands, *exclusions})
    }


def _wkb(site: Site, ring: Ring) -> bytes:
    """As the API takes it from a tenant."""
    lat, lng = to_degrees(np.array([*ring, ring[0]]) + site.origin)
    return from_geojson({"type": "Polygon", "coordinates": [np.column_stack([lng, lat]).tolist()]}).wkb
