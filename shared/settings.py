"""Settings: read from `RUCOR_*` variables, validated whole at start, all errors at once, frozen afterwards.

A service subclasses `ServiceSettings` (or `ProcessSettings` where it has no database and no stream), adds its own
fields and calls `load`.  Secrets are `SecretStr`, so that neither a log line nor `--check-config` ever shows one.
"""

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "RUCOR_"
EXIT_SETTINGS = 2

_ORIGIN = re.compile(
    r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[1-9][0-9]{0,4})?|https?://\[[0-9a-f:]+\](?::[1-9][0-9]{0,4})?"
)
"""Scheme, host and port, nothing else: no wildcard, no path, no `null`."""

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


def _postgres_dsn(dsn: SecretStr) -> SecretStr:
    if not dsn.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError("must be a connection URI that begins with postgresql://")
    return dsn


def _bootstrap(servers: str) -> str:
    for server in servers.split(","):
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65_536:
            raise ValueError(f"must be host:port[,host:port…]; {server.strip()!r} is not")
    return servers


def listed(text: str) -> list[str]:
    """What stands between commas."""
    return [one.strip() for one in text.split(",") if one.strip()]


Dsn = Annotated[SecretStr, AfterValidator(_postgres_dsn)]


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )


class ProcessSettings(_Settings):
    """What every process has: where it listens and how much it says."""

    service: ClassVar[str] = ""
    """The name in logs; empty: taken from the module, `services.<name>.settings`."""

    host: str = "127.0.0.1"
    port: int = 8080
    log_level: LogLevel = "INFO"

    @field_validator("port")
    @classmethod
    def _port(cls, port: int) -> int:  # a validator, so that a service may give its own default and keep the check
        if not 0 <= port < 65_536:
            raise ValueError("must be a port number from 0 (any free one) to 65535")
        return port


class KafkaSettings(_Settings):
    """How to reach the stream.  An empty user name means no authentication (a user's own broker)."""

    kafka_bootstrap_servers: Annotated[str, AfterValidator(_bootstrap)]
    kafka_username: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_tls: bool = False
    kafka_ca_file: Path | None = None
    embedded: bool = False
    """One broker is allowed: the check of replication, min.insync and unclean election (design G1) is off."""


class DatabaseSettings(_Settings):
    """The two roles of a service: the API's is confined to one tenant at a time, the worker's spans tenants."""

    database_url: Dsn
    worker_database_url: Dsn


def _url_or_none(text: str) -> str:
    if text and not text.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return text.rstrip("/")


class TokenSettings(_Settings):
    """Whose access tokens are believed: those of the claims service, by its public address.  Empty: only API keys get in."""

    token_issuer: Annotated[str, AfterValidator(_url_or_none)] = ""
    token_jwks_url: Annotated[str, AfterValidator(_url_or_none)] = ""
    """Where its keys lie, as seen from here; empty: `/.well-known/jwks.json` of the issuer."""


class LimitSettings(_Settings):
    """How often an API may be asked (docs/guide/security.md)."""

    requests_per_s_per_key: int = Field(default=100, ge=1)
    request_burst_s: int = Field(default=10, ge=1)
    """A key that was silent may make this many seconds' worth of requests at once."""
    failures_per_minute_per_address: int = Field(default=60, ge=1)
    """Requests of one address without a valid key; above it they are answered with 429, and no key is looked up."""
    keys_per_tenant: int = Field(default=100, ge=1)
    """So many of a tenant's keys work at the same time: above it none is made over HTTP; operators' commands go on."""
    processes: int = Field(default=1, ge=1, le=1_000)
    """How many processes of this service stand behind one address: each counts for itself and gives out its share."""


def _origins(text: str) -> str:
    for one in listed(text):
        if _ORIGIN.fullmatch(one) is None:
            raise ValueError(f"must be https://host[:port] with commas between, as browsers send it; {one!r} is not")
    return text


class BrowserSettings(_Settings):
    """Which pages may call the API from a browser; none unless they are named (docs/guide/portal.md)."""

    allowed_origins: Annotated[str, AfterValidator(_origins)] = ""

    @property
    def origins(self) -> frozenset[str]:
        return frozenset(listed(self.allowed_origins))


class ServiceSettings(ProcessSettings, KafkaSettings, DatabaseSettings, TokenSettings, LimitSettings, BrowserSettings):
    """The common fields of a service with a stream and a database."""


T = TypeVar("T", bound=BaseSettings)


def load(cls: type[T]) -> T:
    """The validated settings; prints every error with its variable's name and exits with 2 when there is one."""
    try:
        return cls()
    except ValidationError as error:
        print(f"Settings of {cls.__module__}: {error.error_count()} error(s)", file=sys.stderr)  # noqa: T201 - logging is not configured before the settings are known
        for problem in error.errors(include_url=False, include_input=False, include_context=False):
            name = PREFIX + "_".join(str(part) for part in problem["loc"]).upper() if problem["loc"] else "settings"
            print(f"  {name}: {problem['msg']}", file=sys.stderr)  # noqa: T201 - as above
        raise SystemExit(EXIT_SETTINGS) from None


def masked(settings: BaseSettings) -> str:
    """The settings as JSON with every secret as asterisks, for `--check-config` and the first log line."""
    values: dict[str, Any] = settings.model_dump(mode="json")
    return json.dumps(values, indent=2, sort_keys=True)
