"""NZ bank accounts and the name on them (rule EL8)."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAccount:
    """`digits`: 16, as printed into the form's boxes."""

    digits: str
    known_branch: bool

    @property
    def masked(self) -> str:
        """All but the last digits hidden (rule RE3)."""
        raise NotImplementedError


class InvalidBankAccount(ValueError):
    def __init__(self, reason: Literal["format", "length", "checksum"], message: str) -> None:
        super().__init__(message)
        self.reason = reason


def parse_account(text: str) -> BankAccount:
    """Length and check digit by python-stdnum; raises InvalidBankAccount.  A branch its register does not know is kept and
    marked, since new branches appear."""
    raise NotImplementedError


def same_name(account_name: str, applicant: str) -> bool:
    """Equal after normalising case, accents, punctuation, "&"/"and", "Limited"/"Ltd" and a leading "The"."""
    raise NotImplementedError
