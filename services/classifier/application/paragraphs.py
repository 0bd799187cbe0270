"""The published text of a scheme (docs/scheme/N.md), paragraph by paragraph, as an explanation quotes it."""

import re
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

_PARAGRAPH: Final = re.compile(r'^<a id="p(?P<number>\d+)"></a>\*\*\d+\.', re.MULTILINE)
_HEADING: Final = re.compile(r"^#+ ", re.MULTILINE)
_TITLE: Final = re.compile(r"^\*\*\d+\.\s*(?P<title>[^*]*)\*\*")
_NAMED: Final = re.compile(r"§§?\s*(?P<numbers>\d+(?:(?:, | and | to |–)\d+)*)")
_TEXTS: Final = Path(__file__).parents[1] / "schemes"
"""Links to docs/scheme, so that an installed service has the text too."""


class Paragraph(NamedTuple):
    number: int
    title: str
    text: str
    """As published, in Markdown."""
    link: str


class TextMissing(Exception):
    """This installation holds no text of the scheme."""


@cache
def paragraphs(scheme: int) -> dict[int, Paragraph]:
    """All numbered paragraphs of a scheme.  Raises TextMissing."""
    path = _TEXTS / f"{scheme}.md"
    if not path.is_file():
        raise TextMissing(f"scheme {scheme}: there is no text in {_TEXTS}")
    return _split(path.read_text("utf-8"), scheme)


def _split(text: str, scheme: int) -> dict[int, Paragraph]:
    found: dict[int, Paragraph] = {}
    starts = list(_PARAGRAPH.finditer(text))
    for one, after in zip(starts, [*starts[1:], None], strict=True):
        body = text[one.start() : after.start() if after else len(text)]
        heading = _HEADING.search(body)
        body = (body[: heading.start()] if heading else body).strip()
        body = body.removeprefix(f'<a id="p{one["number"]}"></a>')
        number = int(one["number"])
        title = _TITLE.match(body)
        words = title["title"].strip(" .") if title else ""
        found[number] = Paragraph(number, words or _first_words(body), body, f"docs/scheme/{scheme}.md#p{number}")
    return found


def _first_words(body: str) -> str:
    """What a paragraph without a title begins with, as far as its first full stop."""
    plain = re.sub(r"^\*\*\d+\.\*\*\s*|[*`]", "", body)
    return re.split(r"[.:|]", plain, maxsplit=1)[0].replace("\n", " ").strip()


def named_in(why: str) -> list[int]:
    """The numbers of the paragraphs that a segment's `why` names, e.g. [21, 27] of "§§ 21, 27 not certain …"."""
    return [int(number) for one in _NAMED.finditer(why) for number in re.findall(r"\d+", one["numbers"])]
