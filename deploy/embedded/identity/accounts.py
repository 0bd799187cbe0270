"""Who may sign in at the local provider: accounts in one file that only its owner reads, passwords as scrypt hashes."""

import base64
import fcntl
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from deploy.embedded.children import write_private
from deploy.embedded.errors import StackError
from shared.clock import new_id
from shared.mailbox import mailbox

FOLDER: Final = "identity"
FILE: Final = "accounts.json"
PASSWORD_LENGTH_MIN: Final = 12
PASSWORD_LENGTH_MAX: Final = 200
COST: Final = 2**15
BLOCK: Final = 8
LANES: Final = 3
"""32 MiB and about a quarter of a second for each try."""
_MEMORY_MAX: Final = 64 * 1024 * 1024
_SALT_BYTES: Final = 16


@dataclass(frozen=True)
class Account:
    subject: str
    email: str
    name: str
    salt: str
    hash: str


NOBODY: Final = Account("", "", "", base64.b64encode(bytes(_SALT_BYTES)).decode(), "")
"""Its password is never right, and takes as long to check as anybody's."""


def folder_of(data_dir: Path) -> Path:
    return data_dir / FOLDER


def hashed(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=COST, r=BLOCK, p=LANES, maxmem=_MEMORY_MAX, dklen=32)


def matches(account: Account, password: str) -> bool:
    """Slow on purpose; the same time for a wrong password."""
    found = base64.b64encode(hashed(password, base64.b64decode(account.salt))).decode()
    return hmac.compare_digest(found, account.hash)


def read(folder: Path) -> dict[str, Account]:
    """By mailbox.  StackError where the file is damaged."""
    path = folder / FILE
    try:
        accounts = (Account(**fields) for fields in json.loads(path.read_text()).values())
        return {mailbox(account.email): account for account in accounts}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        raise StackError(
            f"{path} is damaged ({error}).  Put back a copy, or remove it and set the passwords anew."
        ) from error


def set_password(folder: Path, email: str, name: str, password: str | None) -> str:
    """Make the account or change its password; a generated one where none is given.  The password, to be shown once.

    Raises ValueError for one that is too short or too long."""
    chosen = secrets.token_urlsafe(15) if password is None else password
    if not PASSWORD_LENGTH_MIN <= len(chosen) <= PASSWORD_LENGTH_MAX:
        raise ValueError(f"a password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters")
    salt = secrets.token_bytes(_SALT_BYTES)
    with _alone(folder):
        accounts = read(folder)
        before = accounts.get(mailbox(email))
        accounts[mailbox(email)] = Account(
            subject=before.subject if before else str(new_id()),
            email=email.strip(),
            name=name or (before.name if before else email.strip()),
            salt=base64.b64encode(salt).decode(),
            hash=base64.b64encode(hashed(chosen, salt)).decode(),
        )
        _store(folder, accounts)
    return chosen


def remove(folder: Path, email: str) -> bool:
    """True where there was such an account."""
    with _alone(folder):
        accounts = read(folder)
        found = accounts.pop(mailbox(email), None)
        if found is not None:
            _store(folder, accounts)
    return found is not None


def _store(folder: Path, accounts: dict[str, Account]) -> None:
    write_private(folder / FILE, json.dumps({email: asdict(one) for email, one in sorted(accounts.items())}, indent=2))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One command at a time changes the file."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
