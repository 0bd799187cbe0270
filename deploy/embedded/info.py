"""How to reach a running stack, for the services it starts, the commands and the tests."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import SecretStr

from deploy.embedded.credentials import DATABASE_PARTS, DATABASE_SERVICES, Credentials, role_name
from deploy.embedded.errors import StackError
from deploy.embedded.identity.accounts import folder_of
from deploy.embedded.identity.settings import CLIENT_ID
from shared.settings import KafkaSettings

FILE: Final = "stack.json"


@dataclasses.dataclass(frozen=True)
class StackInfo:
    """How to reach a running stack.  The same as JSON in `<data>/stack.json`, which is there while it runs.

    `kafka_users` maps principals to passwords; it is empty where the broker is a user's own without authentication.
    `dsns` maps a service to its `owner`, `worker` and `api` connection URIs.  `tokens` are the internal bearer tokens.
    """

    urls: dict[str, str]
    kafka_bootstrap: str
    kafka_users: dict[str, str]
    kafka_embedded: bool
    postgres_embedded: bool
    dsns: dict[str, dict[str, str]]
    superuser_dsn: str
    tokens: dict[str, str]
    keys: dict[str, str]
    data_dir: str
    pids: dict[str, int]

    @classmethod
    def read(cls, path: Path) -> "StackInfo":
        """From a `stack.json`.  StackError where there is none (the stack does not run) or another release wrote it."""
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            raise StackError(f"No stack runs on {path.parent}.  Start one: rucor up --data-dir {path.parent}") from None
        except (ValueError, TypeError) as error:
            raise StackError(
                f"{path} is not of this release ({error}).  Stop that stack and start it again."
            ) from error

    def as_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2)

    def kafka_login(self, principal: str) -> tuple[str, str]:
        """User name and password; both empty where the broker wants none."""
        own_user = next(iter(self.kafka_users), "")
        user = principal if principal in self.kafka_users else own_user
        return user, self.kafka_users.get(user, "")

    def kafka_settings(self, principal: str) -> KafkaSettings:
        """Settings of a client that logs in as this principal."""
        user, password = self.kafka_login(principal)
        return KafkaSettings(
            kafka_bootstrap_servers=self.kafka_bootstrap,
            kafka_username=user,
            kafka_password=SecretStr(password),
            embedded=self.kafka_embedded,
        )

    def environment(self, service: str, *, port: int = 0) -> dict[str, str]:
        """All a service is told, as its `RUCOR_*` variables, and nothing that belongs to another."""
        told = {"RUCOR_HOST": "127.0.0.1", "RUCOR_PORT": str(port)}
        if service in DATABASE_SERVICES:
            user, password = self.kafka_login(service)
            told |= {
                "RUCOR_DATABASE_URL": self.dsns[service]["api"],
                "RUCOR_WORKER_DATABASE_URL": self.dsns[service]["worker"],
                "RUCOR_KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap,
                "RUCOR_KAFKA_USERNAME": user,
                "RUCOR_KAFKA_PASSWORD": password,
                "RUCOR_EMBEDDED": "1" if self.kafka_embedded else "0",
                "RUCOR_TOKEN_ISSUER": self.urls.get("claims", ""),
            }
        if service in self.tokens:
            told["RUCOR_INTERNAL_TOKEN"] = self.tokens[service]
        if service == "ingest":
            told["RUCOR_SPACE_PATH"] = self.data_dir
        if service == "classifier":
            told["RUCOR_ROADS_DIR"] = str(Path(self.data_dir) / "roads")
        if service == "identity":
            told |= {
                "RUCOR_EMBEDDED": "1",
                "RUCOR_IDENTITY_ISSUER": self.urls.get("identity", f"http://127.0.0.1:{port}"),
                "RUCOR_IDENTITY_FOLDER": str(folder_of(Path(self.data_dir))),
            }
        if service == "claims":
            if "identity" in self.urls:
                told |= {"RUCOR_OIDC_ISSUER": self.urls["identity"], "RUCOR_OIDC_AUDIENCE": CLIENT_ID}
            told |= {
                "RUCOR_TOKEN_ISSUER": self.urls.get("claims", f"http://127.0.0.1:{port}"),
                "RUCOR_TOKEN_KEYS": self.keys["token"],
                "RUCOR_CLASSIFIER_URL": self.urls.get("classifier", ""),
                "RUCOR_CLASSIFIER_TOKEN": self.tokens["classifier"],
                "RUCOR_INGEST_URL": self.urls.get("ingest", ""),
                "RUCOR_INGEST_TOKEN": self.tokens["ingest"],
                "RUCOR_PDF_URL": self.urls.get("pdf", ""),
                "RUCOR_PDF_TOKEN": self.tokens["pdf"],
                "RUCOR_BANK_KEY": self.keys["bank"],
                "RUCOR_BANK_KEYS_OLD": self.keys.get("bank_old", ""),
                "RUCOR_LICENCE_HASH_KEY": self.keys["licence_hash"],
            }
        return told


def role_dsns(superuser_dsn: str, secrets: Credentials) -> dict[str, dict[str, str]]:
    """The same server and database for every service's roles: service → part → connection URI."""
    return {
        service: {part: _login(superuser_dsn, role_name(service, part), secrets.roles) for part in DATABASE_PARTS}
        for service in DATABASE_SERVICES
    }


def _login(dsn: str, role: str, passwords: Mapping[str, str]) -> str:
    split = urlsplit(dsn)
    host = split.netloc.rpartition("@")[2]
    return urlunsplit(split._replace(netloc=f"{quote(role)}:{quote(passwords[role])}@{host}"))


def on_database(dsn: str, database: str) -> str:
    """The same login on another database of the same server."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{quote(database)}"))
