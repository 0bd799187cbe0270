"""The worked examples of docs/scheme/1.md: pictures, and the line of figures under each, made from what the scheme says."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from deploy.demo.sample.scenarios.answers import Answer, Answers
from services.classifier.application.picture import draw
from services.classifier.domain.rulings import Rulings
from services.classifier.domain.scheme import V1
from services.classifier.domain.trace import trace_day

_MARKED: Final = re.compile(r"^<!-- figures of (\w+) -->\n.*$", re.MULTILINE)
_MINUTE_MS: Final = 60_000


class Example(NamedTuple):
    scenario: str
    minutes: tuple[float, float]
    """Of the drive, that the picture shows."""
    caption: str


EXAMPLES: Final = (
    Example("lane_12_m", (6.3, 8.1), "Where Long Lane leaves Verge Road: in on the lane, out on the road, 12 m apart."),
    Example("crossing", (3.0, 4.7), "One of eight crossings, from South Race over Station Road to North Race."),
    Example("yard", (0.0, 12.0), "Round the yard, out to the road, away and back in."),
    Example("canyon", (13.0, 19.0), "Fixes up to 98 m off scatter over the yards; every metre stays on the street."),
    Example("tunnel_public", (0.0, 5.0), "No fix for 1.4 km under Summit Track."),
    Example("hour_off_to_town", (0.0, 80.0), "An hour without a fix, 15.9 km by the odometer."),
    Example("low_loader", (0.0, 26.0), "Carried to the block with the ignition off; at work there; carried back."),
    Example("unmapped_fast", (0.0, 8.0), "Five kilometres of public road that the map lacks."),
    Example("declared_across", (0.0, 12.0), "One's own lanes on both sides of a public road, inside one declared outline."),
)  # fmt: skip


def write_pictures(folder: Path, answers: Answers) -> list[Path]:
    """One SVG an example."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for example in EXAMPLES:
        path = folder / f"{example.scenario}.svg"
        path.write_text(picture(example, answers), encoding="utf-8")
        paths.append(path)
    return paths


def picture(example: Example, answers: Answers) -> str:
    answer = answers[example.scenario]
    driven = answer.driven
    begins = driven.moments.of["start"]
    window = tuple(round(begins + minute * _MINUTE_MS) for minute in example.minutes)
    tenant, device = driven.scenario.key
    day = answer.outcomes[0].day
    rulings = answers.book.get(tenant, Rulings())
    return draw(
        trace_day(answers.pings, (tenant, device), day, answers.roads, V1, answers.book),
        answers.roads,
        (window[0], window[1]),
        title=driven.scenario.title,
        caption=[example.caption],
        rulings=rulings,
    )


def figures(answer: Answer) -> str:
    """True and said kilometres in one line."""
    truth = {
        "off road": answer.true_off_m,
        "public": answer.driven.true_m("public"),
        "carried": answer.driven.true_m("carried"),
    }
    true_words = ", ".join(f"{_km(metres)} {name}" for name, metres in truth.items() if metres >= 5.0)
    surfaces: dict[str, list[str]] = {}
    for (surface, basis), metres in sorted(answer.by_basis.items()):
        if metres >= 5.0:
            surfaces.setdefault(surface, []).append(f"{_km(metres)} {basis}")
    said = "; ".join(
        f"{surface} **{_km(answer.said_m(surface))}** ({', '.join(parts)})" if surface == "off_road"
        else f"{surface} {_km(answer.said_m(surface))} ({', '.join(parts)})"
        for surface, parts in surfaces.items()
    )  # fmt: skip
    if "off_road" not in surfaces:
        said = f"off_road **0**; {said}"
    return f"True km: {true_words}. Said: {said}."


def _km(metres: float) -> str:
    return f"{metres / 1000.0:.2f}"


def with_figures(text: str, by_name: Mapping[str, Answer]) -> str:
    """The document with every marked line of figures as the scheme gives it now.  KeyError for a scenario that is not there."""
    return _MARKED.sub(lambda found: f"<!-- figures of {found[1]} -->\n{figures(by_name[found[1]])}", text)


def marked(text: str) -> list[str]:
    """Scenarios whose figures the document shows."""
    return _MARKED.findall(text)
