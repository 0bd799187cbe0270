"""Take a claimant into the register (rules PA1, EL8)."""

from dataclasses import replace
from uuid import UUID

from services.claims.application.refusals import already_exists, invalid, raising
from services.claims.application.sealing import Sealer, place
from services.claims.domain.register.bank import InvalidBankAccount, parse_account
from services.claims.repo import parties
from services.claims.repo.locks import one_at_a_time
from services.claims.repo.parties import ClaimantRow
from shared.db.errors import constraints
from shared.db.pool import Connection

TAIL_LENGTH = 4


def name_key(name: str) -> str:
    """What makes two claimants the same: the legal name without case and spaces."""
    return "".join(name.split()).casefold()


async def add_claimant(
    conn: Connection, tenant: UUID, row: ClaimantRow, bank_account: str, sealer: Sealer
) -> ClaimantRow:
    """`row` without the account's fields; `bank_account` in clear text, "" for none.  Raises Problem 422 for an account that
    cannot be one, 409 where the name or reference is taken."""
    if bank_account:
        try:
            account = parse_account(bank_account)
        except InvalidBankAccount as error:
            raise invalid("/bank_account", str(error), f"bank_account_{error.reason}") from error
        sealed = sealer.seal(account.digits.encode(), place(tenant, "claimant", row.id))
        row = replace(row, bank_sealed=sealed, bank_tail=account.digits[-TAIL_LENGTH:])
    await one_at_a_time(conn, tenant, "claimant")
    key = name_key(row.name)
    detail = f"A claimant named {row.name!r} (or with that ref) is registered. Use its id."
    existing = await parties.claimant_named(conn, tenant, key, row.ref)
    if existing is not None:
        raise already_exists(detail, existing)
    taken = raising(already_exists(detail, None))
    with constraints({"claimant_name_unique": taken, "claimant_ref_unique": taken}):
        await parties.insert_claimant(conn, tenant, row, key)
    return row
