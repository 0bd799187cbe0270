"""How far a vehicle certainly stayed where it was seen (scheme 1, paragraphs 27, 28 and 39)."""

from services.classifier.domain import surfaces as on
from services.classifier.domain.clear import public_near, public_within
from services.classifier.domain.compiled import inlined
from services.classifier.domain.geometry import EDGE_REACH_M, segment_distance
from services.classifier.domain.places import room_m
from services.classifier.domain.work import Work


@inlined
def sure_m(work: Work, i: int, length: float) -> float:
    """How far a vehicle at off-road fix i must at least go before its metres can be other than off road, up to `length`."""
    evidence, roads = work.evidence, work.roads
    slack = work.scheme.bound_slack_m
    sure = evidence.clear_m[i]
    if sure >= EDGE_REACH_M - 1.0 and sure < length + slack:
        sure = max(sure, public_within(roads, work.fixes.lat_e6[i], work.fixes.lng_e6[i], length + slack))
    v = evidence.private_at[i]
    mapped = v >= 0 and evidence.private_m[i] < 3.0 * work.fixes.accuracy_m[i]
    if mapped and roads.exit_dm[v] >= 0 and roads.exit_dm[v + 1] >= 0:
        step = (roads.vertex_cm[v + 1] - roads.vertex_cm[v]) * 0.01
        kx, ky = work.ground.kx[i], work.ground.ky[i]
        _, t = segment_distance(roads, v, work.fixes.lat_e6[i], work.fixes.lng_e6[i], kx, ky)
        sure = max(sure, min(roads.exit_dm[v] * 0.1 + t * step, roads.exit_dm[v + 1] * 0.1 + (1.0 - t) * step))
    certain: float = max(0.0, min(length, min(sure, work.ruled.limit_m[i]) - slack))
    return certain


@inlined
def leaves(work: Work, w: int, j: int) -> bool:
    """Whether the straight line of the leg that ends at fix j, off road at both ends, meets what is not (paragraphs 28 and 39):
    the edge of a public road within `touch_m`, an excluded place, or the boundary of the land that an end counts by.

    Walks along it, each time as far as nothing of that can be; the ends' own distances are known."""
    fixes, least, ruled = work.fixes, work.scheme.touch_m, work.places.first[w] < work.places.first[w + 1]
    i = work.lengths.before[j]
    over_public = work.surface[i] == on.OVER_PUBLIC or work.surface[j] == on.OVER_PUBLIC
    on_land = over_public or work.surface[i] == on.ON_DECLARED or work.surface[j] == on.ON_DECLARED
    if not over_public and work.evidence.clear_m[i] < least and work.evidence.clear_m[j] < least:
        return True  # both ends at a road's edge: too short a leg to walk along
    chord = work.lengths.chord_m[j]
    at, end = max(least, work.evidence.clear_m[i]), chord - max(least, work.evidence.clear_m[j])
    while at < end:
        lat = int(fixes.lat_e6[i] + (fixes.lat_e6[j] - fixes.lat_e6[i]) * (at / chord))
        lng = int(fixes.lng_e6[i] + (fixes.lng_e6[j] - fixes.lng_e6[i]) * (at / chord))
        clear = EDGE_REACH_M
        if not over_public:
            clear = public_near(work.roads, lat, lng)
            if clear < least:
                return True
        if ruled:
            room = room_m(work.places, w, lat, lng, fixes.ts_ms[i], fixes.ts_ms[j], on_land, over_public)
            if room < 0.0:
                return True
            clear = min(clear, max(1.0, room))  # where two lands meet there is no room in either: step over
        at += clear
    return False
