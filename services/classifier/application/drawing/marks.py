"""How surfaces, ways and fixes look: told apart by colour, and by dashes, shapes and hatching where there is no colour.

Colours are Okabe and Ito's, which people with any colour vision tell apart."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.application.drawing.svg import number, tag
from services.classifier.application.parts import SURFACE_OF
from services.classifier.domain.way_kinds import FERRY, PRIVATE, PUBLIC, UNKNOWN

INK: Final = "#1a1a1a"
FAINT: Final = "#5c5c5c"
RULE: Final = "#c9c9c9"
FOCUS: Final = "#f5e663"


class Stroke(NamedTuple):
    colour: str
    dash: str | None
    words: str


TRACK: Final = {
    "off_road": Stroke("#0072b2", None, "off road: can be claimed"),
    "public_road": Stroke("#d55e00", "9 4", "public road"),
    "unknown": Stroke("#6e6e6e", "2.5 3.5", "unknown"),
    "carried": Stroke("#aa4499", "10 3 2 3", "carried"),
}
"""By surface; the name of each in the data set of marks is its class in the drawing."""


class WayStyle(NamedTuple):
    fill: str
    line: str
    dash: str | None
    words: str


WAYS: Final = {
    PRIVATE: WayStyle("#dcebdc", "#3f7f5f", "7 3", "private way"),
    UNKNOWN: WayStyle("#e9e9e9", "#808080", "2 3", "way of unknown maintainer"),
    FERRY: WayStyle("#dcecf5", "#6a9fc0", "12 5", "ferry route"),
    PUBLIC: WayStyle("#f9d9bf", "#a85a1c", None, "public road, drawn as wide as its corridor"),
}
"""In the order in which they are drawn."""


def fix_classes(surface: NDArray[np.int8], label: NDArray[np.int8]) -> list[str]:
    """ "off_road", "public_road", "unknown", or "left_out" for a fix that takes no part."""
    return [
        "left_out" if bad else SURFACE_OF.get(code, "unknown")
        for code, bad in zip(surface.tolist(), (label != 0).tolist(), strict=True)
    ]


def fix_mark(kind: str, x: float, y: float, size: float = 3.0) -> str:
    """A dot off road, a square on a public road, a ring where unknown, a cross where it takes no part."""
    if kind == "left_out":
        a, b, c, d = (number(v) for v in (x - size, x + size, y - size, y + size))
        return tag("path", d=f"M{a},{c}L{b},{d}M{a},{d}L{b},{c}", stroke=INK, stroke_width=1.2, fill="none")
    colour = TRACK[kind].colour
    if kind == "public_road":
        side = size * 1.8
        return tag(
            "rect",
            x=x - side / 2,
            y=y - side / 2,
            width=side,
            height=side,
            fill=colour,
            stroke="#fff",
            stroke_width=0.7,
        )
    if kind == "off_road":
        return tag("circle", cx=x, cy=y, r=size, fill=colour, stroke="#fff", stroke_width=0.7)
    return tag("circle", cx=x, cy=y, r=size * 0.9, fill="#fff", stroke=colour, stroke_width=1.4)


def patterns() -> str:
    """Hatchings that the drawing refers to by name."""

    def hatch(name: str, colour: str, step: float, angle: float, width: float) -> str:
        line = tag("path", d=f"M0,0V{number(step)}", stroke=colour, stroke_width=width)
        return tag("pattern", line, id=name, width=step, height=step, patternUnits="userSpaceOnUse",
                   patternTransform=f"rotate({number(angle)})")  # fmt: skip

    dots = tag("circle", cx=2.0, cy=2.0, r=0.8, fill="#8a8a8a")
    return "".join([
        hatch("outside", "#9a9a9a", 9, 45, 1.4),
        hatch("land", "#009e73", 12, -45, 1.2),
        hatch("exclusion", "#b3261e", 7, 20, 1.4),
        hatch("public-area", "#d9935b", 6, 0, 1.6),
        tag("pattern", dots, id="unknown-area", width=6.0, height=6.0, patternUnits="userSpaceOnUse"),
    ])  # fmt: skip
