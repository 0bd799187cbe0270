"""Record what a distance recorder showed (rule VE3)."""

from uuid import UUID

from services.claims.application.claim.review_vehicles import Reviews
from services.claims.application.happened import check_happened
from services.claims.application.refusals import already_exists, invalid
from services.claims.application.register.attach import check_attachment
from services.claims.application.register.turns import follow_readings
from services.claims.repo import recorders
from services.claims.repo.recorders import ReadingRow, RecorderRow
from services.claims.repo.reviews import is_disclosed
from shared.db.pool import Connection


async def add_reading(conn: Connection, tenant: UUID, row: ReadingRow, reviews: Reviews) -> ReadingRow:
    """Raises Problem 409 for the same recorder, instant and source; 422 for an attachment that is not there, and for a
    reading that runs backwards, since it would take its neighbour out of the statement too (both would contradict each
    other); 409 where the display turned over and claimed licences would lie elsewhere by it (`turns.py`)."""
    recorder = await recorders.lock_recorder(conn, tenant, row.recorder_id)
    if recorder is None:
        raise invalid("/recorder_id", f"there is no recorder {row.recorder_id}: add it first", "unknown_id")
    existing = await recorders.same_reading(conn, tenant, row.recorder_id, row.at, row.source, row.ref)
    if existing is not None:
        raise already_exists("This recorder has a reading of that instant and source (or the ref is taken).", existing)
    await check_reading(conn, tenant, recorder, row)
    if row.attachment_id is not None:
        await check_attachment(conn, tenant, row.attachment_id)
    await keep_reading(conn, tenant, recorder, row, reviews)
    return row


async def keep_reading(
    conn: Connection, tenant: UUID, recorder: RecorderRow, row: ReadingRow, reviews: Reviews
) -> None:
    """The last one of its recorder moves nothing that is lodged, which was read at both its ends (rule DI3): unless it was, and
    is not any more, or the display turns over, where it may contradict the one before (rule VE2)."""
    await recorders.insert_reading(conn, tenant, row)
    await follow_readings(conn, tenant, recorder)
    if (
        recorder.rollover_at is not None
        or await recorders.was_read_after(conn, tenant, row.recorder_id, row.at)
        or await is_disclosed(conn, tenant, recorder.vehicle_id)
    ):
        await reviews.of(conn, tenant, [recorder.vehicle_id])


async def check_reading(
    conn: Connection, tenant: UUID, recorder: RecorderRow, row: ReadingRow, pointer: str = "/value"
) -> None:
    """Does the reading fit between its neighbours and into the recorder's time, and is it of the past (`created_at` being the
    present)?  Raises Problem 422."""
    check_happened("/at", row.at, row.created_at)
    if row.at < recorder.from_at or (recorder.to_at is not None and row.at > recorder.to_at):
        raise invalid("/at", "the recorder was not on the vehicle at that instant: correct it or the recorder's `from`")
    if recorder.rollover_at is not None:
        if row.value >= recorder.rollover_at:
            raise invalid(pointer, f"this display starts again at {recorder.rollover_at}")
        return
    below, above = await recorders.neighbours(conn, tenant, row.recorder_id, row.at)
    if below is not None and row.value < below:
        raise invalid(
            pointer,
            f"is below {below}, which the recorder showed before: correct it, or give the recorder its `rollover_at`",
        )
    if above is not None and row.value > above:
        raise invalid(pointer, f"is above {above}, which the recorder showed later: correct one of the two")
