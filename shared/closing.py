"""Rule DI1: close GPS millimetres on a distance recorder.  Used by `rucor classify` (the device's odometer) and by claims
(the legal recorder); never applied twice to the same metres."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, Protocol

import msgspec

from shared.contracts.device_day import Kind, Surface


class Piece(msgspec.Struct, frozen=True, gc=False):
    """Unclosed GPS millimetres of one surface, one kind, inside one stretch."""

    surface: Surface
    kind: Kind
    mm: int


class Measured(Protocol):
    """What is asked of a piece: a `Piece`, or a total of a device-day as it is."""

    @property
    def kind(self) -> Kind: ...
    @property
    def mm(self) -> int: ...


class Closure(NamedTuple):
    """`mm[i]` is what piece i counts after closing; `lack_mm` and `rest_mm` are new `unknown` metres."""

    mm: tuple[int, ...]
    lack_mm: int
    """G < D: what the recorder counted and no fix explains (basis `recorder_lack`)."""
    rest_mm: int
    """G > D: the remainders of scaling (basis `scaling_rest`)."""
    gps_mm: int
    recorder_mm: int | None
    rule: Literal["no_recorder", "scaled_down", "lack", "within_display", "still"]


SHARED_KINDS: Final = frozenset({"drive"})


def driven(pieces: Sequence[Measured]) -> int:
    """G: the GPS millimetres that share in a recorder's."""
    return sum([piece.mm for piece in pieces if piece.kind in SHARED_KINDS])


def close(pieces: Sequence[Measured], recorder_mm: int | None, display_unit_mm: int) -> Closure:
    """Close one stretch.  D = `recorder_mm` (None: no recorder in this stretch), G = sum of `drive` pieces.

    * no recorder: drive and gap pieces keep their GPS millimetres; nothing is added.
    * G > D beyond one display unit: every drive piece is floored to mm x D / G, the remainders go to `rest_mm` (unknown);
      D = 0 makes everything 0.
    * G > D within one display unit: the recorder cannot tell, GPS stands.
    * G < D: the lack is unknown, nothing is scaled up.
    Gap pieces count nothing where there is a recorder, since D covers them; carried pieces are outside the share and keep
    their millimetres.  Raises ValueError on negative input."""
    measured = [piece.mm for piece in pieces]
    if min(measured, default=0) < 0 or (recorder_mm is not None and recorder_mm < 0):
        raise ValueError("distances cannot be negative")
    gps_mm = driven(pieces)
    if recorder_mm is None:
        return Closure(tuple(measured), 0, 0, gps_mm, None, "no_recorder")
    if gps_mm <= recorder_mm:
        return Closure(_without_gaps(pieces), recorder_mm - gps_mm, 0, gps_mm, recorder_mm, "lack")
    if gps_mm - recorder_mm <= display_unit_mm:
        return Closure(_without_gaps(pieces), 0, 0, gps_mm, recorder_mm, "within_display")
    kept = _without_gaps(pieces)
    scaled = tuple(
        [
            mm * recorder_mm // gps_mm if piece.kind in SHARED_KINDS else mm
            for piece, mm in zip(pieces, kept, strict=True)
        ]
    )
    counted = sum(scaled) - (sum(kept) - gps_mm)
    rule: Literal["still", "scaled_down"] = "still" if recorder_mm == 0 else "scaled_down"
    return Closure(scaled, 0, recorder_mm - counted, gps_mm, recorder_mm, rule)


def _without_gaps(pieces: Sequence[Measured]) -> tuple[int, ...]:
    return tuple([0 if piece.kind == "gap" else piece.mm for piece in pieces])
