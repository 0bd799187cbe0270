"""Closing a licence's stretches on its legal recorder (rules DI1, DI2): exact to the millimetre over the whole range, while
a whole-unit display may still be a unit off at every reading in between."""

from collections.abc import Sequence
from typing import NamedTuple

from shared.closing import Closure, Measured, close, driven


class Part(NamedTuple):
    """What of a stretch between two neighbouring actual readings lies inside the range."""

    pieces: Sequence[Measured]
    recorder_mm: int
    """Of the part."""
    whole_gps_mm: int
    whole_recorder_mm: int
    whole: bool
    """The part is the whole stretch: both its ends are actual readings."""


class Closed(NamedTuple):
    mm: tuple[int, ...]
    lack_mm: int
    rest_mm: int
    gps_mm: int
    rule: str


def display_slack(excess_mm: Sequence[int], lack_mm: Sequence[int], unit_mm: int) -> list[int]:
    """Rule DI1, "a 1 km display is known to ± 1 km": how much more (+) or less (-) each whole stretch may count than the
    difference of its displayed readings.  A reading R means [R, R + 1), so each reading between two stretches may lie up
    to one unit further on; what one stretch gains, a later one with a lack gives, and the sum stays 0.

    Stretches that exceed their recorder by more than one unit take no part (they are scaled).  The nearest excess is
    served first: then cutting the range at any reading can only take exchanges away, never add one, and so never
    raises what is claimable."""
    moved = [0] * len(excess_mm)
    room = [unit_mm] * len(excess_mm)
    waiting: list[list[int]] = []
    for j, excess in enumerate(excess_mm):
        if 0 < excess <= unit_mm:
            waiting.append([j, excess])
        free = lack_mm[j]
        while free and waiting:
            i, wanted = waiting[-1]
            take = min(wanted, free, *room[i:j])
            for k in range(i, j):
                room[k] -= take
            moved[i] += take
            moved[j] -= take
            free -= take
            waiting[-1][1] -= take
            if take == wanted:
                waiting.pop()
            elif free:
                waiting.clear()
    return moved


def close_parts(parts: Sequence[Part], unit_mm: int) -> list[Closed]:
    """Each part closed by rule DI1; what they count together is exactly the sum of `recorder_mm`."""
    differences = [part.whole_gps_mm - part.recorder_mm if part.whole else 0 for part in parts]
    moved = display_slack([max(0, d) for d in differences], [max(0, -d) for d in differences], unit_mm)
    return [_close_part(part, part.recorder_mm + more) for part, more in zip(parts, moved, strict=True)]


def _close_part(part: Part, recorder_mm: int) -> Closed:
    """A part of a cut stretch is never scaled by less than the whole stretch would be, else cutting could raise it."""
    reach_mm = recorder_mm
    if not part.whole and part.whole_gps_mm > part.whole_recorder_mm:
        reach_mm = min(recorder_mm, driven(part.pieces) * part.whole_recorder_mm // part.whole_gps_mm)
    closure: Closure = close(part.pieces, reach_mm, 0)
    rule = "within_display" if part.whole and recorder_mm > part.recorder_mm else closure.rule
    return Closed(closure.mm, closure.lack_mm, closure.rest_mm + recorder_mm - reach_mm, closure.gps_mm, rule)
