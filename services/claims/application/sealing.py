"""What use cases need of cryptography; services.claims.adapters has the real one (rule RE3)."""

from typing import Protocol
from uuid import UUID

from services.claims.domain.register.bank import account_words


class Sealer(Protocol):
    """Encrypts with the present key, opens what any known key sealed.  `place` binds a text to its row: a sealed value that
    is moved to another tenant or row does not open."""

    def seal(self, plain: bytes, place: str) -> bytes: ...

    def open(self, sealed: bytes, place: str) -> bytes: ...


class Keyring(Sealer, Protocol):
    """A sealer that tells its keys apart, by ids that sealed values bear."""

    @property
    def present(self) -> bytes: ...

    @property
    def known(self) -> frozenset[bytes]: ...


class Hasher(Protocol):
    """Keyed hashes: equal for equal input, telling nothing else, not even to who guesses the input."""

    def digest(self, purpose: str, data: bytes) -> bytes: ...


def licence_hashes(hasher: Hasher, number_key: str, plate: str) -> tuple[bytes, bytes]:
    """Of a normalised licence number alone, and with its plate (rule LI4: the latter finds clashes between tenants)."""
    return (
        hasher.digest("licence", number_key.encode()),
        hasher.digest("plate-licence", f"{plate}\0{number_key}".encode()),
    )


def account_key(hasher: Hasher, applicant: str, account_name: str, account: str) -> str:
    """Rule EL8: what a person confirms of an account whose name is another's."""
    return hasher.digest("account", account_words(applicant, account_name, account).encode()).hex()


def place(tenant: UUID, what: str, thing: UUID) -> str:
    return f"{tenant}/{what}/{thing}"
