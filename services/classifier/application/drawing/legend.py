"""What the marks on the map mean: only those that are on it."""

from collections.abc import Callable
from typing import Final

from services.classifier.application.drawing.marks import FAINT, FOCUS, INK, TRACK, WAYS, fix_classes, fix_mark
from services.classifier.application.drawing.strip import Shown
from services.classifier.application.drawing.svg import number, tag, words, wrap
from services.classifier.application.drawing.view import Rect

SIZE: Final = 11.0
SWATCH: Final = 34.0
LINE: Final = 14.0
_FIX_WORDS: Final = {
    "off_road": "fix taken as off road",
    "public_road": "fix taken as on a public road",
    "unknown": "fix taken as neither for sure",
    "left_out": "fix that takes no part",
}

_PLACES: Final = (
    ("public-area", FAINT, "public area"),
    ("unknown-area", FAINT, "area of unknown maintainer"),
    ("land", "#00704f", "declared land"),
    ("exclusion", "#b3261e", "excluded place"),
    ("outside", "#9a9a9a", "outside the data's coverage"),
)

Swatch = Callable[[float, float], str]
"""Draws at a left end x, on the middle height y."""


def legend(rect: Rect, shown: Shown, drawn_map: str) -> str:
    """A column of swatches with words; `drawn_map` is the map's markup."""
    drawn: list[str] = []
    y = rect.y
    for heading, entries in _entries(shown, drawn_map):
        if not entries:
            continue
        drawn.append(words(heading, rect.x, y + SIZE, font_size=SIZE, font_weight="bold", fill=INK))
        y += LINE + 6
        for swatch, text in entries:
            lines = wrap(text, SIZE, rect.width - SWATCH - 8)
            drawn.append(swatch(rect.x, y + LINE / 2))
            for n, line in enumerate(lines):
                drawn.append(words(line, rect.x + SWATCH + 8, y + LINE * n + SIZE, font_size=SIZE, fill=INK))
            y += LINE * len(lines) + 5
        y += 9
    return tag("g", *drawn, class_="legend")


def _entries(shown: Shown, drawn_map: str) -> list[tuple[str, list[tuple[Swatch, str]]]]:
    def there(of_class: str) -> bool:
        return f'class="{of_class}"' in drawn_map

    rows = shown.span.rows(shown.trace.fixes.ts_ms)
    kinds = set(fix_classes(shown.trace.fixes.surface[rows], shown.trace.fixes.label[rows]))
    track = [(_line(FOCUS, 12.0, None), "the part in question")] if there("focus") else []
    for surface, style in TRACK.items():
        if there(f"track {surface}"):
            track.append((_line(style.colour, 3.2, style.dash), style.words))
    if 'class="gap ' in drawn_map:
        track.append((_line(FAINT, 1.4, "1.5 4"), "no fix: the way is not known"))
    fixes = [(_mark(kind), text) for kind, text in _FIX_WORDS.items() if kind in kinds]
    if there("accuracy"):
        fixes.append((_ring, "accuracy that the device reports, or paragraph 14 supposes"))
    mapped = [
        (_way(style.fill, style.line, style.dash), style.words)
        for kind, style in reversed(WAYS.items())
        if there(f"corridor kind-{kind}")
    ]
    places = [(_box(name, colour), text) for name, colour, text in _PLACES if there(name)]
    return [("Track", track), ("Fixes", fixes), ("Ways", mapped), ("Places", places)]


def _line(colour: str, width: float, dash: str | None) -> Swatch:
    def swatch(x: float, y: float) -> str:
        return tag(
            "path",
            d=f"M{number(x)},{number(y)}h{number(SWATCH)}",
            stroke=colour,
            stroke_width=width,
            stroke_dasharray=dash,
        )

    return swatch


def _way(fill: str, line: str, dash: str | None) -> Swatch:
    def swatch(x: float, y: float) -> str:
        return _line(fill, 10.0, None)(x, y) + _line(line, 1.0, dash)(x, y)

    return swatch


def _mark(kind: str) -> Swatch:
    def swatch(x: float, y: float) -> str:
        return fix_mark(kind, x + SWATCH / 2, y, 3.4)

    return swatch


def _ring(x: float, y: float) -> str:
    return tag("circle", cx=x + SWATCH / 2, cy=y, r=7.0, fill="none", stroke=INK, stroke_width=0.7, stroke_opacity=0.6)


def _box(pattern: str, colour: str) -> Swatch:
    def swatch(x: float, y: float) -> str:
        return tag(
            "rect", x=x, y=y - 6, width=SWATCH, height=12.0, fill=f"url(#{pattern})", stroke=colour, stroke_width=1.0
        )

    return swatch
