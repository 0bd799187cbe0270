"""The picture as SVG: whole by itself, safe, with all its elements, and no words upon other words."""

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import shapely

from services.classifier.application.drawing.svg import clean, shorten, tag, width_of, words, wrap
from services.classifier.application.drawing.view import Rect, Room, discs, fit, nice_below
from services.classifier.application.explain import draw_explanation
from services.classifier.application.picture import draw
from services.classifier.domain.trace import trace_day
from services.classifier.roads.dataset import RoadSet
from shared.contracts.pings import Pings
from shared.nz_days import day_of
from tests.unit.audit.conftest import KEY, ask, beside, crossing, hidden, paddocks
from tests.unit.kernel.world import NOON_MS, drive, to_pings

SVG = "{http://www.w3.org/2000/svg}"
CASES = [(paddocks, 300.0), (crossing, 60.0), (beside, 430.0), (hidden, 300.0), (paddocks, 20.0), (hidden, 30.0)]


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own drawing


def drawn(pings: Pings, roads: RoadSet, after_s: float) -> ET.Element:
    return parsed(draw_explanation(ask(pings, roads, after_s)))


def classes(svg: ET.Element) -> set[str]:
    return {one.get("class", "") for one in svg.iter()} - {""}


def test_everything_that_the_question_needs_is_there(farm: RoadSet) -> None:
    found = classes(drawn(paddocks(), farm, 300))
    assert {
        "caption",
        "focus",
        "track off_road",
        "start",
        "end",
        "measure",
        "scale",
        "north",
        "legend",
        "band off_road",
    } <= found
    assert "corridor kind-2" in found
    assert {"gap off_road", "track off_road"} <= classes(drawn(hidden(), farm, 300))
    assert {"track public_road", "corridor kind-1"} <= classes(drawn(beside(), farm, 60))


@pytest.mark.parametrize(("pings", "after_s"), CASES)
def test_the_document_is_whole_safe_and_small(farm: RoadSet, pings: object, after_s: float) -> None:
    text = draw_explanation(ask(pings(), farm, after_s))  # type: ignore[operator]  # a function that makes them
    svg = parsed(text)
    names = {one.tag.removeprefix(SVG) for one in svg.iter()}
    assert names <= {
        "svg", "title", "defs", "style", "pattern", "clipPath", "g", "path", "rect", "circle", "text",
    }  # fmt: skip
    assert not re.search(r"href|<image|<script|@import|url\((?!#)|\son\w+=", text)
    named = {one.get("id") for one in svg.iter()} - {None}
    assert set(re.findall(r"url\(#([\w-]+)\)", text)) <= named
    assert len(text) < 200_000
    assert "nan" not in text


def text_boxes(svg: ET.Element) -> list[tuple[str, shapely.Geometry]]:
    """Where words are, by the widths that the layout itself supposes."""
    found = []
    for one in svg.iter(f"{SVG}text"):
        size, text = float(one.get("font-size", "0")), "".join(one.itertext())
        x, y, wide = float(one.get("x", "0")), float(one.get("y", "0")), width_of(text, size) * 0.95
        left = {"middle": x - wide / 2, "end": x - wide}.get(one.get("text-anchor", ""), x)
        shape = shapely.box(left, y - size * 0.72, left + wide, y + size * 0.15)
        turn = re.fullmatch(r"rotate\(([-\d.]+) ([-\d.]+) ([-\d.]+)\)", one.get("transform", ""))
        if turn:
            shape = shapely.affinity.rotate(shape, float(turn[1]), (float(turn[2]), float(turn[3])))
        found.append((text, shape))
    return found


@pytest.mark.parametrize(("pings", "after_s"), CASES)
def test_no_words_lie_upon_others_or_leave_the_page(farm: RoadSet, pings: object, after_s: float) -> None:
    svg = drawn(pings(), farm, after_s)  # type: ignore[operator]  # a function that makes them
    page = shapely.box(*map(float, svg.get("viewBox", "").split()))
    boxes = text_boxes(svg)
    assert len(boxes) > 25
    for n, (text, shape) in enumerate(boxes):
        assert page.contains(shape), text
        for other, beside_it in boxes[:n]:
            assert not shape.intersects(beside_it), (text, other)


def test_names_that_others_give_cannot_become_markup(farm: RoadSet) -> None:
    trace = trace_day(crossing(), KEY, day_of(NOON_MS), farm)
    window = (NOON_MS, NOON_MS + 200_000)
    nasty = "</title><script>alert(1)</script>\x00\x1b & \"'"
    svg = draw(trace, farm, window, title=nasty, caption=[nasty], footer=[nasty])
    texts = ["".join(one.itertext()) for one in parsed(svg).iter() if one.tag.endswith(("text", "title"))]
    assert any("<script>" in text for text in texts)
    assert "<script" not in svg
    assert "Pā <Farm> Track & Yards" in texts


def test_a_window_without_fixes_is_refused(farm: RoadSet) -> None:
    trace = trace_day(crossing().take(np.arange(0)), KEY, day_of(NOON_MS), farm)
    with pytest.raises(ValueError, match="no fix"):
        draw(trace, farm, (NOON_MS, NOON_MS + 1_000))


def test_a_long_track_at_one_a_second_stays_small(farm: RoadSet) -> None:
    points = [(-4000.0, 0.0), (0.0, 0.0), *[(40.0 * (n % 9), y) for n in range(20) for y in (2900.0, 300.0)]]
    pings = to_pings(drive(points, 5.0, 1.0), noise_m=2.0)
    assert len(pings) > 10_000
    found = ask(pings, farm, 3_000, 9_000)
    svg = draw_explanation(found)
    assert len(svg) < 300_000
    assert {"track off_road", "band off_road"} <= classes(parsed(svg))


def test_outside_coverage_is_hatched(farm: RoadSet) -> None:
    """Far north of all ways the derived coverage ends (paragraph 9)."""
    pings = paddocks()
    north = pings.take(np.arange(30))
    north.lat_e6[:] += 60_000
    trace = trace_day(north, KEY, day_of(NOON_MS), farm)
    assert {one.basis for one in trace.outcome.segments} == {"outside_coverage"}
    svg = draw(trace, farm, (NOON_MS, NOON_MS + 290_000), focus=(NOON_MS, NOON_MS + 290_000))
    assert {"outside", "track unknown"} <= classes(parsed(svg))


def test_elements_are_escaped_and_numbers_short() -> None:
    assert words("a < b & c", 1, 2.25, class_="x") == '<text x="1" y="2.2" class="x">a &lt; b &amp; c</text>'
    assert tag("path", d='M0,0"', stroke_width=1.50, fill=None) == '<path d=\'M0,0"\' stroke-width="1.5"/>'
    assert clean("a\x00b\ud800c\ufffe") == "a\ufffdb\ufffdc\ufffd"


def test_lines_are_broken_within_their_width() -> None:
    text = "The likeliest course of the day with any of its 43 fixes on a public road is far less likely"
    lines = wrap(text, 12, 200)
    assert " ".join(lines) == text
    assert len(lines) > 2
    assert all(width_of(line, 12) <= 200 for line in lines)
    assert width_of(shorten("W" * 50, 12, 100), 12) <= 100


def test_room_finds_the_place_that_covers_least() -> None:
    room = Room(Rect(0, 0, 100, 100))
    room.avoid(np.array([[50.0, 50.0]]))
    spots = [discs(50, 50, 0, 20, 10), discs(50, 80, 0, 20, 10), discs(95, 50, 0, 20, 10)]
    assert room.place(spots) == 1
    assert room.place([spots[1]]) is None, "taken"
    assert room.place([spots[2]]) is None, "over the edge"
    assert room.place([spots[0]]) == 0, "better upon a line than nowhere"
    room.take(Rect(0, 0, 30, 30))
    assert room.place([discs(20, 33, 0, 20, 10)]) is None


def test_the_view_shows_all_places_and_no_less_than_a_yard() -> None:
    lng, lat = np.array([175_000_000, 175_010_000]), np.array([-40_000_000, -40_001_000])
    view = fit(Rect(10, 20, 700, 0), (400, 600), lng, lat, 200)
    assert view.rect.height == 400
    xy = view.xy(lng, lat)
    assert (xy[:, 0] > 10).all()
    assert (xy[:, 0] < 710).all()
    assert xy[0, 1] < xy[1, 1], "north is up"
    back_lat, back_lng = view.e6(xy)
    assert np.abs(back_lat - lat).max() <= 1
    assert np.abs(back_lng - lng).max() <= 1
    one = fit(Rect(0, 0, 700, 0), (400, 600), lng[:1], lat[:1], 200)
    assert one.scale == pytest.approx(3.0), "600 units for 200 m"


@pytest.mark.parametrize(("value", "nice"), [(1, 1), (1.9, 1), (2, 2), (49, 20), (50, 50), (0.7, 0.5), (999, 500)])
def test_scale_bars_have_round_lengths(value: float, nice: float) -> None:
    assert nice_below(value) == pytest.approx(nice)
