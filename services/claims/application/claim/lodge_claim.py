"""Lodge a claim: exactly what its preview showed, once, in one transaction (rules CL3, CL4, EL4; design section 6, G4)."""

from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import msgspec

from services.claims.application.claim.claim_request import LineShown, PreviewBody, totals
from services.claims.application.claim.draft_claim import Drafted, rate_text
from services.claims.application.claim.freeze import freeze
from services.claims.application.claim.preview_claim import LedgerMoved, draft_from_ledger, stands_on
from services.claims.application.claim.snapshots import form_snapshot, licence_report
from services.claims.application.ledger.mark_faulty import hold_marks_off
from services.claims.application.refusals import (
    already_claimed,
    already_exists,
    claimed_once,
    not_found,
    preview_changed,
    raising,
)
from services.claims.application.sealing import Hasher, Sealer, licence_hashes
from services.claims.application.statement.assess import Assessed
from services.claims.application.statement.facts import Facts, load_facts
from services.claims.application.webhooks.tell import tell
from services.claims.domain.claim.taken import claimed_upto
from services.claims.domain.instants import from_ms
from services.claims.domain.policy import Policy
from services.claims.repo import claims, documents, ledger, licences, lodged
from services.claims.repo.claims import ClaimRow, LineDay, LineRow
from shared.clock import new_id
from shared.db.errors import constraints
from shared.db.pool import Connection, Pool, last_longer, tenant_tx
from shared.http.problems import Problem

WHOLE_MS_MAX: Final = 30_000
"""A claim of 500 licences is 500 marks, reports and proofs, whole or nothing; each statement stays short."""
SHOWN: Final = ("claimable_km", "off_road_mm", "estimate_cents", "rate", "plate", "eligible", "statement_hash")


@dataclass(frozen=True)
class Ready:
    """Everything computed; what is left is to check under locks that it still holds, and to write it."""

    preview_id: UUID
    facts: Facts
    drafted: Drafted


async def prepare_lodging(
    pool: Pool, tenant: UUID, preview_id: UUID, policy: Policy, sealer: Sealer, hasher: Hasher, now_ms: int
) -> Ready:
    """Derive the claim again from today's ledger, outside any transaction.  Raises Problem: 404 and 409
    `preview_expired` for the token, 409 `already_exists` where it was lodged, `already_claimed`, `preview_changed` with the
    differences, `not_lodgeable` with the findings."""
    async with tenant_tx(pool, tenant) as conn:
        row = await claims.preview(conn, tenant, preview_id)
        if row is None:
            raise not_found("preview", preview_id)
        await _not_lodged(conn, tenant, preview_id)
        body = msgspec.json.decode(row.body, type=PreviewBody)
        await _not_claimed(conn, tenant, body)
    if from_ms(now_ms) >= row.expires_at:
        raise Problem(409, "preview_expired", "The preview is too old", "Preview again and lodge with the new token.")
    facts, drafted = await draft_from_ledger(pool, tenant, body.request, policy, sealer, hasher, now_ms)
    differences = compare(body, drafted.body)
    if differences:
        async with tenant_tx(pool, tenant) as conn:  # claimed since it was looked at first: that is what to say
            await _not_claimed(conn, tenant, body)
        raise preview_changed(differences)
    if not drafted.body.lodgeable:
        raise _not_lodgeable(drafted.body)
    return Ready(preview_id, facts, drafted)


async def _not_lodged(conn: Connection, tenant: UUID, preview_id: UUID) -> None:
    claim_id = await claims.claim_of_preview(conn, tenant, preview_id)
    if claim_id is not None:
        raise already_exists("This preview was lodged already. Look at that claim.", claim_id)


async def _not_claimed(conn: Connection, tenant: UUID, body: PreviewBody) -> None:
    marks = await lodged.claimed(conn, tenant, body.request.licence_ids)
    if taken := sorted(mark.licence_id for mark in marks if not mark.consented):
        raise already_claimed(taken)


def _not_lodgeable(body: PreviewBody) -> Problem:
    blocking = [msgspec.to_builtins(f) for f in body.findings if f.outcome == "fail"]
    blocking += [
        {"licence_id": str(line.licence_id), "number": line.number} | msgspec.to_builtins(finding)
        for line in body.lines
        for finding in line.findings
        if finding.outcome == "fail"
    ]
    return Problem(
        409, "not_lodgeable", "The claim cannot be lodged as it is",
        "Clear the findings, leave the licences out that are not eligible, and preview again.", findings=blocking,
    )  # fmt: skip


def compare(previewed: PreviewBody, now: PreviewBody) -> list[dict[str, Any]]:
    """What a person must look at again, line by line; empty when nothing changed."""
    current = {line.licence_id: line for line in now.lines}
    differences = [
        _difference(line, what, getattr(line, what), getattr(current[line.licence_id], what))
        for line in previewed.lines
        for what in SHOWN
        if getattr(line, what) != getattr(current[line.licence_id], what)
    ]
    if previewed.form_hash != now.form_hash and not differences:
        differences.append(
            {
                "licence_id": None,
                "number": None,
                "what": "form",
                "previewed": "as shown",
                "now": "the claimant's details changed",
            }
        )
    return differences


def _difference(line: LineShown, what: str, before: object, after: object) -> dict[str, Any]:
    return {
        "licence_id": str(line.licence_id),
        "number": line.number,
        "what": what,
        "previewed": _told(before),
        "now": _told(after),
    }


def _told(value: object) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


async def lodge(
    conn: Connection, tenant: UUID, ready: Ready, policy: Policy, sealer: Sealer, hasher: Hasher, now_ms: int
) -> UUID:
    """The transaction.  Raises LedgerMoved when something changed since `prepare_lodging`: prepare again, which says what."""
    body = ready.drafted.body
    await last_longer(conn, WHOLE_MS_MAX)
    await hold_marks_off(conn, tenant)
    await licences.lock_licences(conn, tenant, sorted(body.request.licence_ids))
    await _not_lodged(conn, tenant, ready.preview_id)
    await _not_claimed(conn, tenant, body)
    facts = await load_facts(conn, tenant, body.request.licence_ids, policy, now_ms)
    if replace(facts, progress={}) != replace(ready.facts, progress={}):
        raise LedgerMoved("the ledger or the register moved while the claim was lodged")
    if not await ledger.name_days(conn, tenant, stands_on(ready.drafted.assessed)):
        raise LedgerMoved("the ledger moved while the claim was lodged")
    claim = await _number(conn, tenant, ready, now_ms)
    lines = [_line_row(i, item, ready) for i, item in enumerate(ready.drafted.assessed, start=1)]
    days = [
        LineDay(item.row.id, s.device, s.day, s.rev, s.content_hash)
        for item in ready.drafted.assessed
        for s in item.statement.stands_on
    ]
    with constraints({"claim_preview_once": raising(already_exists("This preview was lodged already.", None))}):
        await claims.insert_claim(conn, tenant, claim, lines, days)
    await _mark(conn, tenant, claim, ready.drafted.assessed, hasher)
    await _freeze(conn, tenant, claim, ready, policy, sealer)
    await documents.insert_job(conn, tenant, claim.id, "form")
    await tell(conn, tenant, "claim.lodged", claim_id=claim.id)
    return claim.id


async def _number(conn: Connection, tenant: UUID, ready: Ready, now_ms: int) -> ClaimRow:
    number = await claims.next_number(conn, tenant)
    sums = totals(ready.drafted.body.lines)
    return ClaimRow(
        id=new_id(),
        number=f"RUCOR-{number:06d}",
        state="lodged",
        claimant_id=ready.drafted.body.request.claimant_id,
        preview_id=ready.preview_id,
        lodged_at=from_ms(now_ms),
        lodged_on=ready.facts.today,
        licences=len(ready.drafted.assessed),
        claimable_km=sums["claimable_km"] or 0,
        off_road_mm=sums["off_road_mm"] or 0,
        estimate_cents=sums["estimate_cents"],
    )


def _line_row(line_no: int, item: Assessed, ready: Ready) -> LineRow:
    line = ready.drafted.draft.lines[line_no - 1]
    if line.reason_code is None:
        raise _not_lodgeable(ready.drafted.body)
    return LineRow(
        licence_id=item.row.id,
        line_no=line_no,
        number=item.row.number,
        plate=line.plate,
        distance_km=line.distance_km,
        off_road_mm=item.statement.totals.off_road_mm,
        rate=rate_text(item.rate),
        estimate_cents=line.estimate_cents,
        reason_code=line.reason_code,
        method=line.method,
        specify_type=line.specify_type,
        statement_hash=bytes.fromhex(item.statement.hash),
        share_mm=item.statement.totals.share_mm,
    )


async def _mark(conn: Connection, tenant: UUID, claim: ClaimRow, assessed: list[Assessed], hasher: Hasher) -> None:
    for item in sorted(assessed, key=lambda a: a.row.id):  # a few rows through the one function that may write them
        hashes = licence_hashes(hasher, item.row.number_key, item.licence.plate_at_issue)
        row, window = item.row, item.statement.window
        end = claimed_upto(row.start_reading, row.claimable_end_reading, window)
        claimed = replace(row, claimable_end_reading=end)
        if item.mark is not None:  # with the Agency's consent (rule CL5), as `_not_claimed` saw under the lock
            await lodged.release(conn, tenant, item.mark.source_id, item.row.id, claim.id)
        with constraints(claimed_once(item.row.id)):
            await lodged.lodge_licence(conn, tenant, new_id(), claimed, hashes, "claim", claim.id)


async def _freeze(
    conn: Connection, tenant: UUID, claim: ClaimRow, ready: Ready, policy: Policy, sealer: Sealer
) -> None:
    form = form_snapshot(claim.id, claim.number, claim.lodged_on, ready.drafted.draft, policy)
    frozen: list[tuple[str, UUID, bytes]] = [("form", claim.id, msgspec.json.encode(form))]
    vehicles = {row.id: row.description for row in ready.facts.register.vehicles}
    for item in ready.drafted.assessed:
        report = licence_report(
            item,
            ready.drafted.draft.applicant.name,
            vehicles[item.row.vehicle_id],
            claim.number,
            policy,
            claim.lodged_on,
        )
        frozen.append(("report", item.row.id, msgspec.json.encode(report)))
    for kind, subject, plain in frozen:
        await freeze(conn, tenant, claim.id, kind, subject, plain, sealer)
