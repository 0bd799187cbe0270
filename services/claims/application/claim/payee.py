"""What a licence's claimant lacks for a claim, whichever licences it will hold (rules CL1, EL8)."""

from collections.abc import Sequence
from uuid import UUID

from services.claims.application.claim.draft_claim import account_of
from services.claims.application.sealing import Hasher, Sealer, account_key
from services.claims.application.statement.binding import waivers_of
from services.claims.domain.claim.claim import name_of_account
from services.claims.domain.findings import waived
from services.claims.domain.statement.to_do import Payee
from services.claims.repo.parties import ClaimantRow, WaiverRow


def payee_of(
    tenant: UUID, claimant: ClaimantRow, waivers: Sequence[WaiverRow], sealer: Sealer, hasher: Hasher
) -> Payee:
    """The account itself is looked at only where people may have confirmed it in another's name."""
    bears = name_of_account(claimant.name, claimant.bank_account_name)
    confirmed = waivers_of(waivers, claimant.id)
    if bears.outcome == "fail" and confirmed and claimant.bank_sealed is not None:
        key = account_key(hasher, claimant.name, claimant.bank_account_name, account_of(tenant, claimant, sealer))
        bears = waived(name_of_account(claimant.name, claimant.bank_account_name, key), confirmed)
    return Payee(claimant.name, claimant.email, claimant.phone, claimant.bank_sealed is not None, bears)
