"""The one short transaction of a round (design section 4): positions, evidence, revisions and what is due,
whole or not at all."""

import time
from collections.abc import Mapping

from services.classifier.application.effect import Effect
from services.classifier.repo import evidence, fold_state, road_sets, rulings
from shared.contracts.topics import PINGS
from shared.db.pool import Pool, tx
from shared.errors import Fatal, Superseded
from shared.observability.logging import get_logger
from shared.observability.metrics import CLASSIFIER_COMMIT_SECONDS, CLASSIFIER_PINGS, CLASSIFIER_REVISIONS
from shared.stream import outbox, positions
from shared.stream.positions import TP, Position

log = get_logger(__name__)


async def commit(
    pool: Pool, effect: Effect, expected: Mapping[TP, Position], moved: Mapping[TP, Position], ticks: Mapping[int, int]
) -> tuple[dict[TP, Position], int]:
    """The positions that are accepted, and the last outbox id.  `ticks`: of the live lane, by partition.

    Raises Superseded when another owner was here since the positions were read, or a ruling was changed; Fatal where a
    position's version is not the one that the revisions carry."""
    started = time.monotonic()
    async with tx(pool) as conn:
        accepted = await positions.compare_and_set(conn, expected, moved)
        live = {tp[1]: position.version for tp, position in accepted.items() if tp[0] == PINGS.name}
        if live != effect.versions:
            raise Fatal("a position's version is not the one its revisions carry")
        # else a device-day that is new with this round would keep a ruling's predecessor for ever
        if await rulings.standing_version(conn) != effect.book_version:
            raise Superseded("a ruling was changed while the round was computed")
        await evidence.append(conn, effect.evidence)
        await outbox.append(conn, effect.outbox)
        await fold_state.note_settle(conn, effect.owed)
        await fold_state.note_held(conn, effect.held)
        await fold_state.clear_due(conn, effect.paid)
        if effect.swept is not None:
            await road_sets.move_sweep(conn, effect.swept.sweep, effect.swept.after)
        await fold_state.write_ticks(conn, ticks)
        last_id = await fold_state.last_outbox_id(conn)
    CLASSIFIER_COMMIT_SECONDS.observe(time.monotonic() - started)
    return accepted, last_id


def report(effect: Effect) -> None:
    """After the commit: metrics, and a word about what went wrong."""
    CLASSIFIER_PINGS.inc(effect.fixes)
    CLASSIFIER_REVISIONS.labels("yes").inc(effect.settled)
    CLASSIFIER_REVISIONS.labels("no").inc(effect.unsettled)
    if effect.quarantined:
        log.warning("rows went to the quarantine", rows=effect.quarantined)
    for name, error in effect.stuck.items():
        log.error("device-day cannot be computed: a hold is open", day=name[2], error=repr(error), exc_info=error)
