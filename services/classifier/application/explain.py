"""An auditor's question answered whole: "why was this kilometre counted?"

    asked = Asked(key, day, Moment(at_ms))
    explanation = explain(pings, asked, road_set)        # values for JSON, and `draw_explanation` for the picture

Pure but for the road set's mapped columns and the published text of the scheme."""

from hashlib import blake2b
from typing import Final, NamedTuple

import numpy as np

from services.classifier.application import picture, sentences
from services.classifier.application.because import Case
from services.classifier.application.drawing.track import Span
from services.classifier.application.judging import Judged
from services.classifier.application.nearby import DescribedRoads, Nearest
from services.classifier.application.paragraphs import Paragraph, named_in, paragraphs
from services.classifier.application.parts import Part, part_at, parts_of
from services.classifier.application.segment_facts import Facts, facts
from services.classifier.application.wording import clock, day
from services.classifier.domain.closed import ClosedDay
from services.classifier.domain.fixes import GOOD
from services.classifier.domain.rulings import NO_BOOK, Book, Exclusion, Land, Rulings
from services.classifier.domain.scheme import V1, Scheme
from services.classifier.domain.trace import DayTrace, trace_day
from shared.contracts.device_day import hash_of
from shared.contracts.pings import Key, Pings, content_hash
from shared.nz_days import nz_time

SEGMENTS_MAX: Final = 100
"""Explained in one answer."""
ALWAYS: Final = (21, 27, 35)
"""Paragraphs that nearly every question leads to, besides those that the segment's `why` names."""
AROUND_MS: Final = 60_000
CAPTION_MAX: Final = 4
"""Sentences over the picture; the JSON answer has all."""


class Asked(NamedTuple):
    """A device-day and a time in it, ms, both ends included; one instant where they are equal."""

    key: Key
    day: int
    from_ms: int
    to_ms: int


class Subject(NamedTuple):
    """What a question is answered from."""

    trace: DayTrace
    road_set: DescribedRoads
    scheme: Scheme
    rulings: Rulings
    fixes: int
    fixes_hash: str
    settled: bool | None
    """None: not known (offline)."""
    early: bool
    """The day lies before the road data set's valid-from (rule SU9)."""


class Explanation(NamedTuple):
    asked: Asked
    subject: Subject
    parts: list[tuple[Part, Facts]]
    closed: ClosedDay
    all_parts: list[Part]
    edges: Nearest


def examine(
    pings: Pings,
    asked: Asked,
    road_set: DescribedRoads,
    scheme: Scheme = V1,
    book: Book = NO_BOOK,
    settled: bool | None = None,
    early: bool = False,
) -> Explanation:
    """Compute the device-day again and look into it.  `pings` are the fixes of the day and of the gap limit around it."""
    trace = trace_day(pings, asked.key, asked.day, road_set, scheme, book)
    rulings = book.get(asked.key[0], Rulings()).of_day(asked.key[1], asked.day, scheme.gap_limit_ms)
    digest = fixes_hash(pings)
    subject = Subject(trace, road_set, scheme, rulings, len(trace.fixes.ts_ms), digest, settled, early)
    parts, closed = parts_of(trace)
    wanted = wanted_of(parts, asked)
    near = [ms for part in wanted for ms in (part.from_ms, part.until_ms)] or [asked.from_ms, asked.to_ms]
    span = _around(min(near), max(near))
    edges = picture.public_edges(trace, road_set, span)
    found = [(part, facts(trace, part, edges, road_set, scheme)) for part in wanted[:SEGMENTS_MAX]]
    return Explanation(asked, subject, found, closed, parts, edges)


def wanted_of(parts: list[Part], asked: Asked) -> list[Part]:
    if asked.from_ms == asked.to_ms:
        one = part_at(parts, asked.from_ms)
        return [one] if one is not None else []
    return [part for part in parts if part.until_ms >= asked.from_ms and part.from_ms <= asked.to_ms]


def _around(from_ms: int, to_ms: int) -> Span:
    more = max(AROUND_MS, (to_ms - from_ms) // 6)
    return Span(from_ms - more, to_ms + more)


def fixes_hash(pings: Pings) -> str:
    """16 hexadecimal digits over the set of fixes, whatever their order and however often each came."""
    identity = np.unique(np.column_stack([pings.ts_ms.view(np.uint64), content_hash(pings)]), axis=0)
    return blake2b(np.ascontiguousarray(identity, dtype="<u8").tobytes(), digest_size=8).hexdigest()


def answer(found: Explanation) -> list[str]:
    """The sentences: of the one segment, or one a segment of a longer time."""
    if not found.parts:
        return _nothing(found)
    trace = found.subject.trace
    told = [
        sentences.answer(Case(trace, part, numbers, place_of(trace, part)), found.closed.closure)
        for part, numbers in found.parts
    ]
    return told[0] if len(told) == 1 else [one[0] for one in told]


def _nothing(found: Explanation) -> list[str]:
    """Why no metre was counted at an instant."""
    fixes, at = found.subject.trace.fixes, found.asked.from_ms
    good = np.flatnonzero(fixes.label == GOOD)
    ts = fixes.ts_ms[good]
    before, after = ts[ts <= at], ts[ts >= at]
    when = f"at {clock(at)} on {day(nz_time(at))} (NZ time)"
    if not len(before) or not len(after):
        side = "after" if len(before) else "before"
        return [f"No metre was counted {when}: the day has no fix {side} it that takes part."]
    if after[0] - before[-1] > found.subject.scheme.gap_limit_ms:
        words = (
            f"No metre was counted {when}: there is no fix from {clock(int(before[-1]))} to {clock(int(after[0]))}, "
            "and those on both sides do not show that the vehicle moved (paragraph 29)."
        )
        return [words]
    words = (
        f"No metre was counted {when}: the fixes around it show no movement beyond their own noise (parked drift "
        "counts nothing, paragraph 25), or no vehicle could have made the leg between them (paragraph 16)."
    )
    return [words]


def place_of(trace: DayTrace, part: Part) -> Land | Exclusion | None:
    """The land or exclusion that decided most of a segment."""
    named = trace.pieces.place[part.pieces]
    named = named[named >= 0]
    return trace.places[int(np.bincount(named).argmax())] if len(named) else None


def texts_of(found: Explanation) -> list[Paragraph]:
    """The paragraphs that the answer rests on, whole, in order.  Raises TextMissing."""
    text = paragraphs(found.subject.scheme.number)
    numbers = {number for part, _ in found.parts for number in named_in(part.segment.why)} | set(ALWAYS)
    numbers |= {number for one in answer(found) for number in sentences.paragraph_numbers(one)}
    return [text[number] for number in sorted(numbers) if number in text]


def draw_explanation(found: Explanation) -> str:
    """The picture of the answer.  Raises ValueError where the day has no fix that takes part."""
    subject, asked = found.subject, found.asked
    if found.parts:
        first, last = found.parts[0][0], found.parts[-1][0]
        focus: tuple[int, int] | None = (first.from_ms, last.until_ms)
        title = sentences.headline(asked.key[1], first) if len(found.parts) == 1 else _title(asked)
    else:
        focus, title = None, _title(asked)
    start, end = focus or (asked.from_ms, asked.to_ms)
    return picture.draw(
        subject.trace,
        subject.road_set,
        _around(start, end),
        focus=focus,
        title=title,
        caption=answer(found)[:CAPTION_MAX],
        footer=[origin_words(found)],
        rulings=subject.rulings,
        scheme=subject.scheme,
        edges=found.edges,
    )


def _title(asked: Asked) -> str:
    return f"{asked.key[1]} · {day(nz_time(asked.from_ms))}"


def origin_words(found: Explanation) -> str:
    """What the answer was computed from, in one line of small print."""
    subject, outcome = found.subject, found.subject.trace.outcome
    sources = ", ".join(f"{one.name} {one.date}".strip() for one in subject.road_set.meta.sources)
    land = f"rulings {outcome.land}" if outcome.land else "no declared land or exclusion"
    return (
        f"Computed from {subject.fixes:,} fixes (content {subject.fixes_hash}) by scheme {outcome.scheme}, road data "
        f"set {subject.road_set.name} ({sources}), {land}; content of the device-day {revision_hash(subject)[:16]}. "
        "Fixes are joined by straight lines; ways are drawn as wide as their corridors, thinner ones 3 units wide."
    )


def revision_hash(subject: Subject) -> str:
    """The content hash that a claim's line names for this device-day, once it is settled."""
    judged = Judged(subject.trace.outcome, subject.road_set.name, subject.early)
    return hash_of(judged.revision(0, subject.settled is not False)).hex()
