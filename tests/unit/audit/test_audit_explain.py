"""Explanations on a small generated world: what is told, and that the numbers behind it are those of the scheme."""

import json

import numpy as np
import pytest
import shapely

from services.classifier.application.explain import answer, draw_explanation, revision_hash
from services.classifier.application.explain_json import to_json
from services.classifier.application.parts import parts_of
from services.classifier.domain.device_day import classify_days
from services.classifier.domain.rulings import Exclusion, Land, Rulings
from services.classifier.domain.scheme import V1
from services.classifier.domain.trace import trace_day
from services.classifier.roads.dataset import RoadSet
from shared.contracts.device_day import hash_of
from shared.nz_days import day_of
from tests.unit.audit.conftest import KEY, ask, beside, crossing, hidden, paddocks, shuffled
from tests.unit.kernel.world import NOON_MS, at, to_pings
from tests.unit.kernel.world import drive as drive_along

CROSS = "Cross Road (public road: highway=tertiary; way 6 of district.osm, 2026-01-01)"
FARM = "Pā <Farm> Track & Yards (private way: highway=track without open access; way 7 of district.osm, 2026-01-01)"

PADDOCK = """\
1.051 km between 13:04:45 and 13:07:14 on Monday 2 March 2026 (NZ time) was counted as off road because its 15 fixes lie clear of \
every way (paragraph 22, rule SU4): the edge of the nearest public road, {cross}, is 776 m or more away, and the nearest private \
way 58 m or more.
The likeliest course of the day with any of its 15 fixes on a public road is at least a million times less likely than the one \
found (margin 20.6 nats; 1 is asked for, paragraph 21).
For it to have been on a public road, its 15 fixes would have to be wrong by 776 m or more, 194 times their usual error of 4 m, \
or the road data would have to lack a public road there.
70 m of it are parts of 2 legs shared with a neighbouring segment; of a leg to or from a public road only what it needs to reach \
one counts (paragraphs 26 and 27).
Over the day the fixes add up to 6.457 km and the device's odometer shows 6.440 km: so every part is scaled down, this one to \
1.048 km (rule DI1, paragraph 35). A claim closes it on the legal recorder.
"""


def test_SU4_a_paddock_is_explained_by_its_distance_from_every_way(farm: RoadSet) -> None:
    assert answer(ask(paddocks(), farm, 300)) == PADDOCK.format(cross=CROSS).splitlines()


def test_SU3_a_mapped_private_way_is_named_with_its_rule_and_source(farm: RoadSet) -> None:
    first = answer(ask(crossing(), farm, 60))[0]
    assert f"lie along {FARM}, half of them within " in first
    assert "(paragraph 22, rule SU3)" in first
    assert f"the edge of the nearest public road, {CROSS}, is " in first


def test_a_crossing_says_that_only_what_is_certain_counts(farm: RoadSet) -> None:
    """Paragraphs 27 and 28: the metres that may lie on the road are unknown, and say why."""
    parts, _ = parts_of(ask(crossing(), farm, 60).subject.trace)
    unknown = next(part for part in parts if part.segment.surface == "unknown")
    middle = (unknown.segment.start_ms + unknown.segment.end_ms) / 2 - NOON_MS
    first = answer(ask(crossing(), farm, middle / 1_000))[0]
    assert (
        "was counted as unknown, so not claimed, because the leg between two fixes off the road crosses " + CROSS
        in first
    )
    assert "(paragraph 28)" in first


def test_SU1_a_public_road_is_explained_by_the_fixes_nearest_to_it(farm: RoadSet) -> None:
    told = answer(ask(beside(), farm, 40))
    assert "was counted as public road because " in told[0]
    assert (
        "River Road (public road: highway=tertiary; way 1 of district.osm, 2026-01-01) (paragraph 21, rule SU1)."
        in told[0]
    )
    assert told[1].startswith("The margin against a public road is -")


def test_a_gap_is_explained_by_its_certain_ends(farm: RoadSet) -> None:
    """Paragraph 29; any instant of the gap leads to it, though no metre has a place in it."""
    found = ask(hidden(), farm, 300)
    ((part, _),) = found.parts
    assert part.segment.basis == "odometer_bound"
    first = answer(found)[0]
    assert " after the last fix before it and " in first
    assert "(paragraph 29)" in first
    ends = [int(ms) - NOON_MS for ms in (part.from_ms, part.until_ms)]
    assert ends == [140_000, 610_000]


def test_an_instant_without_metres_says_why(farm: RoadSet) -> None:
    parked = to_pings(drive_along([(0, 500), (0, 500.4)], 0.01, 10.0), accuracy_m=4.0)
    parked.speed_mmps[:] = 0
    assert "no movement beyond their own noise" in answer(ask(parked, farm, 20))[0]
    before = answer(ask(paddocks(), farm, -3_600))[0]
    assert "the day has no fix before it that takes part" in before


def test_values_are_those_of_the_scheme(farm: RoadSet) -> None:
    """Distances, margins and pieces in the JSON are the trace's own; segments and totals are f's."""
    pings = paddocks()
    found = ask(pings, farm, 300)
    body = json.loads(json.dumps(to_json(found, "why.svg")))
    (segment,) = body["segments"]
    trace = trace_day(pings, KEY, day_of(NOON_MS), farm)
    (outcome,) = classify_days(pings, None, farm)
    assert outcome == trace.outcome
    assert segment["distance_m"] in [part.mm / 1_000 for part in outcome.segments]
    assert sum(piece["distance_m"] for piece in segment["pieces"]) == pytest.approx(segment["distance_m"])
    ((part, _),) = found.parts
    assert segment["numbers"]["margin_nats"]["least"] == pytest.approx(trace.fixes.margin[part.rows].min(), abs=0.01)
    assert segment["numbers"]["to_public_road_edge_m"]["least"] >= trace.fixes.clear_m[part.rows].min()
    assert {22, 21, 27, 35} <= {one["number"] for one in body["paragraphs"]}
    assert body["paragraphs"][0]["link"].startswith("docs/scheme/1.md#p")
    assert len(segment["cells"]) == len(set(segment["cells"])) >= 8
    assert body["computed_from"]["road_set"]["name"] == farm.name
    assert body["computed_from"]["fixes"]["count"] == len(pings)


def test_G5_the_content_named_is_that_of_the_device_day(farm: RoadSet) -> None:
    """What a claim's line names is what the explanation was computed from; neither order nor repeats of fixes matter."""
    pings = paddocks()
    (outcome,) = classify_days(pings, None, farm)
    expected = hash_of(outcome.revision(7, settled=True, road_set=farm.name)).hex()
    one, other = ask(pings, farm, 300).subject, ask(shuffled(pings, 4), farm, 300).subject
    assert revision_hash(one) == revision_hash(other) == expected
    assert one.fixes_hash == other.fixes_hash
    assert one.fixes_hash != ask(pings.take(np.arange(len(pings)) != 30), farm, 300).subject.fixes_hash


def test_every_millimetre_belongs_to_exactly_one_explained_part(farm: RoadSet) -> None:
    for pings in (paddocks(), crossing(), beside(), hidden()):
        trace = trace_day(pings, KEY, day_of(NOON_MS), farm)
        parts, _ = parts_of(trace)
        assert [part.segment for part in parts] == list(trace.outcome.segments)
        rows = np.concatenate([part.pieces for part in parts])
        assert len(np.unique(rows)) == len(rows)
        for part in parts:
            assert int(trace.pieces.mm[part.pieces].sum()) == part.segment.mm


def box(x: float, y: float, to_x: float, to_y: float) -> bytes:
    (south, west), (north, east) = at(x, y), at(to_x, to_y)
    return bytes(shapely.to_wkb(shapely.box(west, south, east, north)))


def test_SU7_land_that_decided_is_named_and_drawn(farm: RoadSet) -> None:
    land = Land("land-1", "Home <Block>", "leased", 0, 1 << 30, over_public=False, wkb=box(1900, 100, 2100, 1100))
    lane = to_pings(drive_along([(2000, 250), (2000, 950)], 6.0, 10.0), noise_m=1.0)
    found = ask(lane, farm, 60, book={"t": Rulings(lands=(land,))})
    assert "declared land, “Home <Block>” (leased; land land-1)" in answer(found)[0]
    svg = draw_explanation(found)
    assert 'class="land"' in svg
    assert "Home &lt;Block&gt;" in svg
    assert to_json(found, None)["segments"][0]["ruling"]["name"] == "Home <Block>"
    without = ask(lane, farm, 60)
    assert without.parts[0][0].segment.basis == "unknown_way"
    assert "nobody says who maintains it (paragraph 22, rule SU2)" in answer(without)[0]


def test_an_excluded_place_is_named_and_drawn(farm: RoadSet) -> None:
    exclusion = Exclusion("e-1", "", 0, 1 << 50, box(-800, 1700, 500, 2600))
    found = ask(paddocks(), farm, 380, book={"t": Rulings(exclusions=(exclusion,))})
    assert "in a place that was excluded for this time, exclusion e-1 (paragraph 38)" in answer(found)[0]
    assert 'class="exclusion"' in draw_explanation(found)


def test_a_longer_time_tells_one_sentence_a_segment(farm: RoadSet) -> None:
    found = ask(paddocks(), farm, 0, 900)
    told = answer(found)
    assert len(told) == len(found.parts) == len(found.subject.trace.outcome.segments)
    assert to_json(found, None)["more_segments"] == 0
    assert V1.number == found.subject.trace.outcome.scheme
