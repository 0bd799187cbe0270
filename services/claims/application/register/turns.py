"""Where licences lie on a recorder's series when its display turns over (rule VE2): the same readings a turn later are other
kilometres, so ranges are compared with the turns added (rule LI4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.claims.application.refusals import overlap, raising
from services.claims.application.statement.binding import record_of, recorder_from_row
from services.claims.domain.register.recorder import Timeline, unwrapped
from services.claims.repo import licences, lodged
from services.claims.repo.licences import LicenceRow
from services.claims.repo.recorders import RecorderRow
from services.claims.repo.records import register_of_vehicle
from services.claims.repo.reviews import lock_vehicles
from services.claims.repo.vehicles import EndingRow
from shared.db.errors import constraints
from shared.db.pool import Connection
from shared.http.problems import Problem


@dataclass(frozen=True)
class Series:
    """`line`: None for a recorder that never turns over, whose readings are the series."""

    line: Timeline | None

    def units(self, reading: int, at: datetime) -> int:
        """A displayed reading on the series."""
        return reading if self.line is None else unwrapped(self.line, reading, at)

    def turned(self, row: LicenceRow) -> int:
        """What full turns before the licence's start add to its readings."""
        return self.units(row.start_reading, row.issued_at) - row.start_reading

    def until_left(self, row: LicenceRow, endings: Sequence[EndingRow]) -> LicenceRow:
        """`row`, its range cut where its vehicle left the fleet (rules LI2, EL5)."""
        for ending in endings:
            at = self.units(ending.reading, ending.at) - row.turned
            left = ending.recorder_id == row.recorder_id and ending.at >= row.issued_at  # else it came back before
            if left and at < row.claimable_end_reading:
                row = replace(row, claimable_end_reading=max(row.start_reading, at), ended_by=ending.cause)
        return row


async def series_of(conn: Connection, tenant: UUID, recorder: RecorderRow) -> Series:
    if recorder.rollover_at is None:
        return Series(None)
    record = record_of(recorder.vehicle_id, await register_of_vehicle(conn, tenant, recorder.vehicle_id))
    return Series(record.line_of(recorder_from_row(recorder)))


async def follow_readings(conn: Connection, tenant: UUID, recorder: RecorderRow) -> None:
    """After readings of a locked recorder came or went: its licences lie where they lie now.

    Raises Problem 409 `reading_moves_claimed` where one that is claimed would lie elsewhere, 409 `licence_range_overlap` where
    two come to lie on each other."""
    if recorder.rollover_at is None:
        return
    rows = await licences.licences_of_recorder(conn, tenant, recorder.id)
    if not rows:
        return
    series = await series_of(conn, tenant, recorder)
    moved = [(row, turned) for row in rows if (turned := series.turned(row)) != row.turned]
    if not moved:
        return
    await lock_vehicles(conn, tenant, [recorder.vehicle_id])
    if taken := await lodged.claimed(conn, tenant, [row.id for row, _ in moved]):
        raise _moves_claimed([mark.licence_id for mark in taken])
    words = "With that reading two licences would cover the same kilometres (rule LI4). Correct the one that is wrong."
    with constraints({"licence_ranges_apart": raising(overlap("licence_range_overlap", words, None))}):
        # outermost first, so that none is set down where the next one still lies
        for row, turned in sorted(moved, key=_outermost):
            await licences.set_turned(conn, tenant, row.id, turned)


def _outermost(move: tuple[LicenceRow, int]) -> int:
    row, turned = move
    place = row.start_reading + row.turned
    return -place if turned > row.turned else place


def _moves_claimed(licence_ids: Sequence[UUID]) -> Problem:
    return Problem(
        409, "reading_moves_claimed", "Claimed licences would lie a turn of the display elsewhere",
        "By this reading the display turned over at another time than the claim of these licences stands on: "
        f"{', '.join(map(str, sorted(licence_ids)))}. Correct the reading, or take it out of the register.",
    )  # fmt: skip
