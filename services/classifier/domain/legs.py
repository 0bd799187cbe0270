"""Legs between consecutive good fixes: how long, and which part lies certainly where (scheme 1, paragraphs 23 to 31)."""

from typing import Final

from services.classifier.domain import surfaces as on
from services.classifier.domain.certain import leaves, sure_m
from services.classifier.domain.compiled import inlined, lean
from services.classifier.domain.fixes import Fixes
from services.classifier.domain.lengths import noise_m
from services.classifier.domain.pieces import (
    AMBIGUOUS,
    CARRIED,
    CARRIED_KIND,
    DECLARED_LAND,
    DECLARED_OVER_PUBLIC,
    DRIVE,
    EXCLUDED,
    GAP,
    GAP_KIND,
    IS_CARRIED,
    LIKE_A_ROAD,
    MAPPED_PUBLIC,
    NO_ROAD,
    ODOMETER_BOUND,
    OFF_ROAD,
    OUTSIDE_COVERAGE,
    PRIVATE_ROAD,
    PUBLIC_ROAD,
    UNKNOWN,
    UNKNOWN_WAY,
    Pieces,
)
from services.classifier.domain.surfaces import is_off
from services.classifier.domain.work import Work

NOT_WHOLE: Final = -1


@inlined
def _either(first: int, second: int, surface: int) -> bool:
    return surface == first or surface == second  # noqa: PLR1714 - as above


@lean
def cut_legs(work: Work, out: Pieces) -> int:
    """All pieces of all windows, into `out`; returns how many.

    Nine legs in ten lie whole on a public road or far from any: they are written here, the others by `_leg`, to like effect."""
    ts, surface, before, path = work.fixes.ts_ms, work.surface, work.lengths.before, work.lengths.path_m
    clear, sea, ignition = work.evidence.clear_m, work.evidence.sea, work.fixes.ignition
    public_at, private_at, first = work.evidence.public_at, work.evidence.private_at, work.fixes.first
    gap_ms, slack = work.scheme.gap_limit_ms, 2.0 * work.scheme.bound_slack_m
    for w in range(len(first) - 1):
        for j in range(first[w], first[w + 1]):
            i = before[j]
            if i < 0:
                continue
            here = surface[i]
            whole = here == surface[j] and ts[j] - ts[i] <= gap_ms and ignition[i] != 0 and not (sea[i] or sea[j])
            mapped = here == on.ON_PRIVATE or here == on.ON_FIELD  # noqa: PLR1714 - numba has no tuple membership this cheap
            far = mapped and clear[i] + clear[j] - slack >= path[j]
            if not (whole and (far or here == on.ON_PUBLIC)):
                _leg(work, w, j, out)
                continue
            mm = int(path[j] * 1000.0)
            if mm > 0:
                n = out.used[0]
                out.window[n], out.start_ms[n], out.end_ms[n], out.mm[n] = w, ts[i], ts[j], mm
                out.fix[n], out.until[n], out.kind[n] = i, j, DRIVE
                if here == on.ON_PUBLIC:
                    out.surface[n], out.basis[n], out.at[n] = PUBLIC_ROAD, MAPPED_PUBLIC, public_at[j]
                elif here == on.ON_PRIVATE:
                    out.surface[n], out.basis[n], out.at[n] = OFF_ROAD, PRIVATE_ROAD, private_at[j]
                else:
                    out.surface[n], out.basis[n], out.at[n] = OFF_ROAD, NO_ROAD, -1
                out.used[0] = n + 1
    return int(out.used[0])


@inlined
def _put(
    work: Work, out: Pieces, w: int, j: int, span: tuple[float, float], what: tuple[int, int, int], mm: int, at: int
) -> None:
    """One piece of `mm` millimetres over the share span[0]..span[1] of the time of the leg that ends at fix j."""
    if mm > 0:
        n = out.used[0]
        i = work.lengths.before[j]
        begin = work.fixes.ts_ms[i]
        total = work.fixes.ts_ms[j] - begin
        out.window[n] = w
        out.start_ms[n] = begin + int(total * span[0])
        out.end_ms[n] = begin + int(total * span[1])
        out.surface[n], out.basis[n], out.kind[n] = what
        out.mm[n], out.at[n], out.fix[n], out.until[n] = mm, at, i, j
        out.used[0] = n + 1


@inlined
def _leg(work: Work, w: int, j: int, out: Pieces) -> None:
    """The pieces of the leg that ends at fix j (paragraphs 26 to 31).

    Inlined, as all that it asks: handing over everything that is known costs more than the answers."""
    i = work.lengths.before[j]
    first, second = work.surface[i], work.surface[j]
    gap = work.fixes.ts_ms[j] - work.fixes.ts_ms[i] > work.scheme.gap_limit_ms
    what, at = (NOT_WHOLE, 0, 0), -1
    if (work.evidence.sea[i] and work.evidence.sea[j]) or _switched_off(work.fixes, i, j, work.lengths.path_m[j]):
        what = (CARRIED, IS_CARRIED, CARRIED_KIND)
    elif not gap and (work.evidence.sea[i] or work.evidence.sea[j]):
        what = (UNKNOWN, AMBIGUOUS, DRIVE)
    elif not gap and (_either(first, second, on.OUTSIDE) or not (is_off(first) or is_off(second))):
        what, at = _not_claimed(work, i, j)
    if what[0] != NOT_WHOLE:
        _put(work, out, w, j, (0.0, 1.0), what, int(work.lengths.path_m[j] * 1000.0), at)
    else:
        _parts(work, w, j, gap, out)


@inlined
def _parts(work: Work, w: int, j: int, gap: bool, out: Pieces) -> None:
    """A leg as a head that is certain, a middle that is not, a tail that is certain (paragraphs 26 to 29)."""
    i = work.lengths.before[j]
    off_first, off_second = is_off(work.surface[i]), is_off(work.surface[j])
    length, clear = work.lengths.path_m[j], work.evidence.clear_m
    both_m = clear[i] + clear[j] - 2.0 * work.scheme.bound_slack_m
    noise = 3.0 * noise_m(work.fixes, i, j)
    limit = _least_m(work, w, i, j, noise) if gap else length
    head, tail = 0.5 * length, length  # less the head: not a millimetre stays between them
    if gap or not (off_first and off_second) or (both_m < length and leaves(work, w, j)):
        head, tail = 0.0, 0.0
        for end in range(2):
            fix = j if end else i
            sure = 0.0
            if is_off(work.surface[fix]):
                sure = sure_m(work, fix, limit - head if gap else limit)
            head, tail = (head, sure) if end else (sure, tail)
    _three(work, w, j, gap, noise, limit, (head, tail), out)


@inlined
def _three(
    work: Work, w: int, j: int, gap: bool, noise: float, least: float, certain: tuple[float, float], out: Pieces
) -> None:
    i = work.lengths.before[j]
    mm, head, tail = int(work.lengths.path_m[j] * 1000.0), int(certain[0] * 1000.0), int(certain[1] * 1000.0)
    a, b, rest, what, at = 0.5, 0.5, 0, (UNKNOWN, GAP, GAP_KIND), -1
    if gap:
        rest = int(max(least, work.lengths.chord_m[j]) * 1000.0) - head - tail
        rest = rest if rest > int(noise * 1000.0) else 0
    else:
        head = min(head, mm)
        tail = min(tail, mm - head)
        rest = mm - head - tail
        a, b = (head / mm, 1.0 - tail / mm) if mm > 0 else (0.0, 1.0)
        what, at = (UNKNOWN, AMBIGUOUS, DRIVE), int(max(work.evidence.public_at[i], work.evidence.public_at[j]))
        if _either(work.surface[i], work.surface[j], on.EXCLUDED_PLACE):
            what, at = (UNKNOWN, EXCLUDED, DRIVE), _decider(work, i if work.surface[i] == on.EXCLUDED_PLACE else j)
    _put(work, out, w, j, (0.0, a), (OFF_ROAD, _basis(work.surface[i], gap), DRIVE), head, _decider(work, i, gap))
    _put(work, out, w, j, (a, b), what, rest, at)
    _put(work, out, w, j, (b, 1.0), (OFF_ROAD, _basis(work.surface[j], gap), DRIVE), tail, _decider(work, j, gap))


@inlined
def _least_m(work: Work, w: int, i: int, j: int, noise: float) -> float:
    """How far a vehicle went at least over a gap (paragraph 29): the chord, and what the odometer shows.

    If that is less than its ends' bounds together it cannot have touched a public road; if it did touch one, it went from the
    one end to the road and from the road to the other."""
    fixes, odometers = work.fixes, work.odometers
    least = max(0.0, work.lengths.chord_m[j] - noise)
    outside = _either(
        work.surface[i], work.surface[j], on.OUTSIDE
    )  # else both halves of a cut set would count it (rule SU5)
    if odometers.usable[i] and odometers.usable[j] and not outside:
        delta, unit = fixes.odometer_mm[j] - fixes.odometer_mm[i], odometers.unit_mm[w]
        least = max(least, (delta - unit) * 0.001 * work.scheme.odometer_least)
        least = min(least, (delta + unit) * 0.001)
    else:
        least = 0.0  # no odometer to speak for it: it may have been carried (rule SU8), and "other gaps are unknown"
    sure: float = least
    return sure


@inlined
def _switched_off(fixes: Fixes, i: int, j: int, length: float) -> bool:
    """Rule SU8: it moves at speed with the ignition off at both ends, and the odometer, where there is one, stands still."""
    if fixes.ignition[i] != 0 or fixes.ignition[j] != 0 or length <= 0.0:
        return False
    if max(fixes.speed_mps[i], fixes.speed_mps[j]) < 3.0:
        return False
    return bool(fixes.odometer_mm[i] < 0 or fixes.odometer_mm[j] <= fixes.odometer_mm[i])


@inlined
def _not_claimed(work: Work, i: int, j: int) -> tuple[tuple[int, int, int], int]:
    """Of a leg with no off-road end, or with an end outside coverage: surface, basis and kind, and the vertex that decided."""
    first, second = work.surface[i], work.surface[j]
    evidence = work.evidence
    what, at = (UNKNOWN, AMBIGUOUS, DRIVE), int(max(evidence.public_at[i], evidence.public_at[j]))
    if _either(first, second, on.OUTSIDE):
        what, at = (UNKNOWN, OUTSIDE_COVERAGE, DRIVE), -1
    elif _either(first, second, on.EXCLUDED_PLACE):
        what = (UNKNOWN, EXCLUDED, DRIVE)
        at = _decider(work, i if first == on.EXCLUDED_PLACE else j)
    elif first == on.ON_PUBLIC and second == on.ON_PUBLIC:
        what, at = (PUBLIC_ROAD, MAPPED_PUBLIC, DRIVE), int(evidence.public_at[j])
    elif _either(first, second, on.ON_UNKNOWN_WAY):
        what = (UNKNOWN, UNKNOWN_WAY, DRIVE)
        at = int(evidence.unknown_at[i] if first == on.ON_UNKNOWN_WAY else evidence.unknown_at[j])
    elif _either(first, second, on.LIKE_A_ROAD):
        what, at = (UNKNOWN, LIKE_A_ROAD, DRIVE), -1
    return what, at


@inlined
def _basis(surface: int, gap: bool) -> int:
    """What counts by declared land only says so, in a gap too (rule SU7: reported apart)."""
    basis = ODOMETER_BOUND if gap else NO_ROAD
    if surface == on.ON_PRIVATE and not gap:
        basis = PRIVATE_ROAD
    elif surface == on.ON_DECLARED:
        basis = DECLARED_LAND
    elif surface == on.OVER_PUBLIC:
        basis = DECLARED_OVER_PUBLIC
    return basis


@inlined
def _decider(work: Work, i: int, gap: bool = False) -> int:
    """The vertex of the private way, or -2 - the place, that decided the surface of an off-road or excluded fix; else -1."""
    at = -1
    if work.ruled.place[i] >= 0:
        at = -2 - int(work.ruled.place[i])
    elif work.surface[i] == on.ON_PRIVATE and not gap:
        at = int(work.evidence.private_at[i])
    return at
