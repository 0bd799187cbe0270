"""Why a segment was counted as it was, in words that an auditor can check against the picture and the paragraphs."""

import math
import re
from datetime import datetime
from typing import Final

from services.classifier.application.nearby import WayFacts
from services.classifier.application.parts import Part
from services.classifier.application.segment_facts import Facts
from services.classifier.domain.rulings import Exclusion, Land
from services.classifier.domain.surfaces import NAMES
from shared.closing import Closure
from shared.contracts.device_day import Basis, Surface
from shared.nz_days import nz_time

SURFACE_WORDS: Final[dict[Surface, str]] = {
    "public_road": "public road",
    "off_road": "off road",
    "unknown": "unknown, so not claimed",
    "carried": "carried, so outside the share",
}
_PARAGRAPHS: Final = re.compile(r"paragraphs? (?P<numbers>\d+(?: (?:and|to) \d+)?)")
_ODDS_MAX: Final = 1_000_000


def headline(device: str, part: Part) -> str:
    """E.g. "1.052 km off road · ute-1 · Monday 2 March 2026"."""
    surface = SURFACE_WORDS[part.segment.surface].split(",")[0]
    return f"{km(part.segment.mm)} {surface} · {device} · {day_words(nz_time(part.segment.start_ms))}"


def paragraph_numbers(text: str) -> list[int]:
    """The paragraphs that a sentence names."""
    return [int(number) for one in _PARAGRAPHS.finditer(text) for number in re.findall(r"\d+", one["numbers"])]


def day_words(when: datetime) -> str:
    return f"{when:%A} {when.day} {when:%B %Y}"


def km(mm: int) -> str:
    return f"{mm / 1e6:.3f} km" if mm >= 1_000_000 else f"{mm / 1e3:.0f} m" if mm >= 10_000 else f"{mm / 1e3:.1f} m"


def metres(value: float) -> str:
    """Rounded down, as a bound must be."""
    return f"{math.floor(value):,} m"


def clock(ms: int) -> str:
    return f"{nz_time(ms):%H:%M:%S}"


def way(one: WayFacts) -> str:
    """E.g. "Ridge Track (private way: highway=track; way 2 of farm.osm, 2026-01-01)"."""
    dated = f", {one.source_date}" if one.source_date else ""
    return f"{one.name} ({one.taken_as}: {one.rule}; way {abs(one.id)} of {one.source}{dated})"


def answer(part: Part, facts: Facts, place: Land | Exclusion | None, closure: Closure) -> list[str]:
    """Sentences, most important first: what, why, how sure, what would have to be wrong, what was cut, how it closes."""
    found = [f"{_what(part)} {_because(part, facts, place)}", _sure(part, facts), _wrong(part, facts)]
    found += [_cut(part, facts), _left_out(facts), _closing(part, closure)]
    return [one for one in found if one]


def _what(part: Part) -> str:
    when = nz_time(part.from_ms)
    return (
        f"{km(part.segment.mm)} between {clock(part.from_ms)} and {clock(part.until_ms)} on {day_words(when)} (NZ time) "
        f"counted as {SURFACE_WORDS[part.segment.surface]}"
    )


def _fixes(facts: Facts) -> str:
    if facts.inside:
        return "its one fix" if facts.fixes == 1 else f"its {facts.fixes:,} fixes"
    return "the fixes before and after it"


def _because(part: Part, facts: Facts, place: Land | Exclusion | None) -> str:
    basis: Basis = part.segment.basis
    one = facts.ways[0][0] if facts.ways else None
    words = {
        "mapped_public": lambda: _on_public(facts, one),
        "private_road": lambda: _on_private(facts, one),
        "no_road": lambda: f"because {_fixes(facts)} lie clear of every way (paragraph 22): {_away(facts)}.",
        "odometer_bound": lambda: _bound(facts),
        "unknown_way": lambda: f"because {_fixes(facts)} lie nearest to {_named(one)}, and nobody has said who maintains it "
                               "(paragraph 22, rule SU2).",
        "like_a_road": lambda: "because the vehicle went off every mapped way, but as fast and as steadily as only a road allows: "
                               "probably a road that the data lack (paragraph 23).",
        "ambiguous": lambda: _ambiguous(part, facts),
        "outside_coverage": lambda: f"because {_fixes(facts)} lie outside the area for which the road data hold every public road, "
                                    "or within 100 m of its edge (paragraph 9).",
        "gap": lambda: _gap(part, facts),
        "carried": lambda: "because the vehicle was carried: it moved with the ignition off, along a ferry's course, or while its "
                           "odometer stood still (paragraph 31).",
        "declared_land": lambda: f"because {_fixes(facts)} lie on {_land(place)}, declared by the claimant, where no public road is "
                                 "mapped (paragraph 37, rule SU7).",
        "declared_over_public": lambda: f"because {_fixes(facts)} lie on {_land(place)}, which the claimant declared over a mapped "
                                        "public road, with a written reason (paragraph 37, rule SU7).",
        "excluded": lambda: "because it lies in a place that was excluded for this time (paragraph 38).",
    }.get(basis)  # fmt: skip
    return words() if words else f"by {part.segment.why}."


def _named(one: WayFacts | None) -> str:
    return way(one) if one is not None else "a way"


def _land(place: Land | Exclusion | None) -> str:
    return f"the land “{place.name}”" if isinstance(place, Land) else "land"


def _away(facts: Facts) -> str:
    """How far public roads and other ways are."""
    near = "no public road lies within 3 km"
    if facts.public_edge_m is not None and facts.nearest_public is not None:
        near = (
            f"{metres(facts.public_edge_m.least)} or more from the edge of the nearest public road, {way(facts.nearest_public)}"
        )
    if facts.private_m is not None:
        return f"{near}, and {metres(facts.private_m.least)} or more from the nearest private way"
    return f"{near}, and no private way within 100 m"


def _on_public(facts: Facts, one: WayFacts | None) -> str:
    count = facts.surfaces.get(NAMES[1], 0)
    if facts.fixes == 1:
        count_words = "its fix lies"
    else:
        count_words = f"{'all' if count == facts.fixes else f'{count:,} of'} {_fixes(facts)} lie"
    return f"because {count_words} nearest, by distance, heading and speed together, to {_named(one)} (paragraph 21, rule SU1)."


def _on_private(facts: Facts, one: WayFacts | None) -> str:
    within = f", half of them within {facts.private_m.median:.0f} m of such a way's centre line" if facts.private_m else ""
    return f"because {_fixes(facts)} lie along {_named(one)}{within} (paragraph 22, rule SU3); {_road_near(facts)}."


def _road_near(facts: Facts) -> str:
    if facts.public_edge_m is None or facts.nearest_public is None:
        return "no public road lies within 3 km"
    least = facts.public_edge_m.least
    if least < 1:
        return f"some lie within the corridor of a public road, {way(facts.nearest_public)}, all the same"
    return f"the edge of the nearest public road, {way(facts.nearest_public)}, is {metres(least)} or more away"


def _bound(facts: Facts) -> str:
    return (
        "because, though no fix says which way it went, the vehicle cannot have come to a public road sooner: it went at least "
        "what the straight line and the odometer show, and at each end at least as far as the nearest public road, or along its "
        f"mapped private way to where that ends (paragraph 29); {_road_near(facts)}."
    )


def _gap(part: Part, facts: Facts) -> str:
    seconds = (part.until_ms - part.from_ms) // 1_000
    return (
        f"because there is no fix for {seconds // 60} min {seconds % 60} s, longer than the gap limit (paragraph 2), and what was "
        f"certain of it is counted apart (paragraph 29); {_road_near(facts)}."
    )


def _ambiguous(part: Part, facts: Facts) -> str:
    near = way(facts.nearest_public) if facts.nearest_public else "a public road"
    if facts.surfaces.get(NAMES[6]):
        return f"because it is not certain enough on which side of the edge of {near} the vehicle was (paragraph 21)."
    if facts.surfaces.get(NAMES[1]):
        return (
            f"because the vehicle came onto or left {near} between two fixes, and only as far as no public road can be reached "
            "does such a leg count as off road (paragraph 27)."
        )
    return (
        f"because the leg between two fixes off the road crosses {near}, or comes within 5 m of its edge: only the certain part "
        "at each end counts as off road (paragraph 28)."
    )


def _sure(part: Part, facts: Facts) -> str:
    if facts.margin is None or part.segment.basis in {"gap", "carried", "outside_coverage", "excluded"}:
        return ""
    least, needed = facts.margin.least, facts.margin_needed
    if part.segment.surface == "off_road":
        return (
            f"The likeliest course of the day with any of {_fixes(facts)} on a public road is at least {_odds(least)} less likely "
            f"than the one found (margin {least:.1f} nats; {needed:g} is asked for, paragraph 21)."
        )
    if part.segment.surface == "public_road":
        return f"Its margins against a public road are {facts.margin.greatest:.1f} nats at most; off road asks for {needed:g} (paragraph 21)."
    return f"Its margins against a public road lie between {least:.1f} and {facts.margin.greatest:.1f} nats; off road asks for {needed:g}."


def _odds(nats: float) -> str:
    odds = math.exp(min(nats, 50.0))
    if odds >= _ODDS_MAX:
        return "a million times"
    digits = 10 ** max(0, int(math.log10(odds)))
    return f"{odds:.1f} times" if odds < 10 else f"{math.floor(odds / digits) * digits:,} times"


def _wrong(part: Part, facts: Facts) -> str:
    """What would have to be wrong for an off-road segment to be on a public road."""
    if part.segment.surface != "off_road" or facts.public_edge_m is None or facts.accuracy_m is None:
        return ""
    least, accuracy = facts.public_edge_m.least, facts.accuracy_m.median
    if least < 1 or part.segment.basis == "declared_over_public":
        return ""
    times = least / max(accuracy, 1.0)
    return (
        f"For this part to have been on a public road, {_fixes(facts)} would have to be wrong by {metres(least)} or more, "
        f"{f'{times:.0f}' if times >= 2 else f'{times:.1f}'} times the accuracy of {accuracy:.0f} m (half of them) that the device "
        "reported or paragraph 14 supposes, or the road data would have to lack a public road there."
    )


def _cut(part: Part, facts: Facts) -> str:
    if not facts.cut_legs or part.segment.surface != "off_road" or part.segment.basis == "odometer_bound":
        return ""
    legs = "one leg" if facts.cut_legs == 1 else f"{facts.cut_legs} legs"
    return (
        f"{km(facts.cut_mm)} of it is what counts of {legs} shared with another surface or basis: to or from a public road only as "
        "far as none can be reached (paragraphs 26 and 27)."
    )


def _left_out(facts: Facts) -> str:
    if not facts.left_out:
        return ""
    listed = ", ".join(f"{count:,} {label}" for label, count in sorted(facts.left_out.items()))
    return f"Fixes in this time that take no part: {listed} (paragraphs 13 to 16)."


def _closing(part: Part, closure: Closure) -> str:
    """How the part closes on the device's odometer; claims closes on the legal recorder instead (rule DI2)."""
    if not part.segment.in_stretch or closure.recorder_mm is None:
        return "No odometer covers it: the length is what the fixes show (paragraph 35); a claim closes it on the legal recorder."
    sums = f"Over the day's stretch the fixes add up to {km(closure.gps_mm)} and the device's odometer shows {km(closure.recorder_mm)}"
    ends = {
        "lack": "the lack is unknown and this part stands",
        "within_display": "that is within one display unit, and this part stands",
        "scaled_down": f"so every part is scaled down, this one to {km(part.closed_mm)}",
        "still": "so nothing counts",
        "no_recorder": "this part stands",
    }
    return f"{sums}: {ends[closure.rule]} (rule DI1, paragraph 35). A claim closes it on the legal recorder."
