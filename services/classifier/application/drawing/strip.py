"""The strip under the map: over time, how far public roads were, how sure the sequence is, what was counted."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.application.drawing.marks import FAINT, FOCUS, INK, RULE, TRACK, fix_classes, fix_mark
from services.classifier.application.drawing.svg import path_of, tag, width_of, words
from services.classifier.application.drawing.track import FIXES_MAX, Span, runs
from services.classifier.application.drawing.view import Rect
from services.classifier.domain.scheme import Scheme
from services.classifier.domain.trace import DayTrace
from shared.nz_days import nz_time

DISTANCE_TICKS: Final = (0, 10, 30, 100, 300, 1_000, 3_000)
SMALL: Final = 10.5
GUTTER: Final = 136.0
"""Left of the chart, for what the rows are and their numbers."""
_STEPS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600)
_MARGIN_LEAST: Final = 4.0


class Shown(NamedTuple):
    """What the strip is of; `public_m` is per fix of the trace, metres to the nearest public road's edge."""

    trace: DayTrace
    span: Span
    focus: Span | None
    public_m: NDArray[np.float64]
    scheme: Scheme


class _Axis(NamedTuple):
    rect: Rect
    span: Span

    def x(self, ts_ms: NDArray[np.int64] | int) -> NDArray[np.float64]:
        share = (np.asarray(ts_ms, np.float64) - self.span.start_ms) / max(1, self.span.end_ms - self.span.start_ms)
        return self.rect.x + np.clip(share, 0.0, 1.0) * self.rect.width


def strip(shown: Shown, rect: Rect) -> str:
    """Three rows over one axis of NZ time; the part in question lies on a band through all."""
    plot = Rect(rect.x + GUTTER, rect.y, rect.width - GUTTER, rect.height)
    axis = _Axis(plot, shown.span)
    axis_y = plot.bottom - 18
    band_h, air = 24.0, 17.0
    rows = axis_y - plot.y - band_h - 2 * air - 6
    distance = Rect(plot.x, plot.y, plot.width, rows * 0.52)
    margin = Rect(plot.x, distance.bottom + air, plot.width, rows * 0.48)
    band = Rect(plot.x, margin.bottom + air, plot.width, band_h)
    return "".join([
        _focus(axis, shown, Rect(plot.x, plot.y, plot.width, band.bottom - plot.y)),
        _distance(axis, shown, distance),
        _margin(axis, shown, margin),
        _band(axis, shown, band),
        _time(axis, Rect(plot.x, band.bottom, plot.width, 18)),
    ])  # fmt: skip


def _focus(axis: _Axis, shown: Shown, rect: Rect) -> str:
    if shown.focus is None:
        return ""
    a, b = float(axis.x(shown.focus.start_ms)), float(axis.x(shown.focus.end_ms))
    edges = "".join(
        tag("path", d=f"M{x:.1f},{rect.y:.1f}V{rect.bottom:.1f}", stroke=INK, stroke_width=0.8) for x in (a, b)
    )
    return (
        tag(
            "rect",
            x=a,
            y=rect.y,
            width=max(1.0, b - a),
            height=rect.height,
            fill=FOCUS,
            fill_opacity=0.45,
            class_="focus",
        )
        + edges
    )


def _title(rect: Rect, *lines: str) -> str:
    drawn = [
        words(
            line,
            rect.x - GUTTER,
            rect.y + 9 + 13 * n,
            font_size=SMALL,
            fill=INK,
            font_weight="bold" if n == 0 else None,
        )
        for n, line in enumerate(lines)
    ]
    return "".join(drawn)


def _grid(rect: Rect, y: float, text: str, *, strong: bool = False) -> str:
    line = tag("path", d=f"M{rect.x:.1f},{y:.1f}H{rect.right:.1f}", stroke=INK if strong else RULE,
               stroke_width=1.1 if strong else 0.8, stroke_dasharray="5 3" if strong else None)  # fmt: skip
    return line + words(text, rect.x - 5, y + 3.5, font_size=9.5, text_anchor="end", fill=FAINT)


def _squeezed(metres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Near distances wide, far ones narrow: 0, 10, 100, 1000 m stand about evenly."""
    return np.log10(1.0 + np.maximum(metres, 0.0) / 10.0)


def _fixes(axis: _Axis, shown: Shown, ys: NDArray[np.float64], rect: Rect) -> str:
    """A line and marks; the line breaks at gaps.  `ys` is per fix of the trace."""
    fixes = shown.trace.fixes
    rows = np.arange(len(fixes.ts_ms))[shown.span.rows(fixes.ts_ms)]
    rows = rows[fixes.label[rows] == 0]
    if not len(rows):
        return ""
    xy = np.column_stack([axis.x(fixes.ts_ms[rows]), np.clip(ys[rows], rect.y, rect.bottom)])
    cuts = np.flatnonzero(np.diff(fixes.ts_ms[rows]) > shown.scheme.gap_limit_ms) + 1
    lines = "".join(path_of(_thinned(part)) for part in np.split(xy, cuts) if len(part) > 1)
    every = max(1, len(rows) * 3 // FIXES_MAX)
    kinds = fix_classes(fixes.surface[rows], fixes.label[rows])
    marks = [fix_mark(kinds[n], float(xy[n, 0]), float(xy[n, 1]), 2.2) for n in range(0, len(rows), every)]
    return (tag("path", d=lines, fill="none", stroke=FAINT, stroke_width=0.9) if lines else "") + "".join(marks)


def _thinned(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of many points in one column of the drawing the highest and the lowest, so that nothing to be seen is lost."""
    column = np.floor(line[:, 0])
    order = np.lexsort((line[:, 1], column))
    first = np.flatnonzero(np.diff(column[order], prepend=-1.0))
    ends = np.concatenate([order[first], order[np.append(first[1:], len(order)) - 1], [0, len(line) - 1]])
    return np.asarray(line[np.unique(ends)])


def _distance(axis: _Axis, shown: Shown, rect: Rect) -> str:
    rows = shown.span.rows(shown.trace.fixes.ts_ms)
    metres = np.minimum(shown.public_m, DISTANCE_TICKS[-1])
    top = max(30.0, float(metres[rows].max(initial=0.0)))
    highest = next((tick for tick in DISTANCE_TICKS if tick >= top), DISTANCE_TICKS[-1])
    reach = float(_squeezed(np.array([float(highest)]))[0])
    ticks = [tick for tick in DISTANCE_TICKS if tick <= highest]
    heights = rect.bottom - _squeezed(np.array(ticks, np.float64)) / reach * rect.height
    grid = "".join(
        _grid(rect, y, f"{tick:,}" + (" m" if tick == highest else ""))
        for tick, y in zip(ticks, heights.tolist(), strict=True)
    )
    ys = rect.bottom - _squeezed(metres) / reach * rect.height
    return (
        grid + _fixes(axis, shown, ys, rect) + _title(rect, "Distance", "to the edge", "of the nearest", "public road")
    )


def _margin(axis: _Axis, shown: Shown, rect: Rect) -> str:
    rows = shown.span.rows(shown.trace.fixes.ts_ms)
    margins = np.where(shown.trace.fixes.label == 0, shown.trace.fixes.margin, 0.0)
    low = min(-_MARGIN_LEAST, float(margins[rows].min(initial=0.0)))
    high = max(_MARGIN_LEAST, float(margins[rows].max(initial=0.0)))
    least = shown.scheme.claim_margin

    def y_of(value: float) -> float:
        return rect.bottom - (value - low) / (high - low) * rect.height

    ticks = sorted({round(low), 0, round(high)} - {int(least)})
    grid = "".join(
        _grid(rect, y_of(tick), f"{tick:+d}" if tick else "0") for tick in ticks if abs(y_of(tick) - y_of(least)) > 9
    )
    needed = _grid(rect, y_of(least), f"needed {least:g}", strong=True)
    ys = rect.bottom - (margins - low) / (high - low) * rect.height
    return (
        grid
        + needed
        + _fixes(axis, shown, ys, rect)
        + _title(rect, "Margin (nats)", "against being", "on a public road")
    )


def _band(axis: _Axis, shown: Shown, rect: Rect) -> str:
    drawn = [
        tag(
            "rect", x=rect.x, y=rect.y, width=rect.width, height=rect.height, fill="#fff", stroke=RULE, stroke_width=0.8
        )
    ]
    middle = rect.y + rect.height / 2
    for run in runs(shown.trace, shown.span, shown.scheme.gap_limit_ms):
        a, b = float(axis.x(run.start_ms)), float(axis.x(run.end_ms))
        style, wide = TRACK[run.surface], max(0.8, b - a)
        ground = tag("rect", x=a, y=rect.y, width=wide, height=rect.height, fill=style.colour,
                     fill_opacity=0.14 if run.gap else 0.28, class_=f"band {run.surface}")  # fmt: skip
        line = tag("path", d=f"M{a:.1f},{middle:.1f}h{wide:.1f}", stroke=style.colour, fill="none",
                   stroke_width=1.4 if run.gap else 5.0, stroke_dasharray="1.5 4" if run.gap else style.dash)  # fmt: skip
        drawn += [ground, line]
    return "".join(drawn) + _title(Rect(rect.x, rect.y + 1, rect.width, rect.height), "Counted as")


def _time(axis: _Axis, rect: Rect) -> str:
    """Ticks at round NZ times, as many as have room."""
    seconds = (axis.span.end_ms - axis.span.start_ms) / 1_000
    step = next((one for one in _STEPS_S if seconds / one * 70 <= rect.width), _STEPS_S[-1])
    long = step < 60
    shift_ms = int(nz_time(axis.span.start_ms).utcoffset().total_seconds() * 1_000)  # type: ignore[union-attr]  # aware
    first = -(-(axis.span.start_ms + shift_ms) // (step * 1_000)) * step * 1_000 - shift_ms
    drawn: list[str] = []
    free = rect.x - 40
    for at in range(first, axis.span.end_ms + 1, step * 1_000):
        x = float(axis.x(at))
        text = nz_time(at).strftime("%H:%M:%S" if long else "%H:%M")
        wide = width_of(text, SMALL)
        drawn.append(tag("path", d=f"M{x:.1f},{rect.y:.1f}v4", stroke=INK, stroke_width=1.0))
        if x - wide / 2 > free and x + wide / 2 < rect.right + 16:
            drawn.append(words(text, x, rect.y + 15, font_size=SMALL, text_anchor="middle", fill=INK))
            free = x + wide / 2 + 6
    return "".join(drawn) + words("NZ time", rect.x - GUTTER, rect.y + 15, font_size=SMALL, fill=FAINT)
