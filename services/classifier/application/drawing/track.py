"""The track on the map: its pieces by surface, its fixes with their accuracy, both ends of the part in question."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.application.drawing.marks import FOCUS, INK, TRACK, fix_classes, fix_mark
from services.classifier.application.drawing.svg import path_of, tag, width_of, words
from services.classifier.application.drawing.view import Rect, Room, View, discs
from services.classifier.domain.device_day import SURFACES
from services.classifier.domain.trace import DayTrace, FixTrace
from shared.nz_days import nz_time

FIXES_MAX: Final = 700
"""Drawn; of more, every n-th."""
LABEL_SIZE: Final = 12.0
BAND: Final = 15.0
"""Under the part in question."""


class Span(NamedTuple):
    """Instants in ms, both included."""

    start_ms: int
    end_ms: int

    def rows(self, ts_ms: NDArray[np.int64]) -> slice:
        return slice(int(np.searchsorted(ts_ms, self.start_ms)), int(np.searchsorted(ts_ms, self.end_ms, "right")))


def places(
    fixes: FixTrace, good: NDArray[np.int64], at_ms: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(longitude, latitude) in micro-degrees at some instants, on the straight lines between good fixes."""
    ts = fixes.ts_ms[good]
    return np.interp(at_ms, ts, fixes.lng_e6[good]), np.interp(at_ms, ts, fixes.lat_e6[good])


class Run(NamedTuple):
    """Neighbouring pieces of one surface as one line; `gap`: the way between its ends is not known."""

    surface: str
    gap: bool
    start_ms: int
    end_ms: int
    lng_e6: NDArray[np.float64]
    lat_e6: NDArray[np.float64]


def runs(trace: DayTrace, span: Span, gap_ms: int) -> Iterator[Run]:
    """The pieces of a time as lines, cut at its ends."""
    fixes, pieces = trace.fixes, trace.pieces
    good = np.flatnonzero(fixes.label == 0)
    if not len(good):
        return
    start, end = np.maximum(pieces.start_ms, span.start_ms), np.minimum(pieces.end_ms, span.end_ms)
    legs_ms = fixes.ts_ms[pieces.until] - fixes.ts_ms[pieces.fix]
    gap = legs_ms > gap_ms
    # what lies in a gap is drawn over the whole of it, once
    start = np.where(gap, np.maximum(fixes.ts_ms[pieces.fix], span.start_ms), start)
    end = np.where(gap, np.minimum(fixes.ts_ms[pieces.until], span.end_ms), end)
    keep = np.flatnonzero((end > start) & (~gap | (np.diff(pieces.fix, prepend=-1) != 0)))
    what = np.where(gap, 99, pieces.surface)
    broken = (np.diff(what[keep]) != 0) | (start[keep][1:] - end[keep][:-1] > gap_ms) | gap[keep][1:]
    for run in np.split(keep, np.flatnonzero(broken) + 1):
        if len(run):
            at = np.append(start[run], end[run[-1]])
            lng, lat = places(fixes, good, at)
            surface = SURFACES[int(pieces.surface[run[0]])]
            yield Run(surface, bool(gap[run[0]]), int(at[0]), int(at[-1]), lng, lat)


def track(view: View, trace: DayTrace, span: Span, focus: Span | None, gap_ms: int, room: Room) -> str:
    """Lines by surface; a band under the part in question; dotted straight lines across gaps."""
    drawn: list[str] = []
    band: list[str] = []
    for run in runs(trace, span, gap_ms):
        for part in view.clipped(view.xy(run.lng_e6, run.lat_e6), 10):
            drawn += _line(part, run)
            room.avoid(_dense(part))
    if focus is not None:
        for run in runs(trace, focus, gap_ms):
            lines = view.clipped(view.xy(run.lng_e6, run.lat_e6), 20)
            band += [path_of(part) for part in lines]
            for part in lines:
                room.avoid(_dense(part), BAND / 2)
    under = tag("path", d="".join(band), fill="none", stroke=FOCUS, stroke_width=BAND, stroke_linecap="round",
                stroke_linejoin="round", class_="focus")  # fmt: skip
    return (under if band else "") + "".join(drawn)


def _line(part: NDArray[np.float64], run: Run) -> list[str]:
    data, style = path_of(part), TRACK[run.surface]
    if run.gap:
        return [tag("path", d=data, fill="none", stroke=style.colour, stroke_width=1.4, stroke_dasharray="1.5 4",
                    class_=f"gap {run.surface}")]  # fmt: skip
    return [
        tag("path", d=data, fill="none", stroke="#fff", stroke_width=5.2, stroke_linejoin="round"),
        tag("path", d=data, fill="none", stroke=style.colour, stroke_width=3.2, stroke_dasharray=style.dash,
            stroke_linejoin="round", class_=f"track {run.surface}"),
    ]  # fmt: skip


def _dense(part: NDArray[np.float64], step: float = 6.0) -> NDArray[np.float64]:
    along = np.append(0.0, np.cumsum(np.hypot(*np.diff(part, axis=0).T)))
    at = np.arange(0.0, float(along[-1]) + step, step)
    return np.column_stack([np.interp(at, along, part[:, 0]), np.interp(at, along, part[:, 1])])


class Drawn(NamedTuple):
    markup: str
    every: int
    """1: all fixes are drawn."""


def fixes_of(view: View, fixes: FixTrace, span: Span, focus: Span | None, map_error_m: float, room: Room) -> Drawn:
    """Fixes as marks by what each is taken to lie on; those of the part in question with circles of their accuracy."""
    rows = np.arange(len(fixes.ts_ms))[span.rows(fixes.ts_ms)]
    xy = view.xy(fixes.lng_e6[rows], fixes.lat_e6[rows])
    r = view.rect
    seen = (xy[:, 0] >= r.x) & (xy[:, 0] <= r.right) & (xy[:, 1] >= r.y) & (xy[:, 1] <= r.bottom)
    every = max(1, int(np.ceil(seen.sum() / FIXES_MAX)))
    chosen = np.flatnonzero(seen)[::every]
    rows, xy = rows[chosen], xy[chosen]
    accuracy = np.sqrt(np.maximum(0.0, fixes.sigma_m[rows] ** 2 - map_error_m**2)) * view.scale
    inside = np.zeros(len(rows), np.bool_)
    if focus is not None:
        inside = (fixes.ts_ms[rows] >= focus.start_ms) & (fixes.ts_ms[rows] <= focus.end_ms)
    circles = [
        tag("circle", cx=x, cy=y, r=radius)
        for (x, y), radius, show in zip(xy.tolist(), accuracy.tolist(), inside.tolist(), strict=True)
        if show and radius > 4.5
    ]
    size = 3.2 if len(rows) < 150 else 2.4
    room.avoid(np.repeat(xy, 3, axis=0))  # a hidden fix is worse than a hidden line
    kinds = fix_classes(fixes.surface[rows], fixes.label[rows])
    marks = [
        fix_mark(kind, x, y, size if show else size * 0.8)
        for kind, (x, y), show in zip(kinds, xy.tolist(), inside.tolist(), strict=True)
    ]
    group = (
        tag("g", *circles, fill="none", stroke=INK, stroke_width=0.6, stroke_opacity=0.4, class_="accuracy")
        if circles
        else ""
    )
    return Drawn(group + "".join(marks), every)


def ends(view: View, trace: DayTrace, focus: Span, room: Room) -> str:
    """Where and when the part in question begins and ends."""
    clock = [nz_time(ms).strftime("%H:%M:%S") for ms in focus]
    good = np.flatnonzero(trace.fixes.label == 0)
    lng, lat = places(trace.fixes, good, np.array([focus.start_ms, focus.end_ms], np.int64))
    drawn: list[str] = []
    for (x, y), name, when in zip(view.xy(lng, lat).tolist(), ("start", "end"), clock, strict=True):
        drawn.append(callout(f"{name} {when}", x, y, room, class_=name))
    return "".join(drawn)


def measure(text: str, a: NDArray[np.float64], b: NDArray[np.float64], room: Room, frame: Rect) -> str:
    """A dimension line from a to b with words beside it; one that leaves the map ends there in an arrow."""
    away = b - a
    length = max(1e-9, float(np.hypot(*away)))
    along = away / length
    across = np.array([-along[1], along[0]])
    seen = _inside(a, along, length, frame)
    b = a + along * seen
    data = path_of(np.array([a, b])) + path_of(np.array([a - across * 5, a + across * 5]))
    data += path_of(np.array([b - along * 9 + across * 4, b, b - along * 9 - across * 4]))
    if seen == length:
        data += path_of(np.array([b - across * 5, b + across * 5]))
    angle = float(np.arctan2(along[1], along[0]))
    if abs(angle) > np.pi / 2:
        angle -= np.pi * np.sign(angle)
    wide = width_of(text, LABEL_SIZE - 1)
    if wide > 1.5 * seen and seen == length:  # a short measure is its number only: which road it leads to is to be seen
        text = text.split(" to ", maxsplit=1)[0]
        wide = width_of(text, LABEL_SIZE - 1)
    shares = (0.5, 0.35, 0.65, 0.8, 0.2)
    slanted = [
        (*(a + along * seen * share + across * far), angle) for share in shares for far in (11.0, -11.0) if seen > wide
    ]
    level = [(*(a + along * seen * share + across * np.sign(far) * (abs(across[0]) * wide / 2 + abs(far))), 0.0)
             for far in (12.0, -12.0, 24.0, -24.0, 40.0, -40.0) for share in shares]  # fmt: skip
    spots = slanted + level
    chosen = room.place([discs(x, y, slant, wide, LABEL_SIZE * 1.2) for x, y, slant in spots])
    room.avoid(_dense(np.array([a, b])))
    line = tag("path", d=data, stroke=INK, stroke_width=1.3, fill="none", class_="measure")
    if chosen is None:
        return line
    x, y, slant = spots[chosen]
    turned = f"rotate({np.degrees(slant):.1f} {x:.1f} {y:.1f})" if slant else None
    return line + words(
        text, x, y + 4, font_size=LABEL_SIZE - 1, text_anchor="middle", fill=INK, class_="halo", transform=turned
    )


def _inside(a: NDArray[np.float64], along: NDArray[np.float64], length: float, frame: Rect) -> float:
    """How far a line from a, in the map, goes before it comes within a few units of its frame."""
    air = 8.0
    for low, high, start, step in ((frame.x, frame.right, a[0], along[0]), (frame.y, frame.bottom, a[1], along[1])):
        if step > 0:
            length = min(length, max(0.0, (high - air - start) / step))
        elif step < 0:
            length = min(length, max(0.0, (low + air - start) / step))
    return float(length)


def callout(text: str, x: float, y: float, room: Room, *, class_: str) -> str:
    """A ringed place with words in a box near it, joined by a line."""
    wide, high = width_of(text, LABEL_SIZE) + 12, LABEL_SIZE + 9
    room.take(Rect(x - 6, y - 6, 12, 12))
    spots = [
        (x + dx * (wide / 2 + 14) * far, y + dy * (high / 2 + 14) * far)
        for far in (1.0, 1.6, 2.4, 3.4)
        for dx, dy in ((1, -1), (-1, -1), (1, 1), (-1, 1), (1, 0), (-1, 0), (0, -1), (0, 1))
    ]
    chosen = room.place([discs(a, b, 0.0, wide, high) for a, b in spots])
    ring = tag("circle", cx=x, cy=y, r=6.0, fill="none", stroke=INK, stroke_width=1.8)
    if chosen is None:
        return tag("g", ring, class_=class_)
    a, b = spots[chosen]
    near_x, near_y = min(max(x, a - wide / 2), a + wide / 2), min(max(y, b - high / 2), b + high / 2)
    box = tag("rect", x=a - wide / 2, y=b - high / 2, width=wide, height=high, rx=3.0, fill="#fff", stroke=INK,
              stroke_width=1.0)  # fmt: skip
    return tag(
        "g",
        tag("path", d=path_of(np.array([[x, y], [near_x, near_y]])), stroke=INK, stroke_width=1.0),
        ring,
        box,
        words(text, a, b + LABEL_SIZE * 0.36, font_size=LABEL_SIZE, text_anchor="middle", font_weight="bold", fill=INK),
        class_=class_,
    )
