"""Passwords, tokens and keys of one data folder: made at its first start, kept in `secrets.json` (0600)."""

import base64
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from deploy.embedded.children import write_private
from deploy.embedded.errors import StackError
from shared.http.mint import fresh_keys

FILE: Final = "secrets.json"
DATABASE_SERVICES: Final = ("ingest", "classifier", "claims")
DATABASE_PARTS: Final = ("owner", "worker", "api")
KAFKA_ADMIN: Final = "admin"
KAFKA_CONTROLLER: Final = "controller"
TOLD: Final = ("ingest", "classifier", "pdf")
"""What claims asks and tells with an internal token of its own for each."""
KAFKA_USERS: Final = (KAFKA_ADMIN, "ingest", "classifier", "claims")


def role_name(service: str, part: str) -> str:
    """`rucor_<service>_<owner|worker|api>`."""
    return f"rucor_{service}_{part}"


@dataclass(frozen=True)
class Credentials:
    """All secrets of one data folder.  Keys of the dictionaries are user, role and service names."""

    kafka: dict[str, str]
    kafka_controller: str
    postgres_superuser: str
    roles: dict[str, str]
    tokens: dict[str, str]
    bank_key: str
    licence_hash_key: str
    bank_keys_old: list[str] = field(default_factory=list)
    """Before `bank_key`, the youngest first: stored values may still be sealed with them (rule RE3)."""
    token_keys: str = ""
    """JWK Set of the keys that sign access tokens, as JSON: the first signs, the others are believed still."""

    @classmethod
    def fresh(cls) -> "Credentials":
        """New random secrets: 128 bits and more each, hex or base64 so that no configuration syntax needs escapes."""
        return cls(
            kafka={user: secrets.token_hex(16) for user in KAFKA_USERS},
            kafka_controller=secrets.token_hex(16),
            postgres_superuser=secrets.token_hex(16),
            roles={
                role_name(service, part): secrets.token_hex(16)
                for service in DATABASE_SERVICES
                for part in DATABASE_PARTS
            },
            tokens={service: secrets.token_urlsafe(32) for service in TOLD},
            bank_key=base64.b64encode(secrets.token_bytes(32)).decode(),
            licence_hash_key=base64.b64encode(secrets.token_bytes(32)).decode(),
            token_keys=fresh_keys(),
        )


def new_bank_key(data_dir: Path) -> Credentials:
    """Another key seals from the stack's next start on; the keys before it stay, to open what they sealed.  StackError."""
    found = load(data_dir)
    new = base64.b64encode(secrets.token_bytes(32)).decode()
    return _store(data_dir, replace(found, bank_key=new, bank_keys_old=[found.bank_key, *found.bank_keys_old]))


def forget_old_bank_keys(data_dir: Path, old: Sequence[str]) -> None:
    """Nothing is sealed with these any more.  StackError."""
    found = load(data_dir)
    _store(data_dir, replace(found, bank_keys_old=[key for key in found.bank_keys_old if key not in old]))


def _store(data_dir: Path, changed: Credentials) -> Credentials:
    write_private(data_dir / FILE, json.dumps(asdict(changed), indent=2))
    return changed


def load(data_dir: Path) -> Credentials:
    """The folder's secrets.  StackError where there are none, or they cannot be read."""
    path = data_dir / FILE
    try:
        return Credentials(**json.loads(path.read_text()))
    except FileNotFoundError as error:
        raise StackError(f"There is no {path}: is {data_dir} a stack's folder?") from error
    except (ValueError, TypeError) as error:
        raise StackError(f"{path} is damaged ({error}).  Put back the copy that belongs to this folder.") from error


def _completed(data_dir: Path, found: Credentials) -> Credentials:
    """A folder of a release that gave out no access tokens yet, or that told ingest nothing, gets its key and token now."""
    tokens = {service: secrets.token_urlsafe(32) for service in TOLD} | found.tokens
    whole = replace(found, token_keys=found.token_keys or fresh_keys(), tokens=tokens)
    return found if whole == found else _store(data_dir, whole)


def load_or_create(data_dir: Path) -> Credentials:
    """The folder's secrets.  StackError where data are there but their secrets are not, or cannot be read."""
    if (data_dir / FILE).exists():
        return _completed(data_dir, load(data_dir))
    if (data_dir / "kafka").exists() or (data_dir / "postgres").exists():
        raise StackError(
            f"{data_dir} holds data but no {FILE}: without its passwords and keys the data cannot be opened.  "
            f"Put back the {FILE} that belongs to this folder, or choose another folder with --data-dir."
        )
    return _store(data_dir, Credentials.fresh())
