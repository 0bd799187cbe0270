"""Put right what was entered wrong, in the open (rules RE2, CL1): what was there before stays on record.

Nothing that a claim stands on changes: a licence that is claimed here or outside is not touched, and a lodged form is its own
snapshot.  A claimant's corrections hold from now on, for claims to come."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import msgspec

from services.claims.application.claim.review_vehicles import Reviews
from services.claims.application.happened import check_happened
from services.claims.application.refunds.overlap_credit import credits_unmet, take_credits
from services.claims.application.refunds.restore_range import restore_range
from services.claims.application.refusals import already_claimed, already_exists, invalid, not_found, raising
from services.claims.application.register.add_claimant import TAIL_LENGTH, name_key
from services.claims.application.register.papers import note_licences
from services.claims.application.register.turns import follow_readings
from services.claims.application.sealing import Hasher, Sealer, place
from services.claims.application.statement.binding import licence_from_row, recorder_from_row
from services.claims.domain.register.bank import InvalidBankAccount, parse_account
from services.claims.domain.register.licence import InvalidLicence, check_licence, normalise_number
from services.claims.repo import applications, changes, licences, lodged, parties, recorders, vehicles
from services.claims.repo.changes import Why
from services.claims.repo.licences import LicenceRow
from services.claims.repo.locks import one_at_a_time
from services.claims.repo.parties import ClaimantRow
from services.claims.repo.reviews import lock_vehicles
from shared.db.errors import constraints
from shared.db.pool import Connection
from shared.http.problems import Problem

ACCOUNT: Final = "bank_account"
STANDING: Final = {
    "claim_line_licence_fk": "a claim has a line for it",
    "claimed_outside_licence_fk": "it was claimed outside",
    "lodged_licence_licence_fk": "it was claimed",
    "refunded_range_licence_fk": "a part of it was credited or refunded",
    "application_licence_fk": "an application asks for it",
    "log_entry_licence_fk": "manual log entries were made for it",
    "faulty_mark_licence_fk": "data of it were marked as faulty",
    "retention_hold_licence_fk": "a hold keeps it",
}
"""foreign key → what stands on a licence, so that it cannot be struck."""


async def correct_claimant(
    conn: Connection, tenant: UUID, claimant_id: UUID, given: Mapping[str, Any], why: Why, sealer: Sealer
) -> ClaimantRow:
    """`given`: fields of the claimant, `bank_account` in clear text.  Also how the number that the Agency issued is stored
    (rule CL1): it ends the first claim.  Raises Problem 404, 409 for a name that is taken, 422 for an account that cannot be
    one, for a first claim with a number, and where nothing changes."""
    await one_at_a_time(conn, tenant, "claimant")
    if not await changes.lock_claimant(conn, tenant, claimant_id):
        raise not_found("claimant", claimant_id)
    row = await parties.claimant(conn, tenant, claimant_id)
    if row is None:
        raise not_found("claimant", claimant_id)
    fields = {name: value for name, value in given.items() if name != ACCOUNT}
    if fields.get("customer_number") and "first_claim" not in fields:
        fields["first_claim"] = False
    after = replace(row, **fields)
    changed = [name for name in fields if getattr(row, name) != getattr(after, name)]
    if ACCOUNT in given and _account_of(row, tenant, sealer) != (digits := _digits(given[ACCOUNT])):
        sealed = sealer.seal(digits.encode(), place(tenant, "claimant", row.id)) if digits else None
        after = replace(after, bank_sealed=sealed, bank_tail=digits[-TAIL_LENGTH:])
        changed.append(ACCOUNT)
    if after.first_claim and after.customer_number:
        raise invalid("/first_claim", "a first claim has no customer number yet: leave one of the two out (rule CL1)")
    _something(changed)
    taken = raising(already_exists(f"Another claimant is named {after.name!r}.", None))
    with constraints({"claimant_name_unique": taken}):
        await changes.set_claimant(conn, tenant, after, name_key(after.name))
    await changes.note(conn, tenant, "claimant", row.id, sorted(changed), None, why)
    return after


def _digits(account: str) -> str:
    if not account:
        return ""
    try:
        return parse_account(account).digits
    except InvalidBankAccount as error:
        raise invalid("/bank_account", str(error), f"bank_account_{error.reason}") from error


def _account_of(row: ClaimantRow, tenant: UUID, sealer: Sealer) -> str:
    if row.bank_sealed is None:
        return ""
    return sealer.open(row.bank_sealed, place(tenant, "claimant", row.id)).decode()


async def correct_licence(
    conn: Connection, tenant: UUID, licence_id: UUID, given: Mapping[str, Any], why: Why, hasher: Hasher
) -> LicenceRow:
    """What the paper says besides its range and its issue, which decide what of other licences counts: strike it and enter
    it again for those.  Raises Problem 404, 409 `already_claimed`, 409 for a number that is taken, 422."""
    row = await _unclaimed(conn, tenant, licence_id)
    after = replace(row, **given)
    if after.gross_cents is not None and after.units is None:
        raise invalid("/units", "`gross_cents` needs `units`: the rate paid is gross over units (rule LI5)")
    recorder = await recorders.recorder(conn, tenant, row.recorder_id)
    vehicle = await vehicles.vehicle(conn, tenant, row.vehicle_id)
    if recorder is None or vehicle is None or await parties.claimant(conn, tenant, after.claimant_id) is None:
        raise invalid("/claimant_id", f"there is no claimant {after.claimant_id}: add it first", "unknown_id")
    try:
        after = replace(after, number_key=normalise_number(after.number))
        check_licence(licence_from_row(after, vehicle, ""), recorder_from_row(recorder))
    except InvalidLicence as error:
        raise invalid(f"/{error.field}", str(error), "licence_invalid") from error
    if "purchased_at" in given:
        check_happened("/purchased_at", after.purchased_at, why.at)
    changed = [name for name in given if getattr(row, name) != getattr(after, name)]
    _something(changed)
    await _refunded_as_it_is(conn, tenant, row, after)
    if after.number_key != row.number_key:
        existing = await licences.same_licence(conn, tenant, after.number_key, None)
        if existing is not None:
            raise already_exists(f"Licence {after.number} is registered. Use its id.", existing)
    with constraints({"licence_number_unique": raising(already_exists("That number is registered.", None))}):
        await changes.set_licence(conn, tenant, after)
    before = {name: getattr(row, name) for name in changed}
    await changes.note(conn, tenant, "licence", row.id, sorted(changed), msgspec.json.encode(before).decode(), why)
    await note_licences(conn, tenant, [after], hasher)
    return after


async def _refunded_as_it_is(conn: Connection, tenant: UUID, row: LicenceRow, after: LicenceRow) -> None:
    """No kilometre twice: a paper of which a part was refunded, or is asked for, keeps its number and its claimant, or it could
    be entered a second time and claimed; and a credit is written down for nothing that was given back.  Raises Problem 409."""
    if (after.number_key, after.claimant_id) != (row.number_key, row.claimant_id):
        parts = await applications.refunded(conn, tenant, [row.id])
        if parts:
            raise _stands(f"a part of it was refunded or is asked for ({parts[0].reference})")
    if after.credit_cents > row.credit_cents:
        await take_credits(conn, tenant, await credits_unmet(conn, tenant, after))


async def strike_licence(conn: Connection, tenant: UUID, licence_id: UUID, why: Why, reviews: Reviews) -> None:
    """A licence that was entered by mistake.  Older ones that it ended reach as far again as they did without it.

    Raises Problem 404, 409 `already_claimed`, 409 `stands_on_it` while something does, 409 `licence_range_overlap`."""
    row = await _unclaimed(conn, tenant, licence_id)
    cut = await changes.cut_by(conn, tenant, licence_id)
    cut_late = await lodged.cut_when_claimed(conn, tenant, cut)
    if taken := [mark for mark in await lodged.claimed(conn, tenant, cut) if mark.licence_id not in cut_late]:
        raise already_claimed(sorted(mark.licence_id for mark in taken))
    with constraints({key: raising(_stands(words)) for key, words in STANDING.items()}):
        await changes.strike_licence(conn, tenant, licence_id, why)
    for other in cut:  # one as a rule
        await restore_range(conn, tenant, other, though_claimed=other in cut_late)
    await reviews.of(conn, tenant, [row.vehicle_id])


def _stands(words: str) -> Problem:
    return Problem(
        409,
        "stands_on_it",
        "Something stands on this licence",
        f"It stays, since {words}. Correct it instead, or say so there.",
    )


async def strike_reading(conn: Connection, tenant: UUID, reading_id: UUID, why: Why, reviews: Reviews) -> None:
    """A reading that was never shown.  Statements that stood on it change, and claims are held against them at once (rule CL7).

    Raises Problem 404, 409 `stands_on_it` for the reading of a sale."""
    row = await recorders.reading(conn, tenant, reading_id)
    if row is None:
        raise not_found("reading", reading_id)
    recorder = await recorders.lock_recorder(conn, tenant, row.recorder_id)
    if await changes.is_read_at_an_end(conn, tenant, reading_id):
        raise Problem(
            409,
            "stands_on_it",
            "A sale stands on this reading",
            "The vehicle left the fleet with it: it stays as it is.",
        )
    if recorder is None or not await changes.strike_reading(conn, tenant, reading_id, why):
        raise not_found("reading", reading_id)
    await follow_readings(conn, tenant, recorder)
    await reviews.of(conn, tenant, [recorder.vehicle_id])


async def _unclaimed(conn: Connection, tenant: UUID, licence_id: UUID) -> LicenceRow:
    """The licence, with every other one of its vehicle kept from changing.  Raises Problem 404, 409 `already_claimed`."""
    await one_at_a_time(conn, tenant, "licence")
    row = await licences.licence(conn, tenant, licence_id)
    if row is None:
        raise not_found("licence", licence_id)
    await recorders.lock_recorder(conn, tenant, row.recorder_id)
    await lock_vehicles(conn, tenant, [row.vehicle_id])
    if await lodged.claimed(conn, tenant, [licence_id]):
        raise already_claimed([licence_id])
    return row


def _something(changed: list[str]) -> None:
    if not changed:
        raise invalid("", "nothing differs from what is stored", "no_change")
