"""SVG as text: elements, escaped words, and how wide words are, without asking a font."""

import re
from typing import Final
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

FONTS: Final = "'Source Sans 3','Source Sans Pro','Helvetica Neue',Helvetica,Arial,'DejaVu Sans',sans-serif"
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WIDTHS: Final = (
    (0.36, "ijlI.,:;'|"),
    (0.40, "! "),
    (0.50, 'ftrJ()[]/\\-"·–`'),
    (0.66, "EFLPST0123456789abcdeghknopquvxyzáāéēíīóōúū$?*_{}"),
    (0.80, "ABCDGHKNOQRUVXYZ"),
    (0.85, "+=<>~≥≤±#σ×→"),
    (1.00, "mwMW@%&—…"),
)
"""Widths in em of the widest usual face (DejaVu Sans), group by group."""
_EM: Final = {char: width for width, chars in _WIDTHS for char in chars}
_OTHER_EM: Final = 1.0


def clean(text: str) -> str:
    """The text without characters that no XML document may hold."""
    return _NOT_XML.sub("\ufffd", text)


def tag(name: str, *children: str, **attributes: object) -> str:
    """An element; `stroke_width` becomes `stroke-width`, `class_` `class`.  Children are markup: words go through `words`."""
    given = "".join(
        f" {key.rstrip('_').replace('_', '-')}={quoteattr(_value(value))}"
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{given}>{''.join(children)}</{name}>" if children else f"<{name}{given}/>"


def _value(value: object) -> str:
    if isinstance(value, float):
        return number(value)
    return clean(str(value))


def number(value: float) -> str:
    """To a tenth of a unit, without needless zeros."""
    text = f"{value:.1f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def words(text: str, x: float, y: float, **attributes: object) -> str:
    """A line of text with its baseline at y."""
    return tag("text", escape(clean(text)), x=float(x), y=float(y), **attributes)


def path_of(points: NDArray[np.float64], *, closed: bool = False) -> str:
    """Path data through the points, (n, 2)."""
    body = "L".join(f"{number(x)},{number(y)}" for x, y in points.tolist())
    return f"M{body}{'Z' if closed else ''}"


def width_of(text: str, size: float) -> float:
    """At least the width of a line in any usual sans-serif face: layouts made with it do not overlap in another font."""
    return size * sum(_EM.get(char, _OTHER_EM) for char in clean(text))


def wrap(text: str, size: float, width: float) -> list[str]:
    """Lines no wider than `width`, broken between words."""
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(joined, size) <= width:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines


def shorten(text: str, size: float, width: float) -> str:
    """The text, or its beginning with an ellipsis where it is wider than `width`."""
    if width_of(text, size) <= width:
        return text
    while text and width_of(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip() + "…"
