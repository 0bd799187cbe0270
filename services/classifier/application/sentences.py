"""Why a segment was counted as it was, in words that an auditor can check against the picture and the paragraphs."""

import re
from typing import Final

from services.classifier.application.because import Case, because
from services.classifier.application.parts import Part
from services.classifier.application.wording import clock, day, km, metres, odds, times
from shared.closing import Closure
from shared.contracts.device_day import Surface
from shared.nz_days import nz_time

SURFACE_WORDS: Final[dict[Surface, str]] = {
    "public_road": "public road",
    "off_road": "off road",
    "unknown": "unknown, so not claimed,",
    "carried": "carried, so outside the share,",
}
_PARAGRAPHS: Final = re.compile(r"paragraphs? (?P<numbers>\d+(?:(?:, | and | to )\d+)*)")
_CLOSED: Final = {
    "lack": "the lack is unknown, and this part stands",
    "within_display": "they differ by less than one display unit, and this part stands",
    "still": "so nothing counts",
    "no_recorder": "this part stands",
}


def headline(device: str, part: Part) -> str:
    """E.g. "1.052 km off road · ute-1 · Monday 2 March 2026"."""
    surface = SURFACE_WORDS[part.segment.surface].split(",")[0]
    return f"{km(part.segment.mm)} {surface} · {device} · {day(nz_time(part.segment.start_ms))}"


def paragraph_numbers(text: str) -> list[int]:
    """The paragraphs that a sentence names."""
    return [int(number) for one in _PARAGRAPHS.finditer(text) for number in re.findall(r"\d+", one["numbers"])]


def answer(case: Case, closure: Closure) -> list[str]:
    """Sentences, most important first: what and why, how sure, what would have to be wrong, cuts, closing."""
    first = f"{_what(case.part)} {because(case)}"
    found = [first, _sure(case), _wrong(case), _cut(case), _left_out(case), _closing(case.part, closure)]
    return [one for one in found if one]


def _what(part: Part) -> str:
    return (
        f"{km(part.segment.mm)} between {clock(part.from_ms)} and {clock(part.until_ms)} on "
        f"{day(nz_time(part.from_ms))} (NZ time) "
        f"was counted as {SURFACE_WORDS[part.segment.surface]}"
    )


def _sure(case: Case) -> str:
    segment, facts = case.part.segment, case.facts
    if facts.margin is None or segment.basis in {"gap", "carried", "outside_coverage", "excluded"}:
        return ""
    least, needed = facts.margin.least, f"{facts.margin_needed:g}"
    if segment.surface == "off_road" and least > 0:
        return (
            f"The likeliest course of the day with any of {case.fixes} on a public road is at least {odds(least)} "
            "less likely than "
            f"the one found (margin {least:.1f} nats; {needed} is asked for, paragraph 21)."
        )
    greatest = f"{facts.margin.greatest:.1f}"
    if segment.surface == "public_road":
        return (
            f"The margin against a public road is {greatest} nats at most; to be counted off road asks for {needed} "
            "(paragraph 21)."
        )
    if facts.margin.least == facts.margin.greatest:
        return f"The margin against a public road is {greatest} nats; off road asks for {needed} (paragraph 21)."
    return (
        f"The margins against a public road lie from {least:.1f} to {greatest} nats; off road asks for {needed} "
        "(paragraph 21)."
    )


def _wrong(case: Case) -> str:
    """What would have to be wrong for an off-road segment to be on a public road."""
    facts, basis = case.facts, case.part.segment.basis
    if case.part.segment.surface != "off_road" or facts.public_edge_m is None or facts.accuracy_m is None:
        return ""
    if facts.public_edge_m.least < 1 or basis in {"declared_over_public", "odometer_bound"}:
        return ""
    least, median, accuracy = facts.public_edge_m.least, facts.public_edge_m.median, max(facts.accuracy_m.median, 1.0)
    half = f" (half of them by {metres(median)} or more)" if facts.fixes > 2 and median >= 2 * least else ""
    return (
        f"For it to have been on a public road, {case.fixes} would have to be wrong by {metres(least)} or more{half}, "
        f"{times(least / accuracy)} their usual error of {accuracy:.0f} m, or the road data would have to lack a "
        "public road there."
    )


def _cut(case: Case) -> str:
    facts, segment = case.facts, case.part.segment
    if not facts.cut_legs or segment.surface != "off_road" or segment.basis == "odometer_bound":
        return ""
    legs = "a leg" if facts.cut_legs == 1 else f"{facts.cut_legs} legs"
    return (
        f"{km(facts.cut_mm)} of it are parts of {legs} shared with a neighbouring segment; of a leg to or from a "
        "public road only "
        "what it needs to reach one counts (paragraphs 26 and 27)."
    )


def _left_out(case: Case) -> str:
    if not case.facts.left_out:
        return ""
    listed = ", ".join(f"{count:,} {label}" for label, count in sorted(case.facts.left_out.items()))
    return f"Fixes in this time that take no part: {listed} (paragraphs 13 to 16)."


def _closing(part: Part, closure: Closure) -> str:
    """How the part closes on the device's odometer; a claim closes on the legal recorder instead (rule DI2)."""
    if not part.segment.in_stretch or closure.recorder_mm is None:
        return (
            "No odometer reading covers it: the length is what the fixes show (paragraph 35); a claim closes it on "
            "the legal recorder."
        )
    scaled = f"so every part is scaled down, this one to {km(part.closed_mm)}"
    return (
        f"Over the day the fixes add up to {km(closure.gps_mm)} and the device's odometer shows "
        f"{km(closure.recorder_mm)}: "
        f"{_CLOSED.get(closure.rule, scaled)} (rule DI1, paragraph 35). A claim closes it on the legal recorder."
    )
