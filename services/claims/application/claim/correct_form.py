"""Correct the form of a claim that came back: a new edition of the same claim (rule CL6)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

import msgspec

from services.claims.application.claim.claim_steps import in_order, locked
from services.claims.application.claim.draft_claim import shown
from services.claims.application.claim.freeze import freeze
from services.claims.application.claim.frozen import opened
from services.claims.application.refusals import invalid, not_found, purged, step_not_allowed
from services.claims.application.sealing import Hasher, Sealer, account_key
from services.claims.application.statement.binding import waivers_of
from services.claims.domain.claim.claim import ClaimDraft
from services.claims.domain.claim.claim_fields import Applicant
from services.claims.domain.claim.correction import Fix, changes, corrected, faults
from services.claims.domain.claim.sheets import ClaimLine
from services.claims.domain.findings import Finding
from services.claims.domain.instants import from_ms, nz_date
from services.claims.domain.policy import Policy
from services.claims.domain.register.bank import parse_account
from services.claims.repo import claim_life, claims, documents, log_entries, parties
from services.claims.repo.claim_life import Step
from shared.contracts.claim import FormSnapshot
from shared.db.pool import Connection
from shared.http.problems import Problem

_READ: Final = msgspec.json.Decoder(FormSnapshot)


async def correct_form(
    conn: Connection, tenant: UUID, claim_id: UUID, fix: Fix, step: Step, policy: Policy, sealer: Sealer, hasher: Hasher,
    now_ms: int,
) -> None:  # fmt: skip
    """One transaction: the next edition of the snapshot, a job to print it, and the step that says what was changed and why.

    Raises Problem 404, 409 `step_not_allowed` for a claim that was not returned, 422 for a line that is not of it or
    no change at all, and `correction_incomplete` with the findings where the form would come back again."""
    state = await locked(conn, tenant, claim_id)
    if state != "returned":
        words = f"The claim is {state}: only a form that came back is corrected. Record that it was returned."
        raise step_not_allowed("claim", words, [])
    await in_order(conn, tenant, claim_id, step.on_day, nz_date(from_ms(now_ms)))
    edition, form = await _latest(conn, tenant, claim_id, sealer)
    before = await _as_draft(conn, tenant, claim_id, form)
    try:
        after = corrected(before, fix)
    except KeyError as error:
        raise invalid("/lines", f"licence {error.args[0]} is not of this claim", "unknown_id") from None
    who = after.applicant
    key = account_key(hasher, who.name, who.bank_account_name, who.bank_account)
    after = replace(after, applicant=replace(who, account_key=key))
    changed = changes(before, after)
    if not changed:
        raise invalid("", "nothing differs from the form that came back", "no_change")
    claimant_id = before.applicant.claimant_id
    waivers = waivers_of(await parties.waivers_of_claimant(conn, tenant, claimant_id), claimant_id)
    if wrong := faults(after, policy, nz_date(from_ms(now_ms)), waivers):
        raise _incomplete(wrong)
    plain = msgspec.json.encode(_as_form(form, after))
    await freeze(conn, tenant, claim_id, "form", claim_id, plain, sealer, edition + 1)
    await documents.insert_job(conn, tenant, claim_id, "form", edition + 1)
    await claim_life.add_step(conn, tenant, claim_id, replace(step, reference=", ".join(changed)), state)


async def _latest(conn: Connection, tenant: UUID, claim_id: UUID, sealer: Sealer) -> tuple[int, FormSnapshot]:
    row = await documents.snapshot(conn, tenant, claim_id, "form", claim_id)
    if row is None:
        raise purged("form")
    return row.edition, _READ.decode(opened(sealer, tenant, "form", claim_id, row))


async def _as_draft(conn: Connection, tenant: UUID, claim_id: UUID, form: FormSnapshot) -> ClaimDraft:
    """The form as the rules look at it."""
    claim = await claims.claim(conn, tenant, claim_id)
    if claim is None:
        raise not_found("claim", claim_id)
    cents = {line.licence_id: line.estimate_cents for line in await claims.lines(conn, tenant, claim_id)}
    logged: dict[UUID, int] = {}
    for entry in await log_entries.standing(conn, tenant, list(cents)):
        logged[entry.licence_id] = logged.get(entry.licence_id, 0) + entry.logged_mm
    who = Applicant(
        claimant_id=claim.claimant_id, name=form.applicant_name, customer_number=form.customer_number,
        first_claim=form.first_claim, bank_account=form.bank_account, bank_account_name=form.bank_account_name,
        address=form.address, phone=form.phone, email=form.email,
    )  # fmt: skip
    lines = tuple(
        ClaimLine(
            licence_id=UUID(line.licence_id), claimant_id=claim.claimant_id, plate=line.plate,
            licence_number=line.licence_number, distance_km=line.distance_km, estimate_cents=cents[UUID(line.licence_id)],
            reason_code=line.reason_code, method=line.method, specify_type=line.specify_type,
            logged_mm=logged.get(UUID(line.licence_id), 0),
        )
        for line in form.lines
    )  # fmt: skip
    return ClaimDraft(
        applicant=who, lines=lines, person_completing=form.person_completing, travel_description=form.travel_description,
        records_held=form.records_held, notes=form.notes,
    )  # fmt: skip


def _as_form(before: FormSnapshot, draft: ClaimDraft) -> FormSnapshot:
    """What is printed: sheets, plates, licences and kilometres as they were (rule CL7)."""
    who = draft.applicant
    return msgspec.structs.replace(
        before,
        customer_number=who.customer_number, first_claim=who.first_claim, applicant_name=who.name, email=who.email,
        phone=who.phone, address=who.address, bank_account=parse_account(who.bank_account).digits,
        bank_account_name=who.bank_account_name, travel_description=draft.travel_description,
        records_held=draft.records_held, person_completing=draft.person_completing,
        lines=tuple(
            msgspec.structs.replace(
                line, reason_code=fixed.reason_code or 0, method=fixed.method, specify_type=fixed.specify_type
            )
            for line, fixed in zip(before.lines, draft.lines, strict=True)
        ),
    )  # fmt: skip


def _incomplete(wrong: Sequence[Finding]) -> Problem:
    return Problem(
        409, "correction_incomplete", "The corrected form would come back again",
        "Clear the findings and correct the form with all of it.", findings=[msgspec.to_builtins(shown(f)) for f in wrong],
    )  # fmt: skip
