"""Legs between consecutive good fixes: how long, and which part lies certainly where (scheme 1, paragraphs 23 to 31)."""

from services.classifier.domain import surfaces as on
from services.classifier.domain.certain import leaves, sure_m
from services.classifier.domain.compiled import inlined, kernel
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


@inlined
def _either(first: int, second: int, surface: int) -> bool:
    return surface == first or surface == second  # noqa: PLR1714 - as above


@kernel
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


@kernel
def _leg(work: Work, w: int, j: int, out: Pieces) -> None:
    """The pieces of the leg that ends at fix j (paragraphs 26 to 31)."""
    i = work.lengths.before[j]
    length = work.lengths.path_m[j]
    mm = int(length * 1000.0)
    first, second = work.surface[i], work.surface[j]
    off_first, off_second = is_off(first), is_off(second)
    if (work.evidence.sea[i] and work.evidence.sea[j]) or _switched_off(work.fixes, i, j, length):
        _put(work, out, w, j, (0.0, 1.0), (CARRIED, IS_CARRIED, CARRIED_KIND), mm, -1)
    elif work.fixes.ts_ms[j] - work.fixes.ts_ms[i] > work.scheme.gap_limit_ms:
        _gap(work, w, j, out)
    elif work.evidence.sea[i] or work.evidence.sea[j]:
        _put(work, out, w, j, (0.0, 1.0), (UNKNOWN, AMBIGUOUS, DRIVE), mm, -1)
    elif _either(first, second, on.OUTSIDE) or not (off_first or off_second):
        what, at = _not_claimed(work, i, j)
        _put(work, out, w, j, (0.0, 1.0), what, mm, at)
    else:
        head, tail = mm // 2, mm - mm // 2
        both_m = work.evidence.clear_m[i] + work.evidence.clear_m[j] - 2.0 * work.scheme.bound_slack_m
        if not (off_first and off_second) or (both_m < length and leaves(work, w, j)):
            head = int(sure_m(work, i, length) * 1000.0) if off_first else 0
            tail = int(sure_m(work, j, length) * 1000.0) if off_second else 0
        _three(work, w, j, mm, head, tail, out)


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
        at = _decider(work, i) if first == on.EXCLUDED_PLACE else _decider(work, j)
    elif first == on.ON_PUBLIC and second == on.ON_PUBLIC:
        what, at = (PUBLIC_ROAD, MAPPED_PUBLIC, DRIVE), int(evidence.public_at[j])
    elif _either(first, second, on.ON_UNKNOWN_WAY):
        what = (UNKNOWN, UNKNOWN_WAY, DRIVE)
        at = int(evidence.unknown_at[i] if first == on.ON_UNKNOWN_WAY else evidence.unknown_at[j])
    elif _either(first, second, on.LIKE_A_ROAD):
        what, at = (UNKNOWN, LIKE_A_ROAD, DRIVE), -1
    return what, at


@inlined
def _three(work: Work, w: int, j: int, mm: int, head: int, tail: int, out: Pieces) -> None:
    """A leg as off-road head, uncertain middle, off-road tail."""
    i = work.lengths.before[j]
    head = min(head, mm)
    tail = min(tail, mm - head)
    a, b = (head / mm, 1.0 - tail / mm) if mm > 0 else (0.0, 1.0)
    unsure, at = AMBIGUOUS, int(max(work.evidence.public_at[i], work.evidence.public_at[j]))
    if _either(work.surface[i], work.surface[j], on.EXCLUDED_PLACE):
        unsure, at = EXCLUDED, _decider(work, i) if work.surface[i] == on.EXCLUDED_PLACE else _decider(work, j)
    _put(work, out, w, j, (0.0, a), (OFF_ROAD, _basis(work.surface[i]), DRIVE), head, _decider(work, i))
    _put(work, out, w, j, (a, b), (UNKNOWN, unsure, DRIVE), mm - head - tail, at)
    _put(work, out, w, j, (b, 1.0), (OFF_ROAD, _basis(work.surface[j]), DRIVE), tail, _decider(work, j))


@inlined
def _basis(surface: int) -> int:
    basis = NO_ROAD
    if surface == on.ON_PRIVATE:
        basis = PRIVATE_ROAD
    elif surface == on.ON_DECLARED:
        basis = DECLARED_LAND
    elif surface == on.OVER_PUBLIC:
        basis = DECLARED_OVER_PUBLIC
    return basis


@inlined
def _gap_basis(surface: int) -> int:
    """What counts by declared land only says so, in a gap too (rule SU7: reported apart)."""
    basis = _basis(surface)
    return ODOMETER_BOUND if _either(PRIVATE_ROAD, NO_ROAD, basis) else basis


@inlined
def _place(work: Work, i: int) -> int:
    return -2 - int(work.ruled.place[i]) if work.ruled.place[i] >= 0 else -1


@inlined
def _decider(work: Work, i: int) -> int:
    """The vertex of the private way, or -2 - the place, that decided the surface of an off-road or excluded fix; else -1."""
    return int(work.evidence.private_at[i]) if work.surface[i] == on.ON_PRIVATE else _place(work, i)


@kernel
def _gap(work: Work, w: int, j: int, out: Pieces) -> None:
    """A gap counts as far as it is certain whatever the vehicle did (paragraph 29; design 5.3).

    It went at least the chord, and at least what the odometer shows.  If that is less than its ends' bounds together it cannot
    have touched a public road; if it did touch one, it went from the one end to the road and from the road to the other."""
    fixes, odometers = work.fixes, work.odometers
    i = work.lengths.before[j]
    noise = 3.0 * noise_m(fixes, i, j)
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
    head = sure_m(work, i, least) if is_off(work.surface[i]) else 0.0
    tail = sure_m(work, j, least - head) if is_off(work.surface[j]) else 0.0
    head_mm, tail_mm = int(head * 1000.0), int(tail * 1000.0)
    rest = int(max(least, work.lengths.chord_m[j]) * 1000.0) - head_mm - tail_mm
    _put(work, out, w, j, (0.0, 0.5), (OFF_ROAD, _gap_basis(work.surface[i]), DRIVE), head_mm, _place(work, i))
    if rest > int(noise * 1000.0):
        _put(work, out, w, j, (0.5, 0.5), (UNKNOWN, GAP, GAP_KIND), rest, -1)
    _put(work, out, w, j, (0.5, 1.0), (OFF_ROAD, _gap_basis(work.surface[j]), DRIVE), tail_mm, _place(work, j))
