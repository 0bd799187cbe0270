"""One picture that answers "why was this kilometre counted?": a map of the part in question, and a strip over time.

    svg = draw(trace_day(pings, key, day, road_set), road_set, (from_ms, to_ms), caption=["…"])

A whole SVG document that needs nothing else: white ground, no script, no font or image from anywhere."""

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

import numpy as np

from services.classifier.application.drawing import ground, legend, track
from services.classifier.application.drawing.marks import FAINT, INK, patterns
from services.classifier.application.drawing.strip import Shown, strip
from services.classifier.application.drawing.svg import (
    FONTS,
    clean,
    number,
    shorten,
    tag,
    words,
    wrap,
)
from services.classifier.application.drawing.track import Span
from services.classifier.application.drawing.view import Rect, Room, View, fit, nice_below
from services.classifier.application.nearby import FAR_M, DescribedRoads, Nearest, nearest_public
from services.classifier.domain.rulings import Rulings
from services.classifier.domain.scheme import V1, Scheme
from services.classifier.domain.trace import DayTrace

WIDTH: Final = 1_000.0
EDGE: Final = 24.0
LEAST_HEIGHT: Final = 430.0
MOST_HEIGHT: Final = 640.0
"""Of the map: a track from west to east needs less."""
SIDE: Final = 214.0
"""Of the legend's column."""
STRIP_HEIGHT: Final = 262.0
TITLE: Final = 19.0
CAPTION: Final = 12.5
LINE: Final = 17.0
LEAST_M: Final = 220.0
LEAST_MEASURE: Final = 22.0
"""Shorter distances to a public road are to be seen without a measure."""
_STYLE: Final = (
    f"text{{font-family:{FONTS}}}.halo{{paint-order:stroke;stroke:#fff;stroke-width:3.2px;stroke-linejoin:round}}"
)


def draw(
    trace: DayTrace,
    roads: DescribedRoads,
    window: tuple[int, int],
    *,
    focus: tuple[int, int] | None = None,
    title: str = "",
    caption: Sequence[str] = (),
    footer: Sequence[str] = (),
    rulings: Rulings | None = None,
    scheme: Scheme = V1,
    edges: Nearest | None = None,
) -> str:
    """The picture of a device-day from window[0] to window[1] (instants in ms), with the part `focus` emphasised.

    `title` is one line, `caption` paragraphs above the map, `footer` small print; `edges` is
    `public_edges` of the window where the caller has it.  Raises ValueError where no fix that
    counts lies in the window."""
    span, part = Span(*window), Span(*focus) if focus is not None else None
    heads = _Heads(title, caption)
    map_y = heads.height + EDGE
    view = _view(trace, span, part, Rect(EDGE, map_y, WIDTH - 2 * EDGE - SIDE, 0.0))
    frame = view.rect
    chart = Rect(EDGE, frame.bottom + 22, WIDTH - 2 * EDGE, STRIP_HEIGHT)
    small = [line for one in footer for line in wrap(one, 10, WIDTH - 2 * EDGE)]
    height = chart.bottom + 16 + 13.5 * len(small) + (10 if small else 0)
    edges = public_edges(trace, roads, span) if edges is None else edges
    shown = Shown(trace, span, part, edges.metres, scheme)
    drawn_map = _map(view, shown, edges, roads, rulings or Rulings())
    content = [
        tag("title", escape(clean(title))) if title else "",
        tag("defs", tag("style", _STYLE), patterns(), tag("clipPath", _rect(frame), id="frame")),
        tag("rect", width=WIDTH, height=height, fill="#fff"),
        heads.markup(),
        *drawn_map,
        legend.legend(Rect(frame.right + 16, map_y, SIDE - 16, frame.height), shown, drawn_map[0]),
        strip(shown, chart),
        *(words(line, EDGE, chart.bottom + 20 + 13.5 * n, font_size=10.0, fill=FAINT) for n, line in enumerate(small)),
    ]
    return tag("svg", *content, xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {number(WIDTH)} {number(height)}",
               width=WIDTH, height=height, role="img") + "\n"  # fmt: skip


class _Heads:
    """Title and caption, as tall as they need to be."""

    def __init__(self, title: str, caption: Sequence[str]) -> None:
        self._title = shorten(title, TITLE, WIDTH - 2 * EDGE)
        self._lines = [wrap(one, CAPTION, WIDTH - 2 * EDGE) for one in caption]
        self._top = EDGE + (TITLE + 6 if title else 0)
        self.height = self._top + sum(len(lines) * LINE + 5 for lines in self._lines)

    def markup(self) -> str:
        drawn = [words(self._title, EDGE, EDGE + TITLE * 0.75, font_size=TITLE, font_weight="bold", fill=INK)]
        y = self._top + CAPTION
        for lines in self._lines:
            for line in lines:
                drawn.append(words(line, EDGE, y, font_size=CAPTION, fill=INK))
                y += LINE
            y += 5
        return tag("g", *drawn, class_="caption")


def _rect(rect: Rect, **attributes: object) -> str:
    return tag("rect", x=rect.x, y=rect.y, width=rect.width, height=rect.height, **attributes)


def _view(trace: DayTrace, span: Span, focus: Span | None, frame: Rect) -> View:
    """The part in question fills the map, with what lies around it; without one, all fixes of the window do."""
    fixes = trace.fixes
    good = np.flatnonzero(fixes.label == 0)
    shown = focus or span
    rows = good[shown.rows(fixes.ts_ms[good])]
    if not len(rows):
        rows = good[max(0, int(np.searchsorted(fixes.ts_ms[good], shown.start_ms)) - 1) :][:2]
    if not len(rows):
        raise ValueError("no fix that counts lies in this time")
    lng, lat = fixes.lng_e6[rows].astype(np.float64), fixes.lat_e6[rows].astype(np.float64)
    if focus is not None:  # a part may begin and end between fixes
        at = np.clip(np.array([focus.start_ms, focus.end_ms]), fixes.ts_ms[good[0]], fixes.ts_ms[good[-1]])
        more_lng, more_lat = track.places(fixes, good, at)
        lng, lat = np.append(lng, more_lng), np.append(lat, more_lat)
    return fit(frame, (LEAST_HEIGHT, MOST_HEIGHT), lng, lat, LEAST_M)


def public_edges(trace: DayTrace, roads: DescribedRoads, span: Span) -> Nearest:
    """Per fix of the trace: the nearest public road's edge; FAR_M for one that takes no part, or outside the window."""
    fixes = trace.fixes
    rows = np.arange(len(fixes.ts_ms))[span.rows(fixes.ts_ms)]
    rows = rows[fixes.label[rows] == 0]
    found = nearest_public(roads.roads, fixes.lat_e6[rows], fixes.lng_e6[rows])
    count = len(fixes.ts_ms)
    whole = Nearest(np.full(count, FAR_M), np.full(count, -1, np.int32), np.zeros(count), np.zeros(count))
    whole.metres[rows], whole.way[rows] = found.metres, found.way
    whole.lat_e6[rows], whole.lng_e6[rows] = found.lat_e6, found.lng_e6
    return whole


def _map(view: View, shown: Shown, edges: Nearest, road_set: DescribedRoads, rulings: Rulings) -> list[str]:
    roads, room = road_set.roads, Room(view.rect)
    scale, north = _scale_bar(view, room), _north(view, room)
    ways = ground.ways_drawn(view, roads)
    under = [ground.outside(view, roads), ground.areas(view, roads, ways)]
    lines = track.track(view, shown.trace, shown.span, shown.focus, shown.scheme.gap_limit_ms, room)
    dots = track.fixes_of(view, shown.trace.fixes, shown.span, shown.focus, shown.scheme.map_error_m, room)
    marks = track.ends(view, shown.trace, shown.focus, room) if shown.focus is not None else ""
    away = _away(view, shown, edges, road_set, room)
    land = ground.rulings(view, rulings.lands, rulings.exclusions, room)
    names = ground.names(view, road_set, ways.tolist(), room)
    inside = tag(
        "g",
        *under,
        ground.ways(view, roads, ways),
        land,
        lines,
        away,
        dots.markup,
        names,
        marks,
        clip_path="url(#frame)",
    )
    return [inside, _rect(view.rect, fill="none", stroke=INK, stroke_width=1.2), scale, north]


def _away(view: View, shown: Shown, edges: Nearest, road_set: DescribedRoads, room: Room) -> str:
    """A measure from the fix of the part in question that is nearest to a public road, to that road's edge."""
    if shown.focus is None:
        return ""
    fixes = shown.trace.fixes
    rows = np.arange(len(fixes.ts_ms))[shown.focus.rows(fixes.ts_ms)]
    rows = rows[edges.way[rows] >= 0]
    if not len(rows):
        return ""
    row = int(rows[np.argmin(edges.metres[rows])])
    metres, way = float(edges.metres[row]), int(edges.way[row])
    if metres * view.scale < LEAST_MEASURE:
        return ""
    a = view.xy(fixes.lng_e6[row : row + 1], fixes.lat_e6[row : row + 1])[0]
    b = view.xy(edges.lng_e6[row : row + 1], edges.lat_e6[row : row + 1])[0]
    b = a + (b - a) * metres / (metres + float(road_set.roads.half_dm[way]) * 0.1)
    text = f"{int(metres):,} m to {road_set.road_name(way) or 'a public road'}"
    return track.measure(text, a, b, room, view.rect)


def _scale_bar(view: View, room: Room) -> str:
    """Bottom left, with its length in metres or kilometres."""
    metres = nice_below(view.rect.width * 0.22 / view.scale)
    wide = metres * view.scale
    text = f"{metres / 1_000:g} km" if metres >= 1_000 else f"{metres:g} m"
    box = Rect(view.rect.x + 10, view.rect.bottom - 40, wide + 20, 30)
    room.take(box)
    y = box.bottom - 9
    bar = f"M{box.x + 10:.1f},{y - 4:.1f}v4h{wide:.1f}v-4"
    number = words(text, box.x + 10 + wide / 2, box.y + 14, font_size=11.0, text_anchor="middle", fill=INK)
    return tag("g", _box(box), tag("path", d=bar, fill="none", stroke=INK, stroke_width=1.8), number, class_="scale")


def _north(view: View, room: Room) -> str:
    box = Rect(view.rect.right - 38, view.rect.y + 10, 28, 44)
    room.take(box)
    x, y = box.x + 14, box.y + 6
    arrow = f"M{x:.1f},{y:.1f}l7,20l-7,-5l-7,5z"
    letter = words("N", x, box.bottom - 5, font_size=11.0, font_weight="bold", text_anchor="middle", fill=INK)
    return tag("g", _box(box), tag("path", d=arrow, fill=INK), letter, class_="north")


def _box(rect: Rect) -> str:
    return _rect(rect, fill="#fff", fill_opacity=0.88, rx=3.0)
