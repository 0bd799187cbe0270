"""NZ bank accounts and the name on them (rule EL8)."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

from stdnum import exceptions
from stdnum.nz import bankaccount

_WORDS: Final = {"&": "and", "+": "and", "limited": "ltd", "company": "co", "incorporated": "inc"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAccount:
    """`digits`: 16, as printed into the form's boxes."""

    digits: str
    known_branch: bool

    @property
    def masked(self) -> str:
        """Bank and the last digits only (rule RE3)."""
        return f"{self.digits[:2]}-****-****{self.digits[10:13]}-{self.digits[13:]}"


class InvalidBankAccount(ValueError):
    def __init__(self, reason: Literal["format", "length", "checksum"], message: str) -> None:
        super().__init__(message)
        self.reason = reason


def parse_account(text: str) -> BankAccount:
    """Length and check digit by python-stdnum; raises InvalidBankAccount.  A branch its register does not know is kept and
    marked, since new branches appear (the check digit is verified before the branch is looked up)."""
    try:
        return BankAccount(digits=str(bankaccount.validate(text)), known_branch=True)
    except exceptions.InvalidComponent:
        return BankAccount(digits=str(bankaccount.compact(text)), known_branch=False)
    except exceptions.InvalidLength as error:
        raise InvalidBankAccount(
            "length", "a New Zealand account has 15 or 16 digits: bank 2, branch 4, account 7, suffix 2 or 3"
        ) from error
    except exceptions.InvalidChecksum as error:
        raise InvalidBankAccount("checksum", "the check digit does not fit: one of the digits is wrong") from error
    except exceptions.ValidationError as error:
        raise InvalidBankAccount("format", "an account number holds digits, spaces and hyphens only") from error


def same_name(account_name: str, applicant: str) -> bool:
    """Equal after normalising case, accents, punctuation, "&"/"and", "Limited"/"Ltd" and a leading "The"."""
    return bool(_words(applicant)) and _words(account_name) == _words(applicant)


def account_words(applicant: str, account_name: str, account: str) -> str:
    """What a person confirms when the names differ: the two names as they are compared, and the account's digits."""
    try:
        digits = parse_account(account).digits
    except InvalidBankAccount:
        digits = account
    return "\0".join((" ".join(_words(applicant)), " ".join(_words(account_name)), digits))


def _words(name: str) -> tuple[str, ...]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    words = [_WORDS.get(word, word) for word in re.findall(r"[^\W_]+|[&+]", plain.replace("'", "").replace(".", ""))]
    return tuple(words[1:] if words[:1] == ["the"] else words)
