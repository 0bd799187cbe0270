"""One stack on one data folder: Kafka and Postgres from packages (or the user's own), migrations, topics, services.

<data>/                 0700; may be moved while stopped
  secrets.json          passwords and keys (0600)
  ports.json            Kafka's and Postgres' ports, kept while they are free
  format.json           which versions wrote the folder
  kafka/  postgres/     their data
  roads/                road data sets
  identity/             accounts and key of the stack's own OpenID provider (0600)
  logs/<part>.log
  run/                  rendered at every start: configurations, pid records
  stack.json            how to reach the running stack (0600); gone after a clean stop
"""

import dataclasses
import errno
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, TextIO

from deploy.embedded import credentials, info, jars, ports, preflight
from deploy.embedded.children import Spec, write_private
from deploy.embedded.credentials import Credentials
from deploy.embedded.errors import StackError
from deploy.embedded.info import StackInfo
from deploy.embedded.kafka import Kafka
from deploy.embedded.parts import KafkaPart, Part, PostgresPart, Say, ServicePart, run_async
from deploy.embedded.postgres import Postgres
from deploy.embedded.prepare import prepare
from deploy.embedded.supervisor import RESTARTS_MAX, Supervisor

SERVICES: Final = ("ingest", "classifier", "claims", "pdf", "identity")
"""The last is the stack's own OpenID provider; RUCOR_OIDC_ISSUER names another in its place."""
_MODULES: Final = {"identity": "deploy.embedded.identity.main"}
DEFAULT_PORT_BASE: Final = 8081
LOOK_S: Final = 0.5
_TOLD: Final = (
    "FORWARDED_ALLOW_IPS", "RUCOR_ALLOWED_ORIGINS", "RUCOR_BACKFILL_AGE_H", "RUCOR_BURST_S", "RUCOR_CLOCK_AHEAD_S_MAX",
    "RUCOR_COMPACT_DELAY_S", "RUCOR_COMPACT_QUIET_S", "RUCOR_FAILURES_PER_MINUTE_PER_ADDRESS", "RUCOR_FIX_AGE_DAYS_MAX",
    "RUCOR_IDENTITY_REDIRECTS", "RUCOR_IN_FLIGHT_BYTES_MAX", "RUCOR_KEYS_PER_TENANT", "RUCOR_LOG_LEVEL",
    "RUCOR_OIDC_AUDIENCE", "RUCOR_OIDC_ISSUER",
    "RUCOR_PINGS_PER_S_PER_KEY", "RUCOR_PROCESSES", "RUCOR_QUARANTINE_ROWS_PER_HOUR", "RUCOR_REQUESTS_PER_S_PER_KEY",
    "RUCOR_REQUEST_BURST_S", "RUCOR_WEBHOOK_LOCAL_HOSTS",
)  # fmt: skip
"""Settings that a user of `rucor up` may have services read from its environment: no secret, no address of the stack's own."""
_ROOT: Final = Path(__file__).resolve().parents[2]


class Stack:
    """The supervisor's view of one data folder.  `start`, then `run_forever` or your own work, then `stop`."""

    def __init__(
        self,
        data_dir: Path,
        *,
        port_base: int | None = DEFAULT_PORT_BASE,
        services: Sequence[str] = SERVICES,
        log: Say = print,
        disk_floor_bytes: int = preflight.DISK_FLOOR_BYTES,
        jar_lock: Path = jars.LOCK_FILE,
        restarts_max: int = RESTARTS_MAX,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self._port_base = port_base
        own = not os.environ.get("RUCOR_OIDC_ISSUER")
        self._services = tuple(name for name in services if own or name != "identity")
        self._say = log
        self._disk_floor_bytes = disk_floor_bytes
        self._jar_lock = jar_lock
        self._supervisor = Supervisor(log, restarts_max)
        self._lock: TextIO | None = None
        self._postgres: Postgres | None = None
        self._info: StackInfo | None = None

    def start(self) -> StackInfo:
        """Everything up, migrated and answering.  StackError says what to do; whatever had started is stopped again."""
        try:
            return self._start()
        except OSError as error:
            self.stop()
            full = error.errno == errno.ENOSPC
            raise StackError(f"The disk is full: {error}." if full else f"The stack cannot start: {error}") from error
        except BaseException:
            self.stop()
            raise

    def _start(self) -> StackInfo:
        self._lock = preflight.open_data_dir(self.data_dir)
        preflight.check_free_space(self.data_dir, self._disk_floor_bytes)
        if "pdf" in self._services:
            preflight.check_pdf_libraries()
        preflight.check_format(self.data_dir, jars.kafka_version(jars.read_lock(self._jar_lock)))
        for name in ("logs", "run", "roads"):
            (self.data_dir / name).mkdir(mode=0o700, exist_ok=True)
        secrets = credentials.load_or_create(self.data_dir)
        service_ports = ports.service_ports({name: SERVICES.index(name) for name in self._services}, self._port_base)
        infrastructure, reach = self._infrastructure(secrets, service_ports)
        self._supervisor.start(infrastructure)
        run_async(lambda: prepare(reach, secrets.roles, self._say))
        self._info = reach
        self._supervisor.start([self._service(name, service_ports[name]) for name in self._services])
        self._publish()
        self._supervisor.on_restart = self._publish
        self._supervisor.watch()
        return self.info

    @property
    def info(self) -> StackInfo:
        """How to reach it, with the process ids of this moment."""
        if self._info is None:
            raise StackError("The stack has not been started.")
        return dataclasses.replace(self._info, pids=self._supervisor.pids())

    def stop(self) -> None:
        """Services first, then Kafka and Postgres, cleanly.  Twice is fine."""
        self._supervisor.stop()
        if self._postgres is not None:
            self._postgres.remove_socket_folder()
        if self._lock is not None:
            (self.data_dir / "stack.json").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def run_forever(self) -> None:
        """Wait until a part cannot be kept alive: everything has been stopped then, and StackError shows its log's tail."""
        while not self._supervisor.ended.wait(LOOK_S):  # short waits, so that signals are heard everywhere
            pass
        if self._supervisor.failure is not None:
            raise self._supervisor.failure

    def _infrastructure(self, secrets: Credentials, service_ports: Mapping[str, int]) -> tuple[list[Part], StackInfo]:
        """The embedded servers, less those a user replaces by KAFKA_BOOTSTRAP_SERVERS or DATABASE_URL."""
        parts: list[Part] = []
        run, logs = self.data_dir / "run", self.data_dir / "logs"
        kept = ports.kept_ports(self.data_dir, ("kafka", "controller", "postgres"))
        foreign_kafka, foreign_database = os.environ.get("KAFKA_BOOTSTRAP_SERVERS"), os.environ.get("DATABASE_URL")
        if foreign_kafka:
            self._say(f"kafka: using KAFKA_BOOTSTRAP_SERVERS ({foreign_kafka}) instead of the embedded broker")
            bootstrap, users = foreign_kafka, _foreign_users()
        else:
            kafka = Kafka(
                data=self.data_dir / "kafka", run=run, log=logs / "kafka.log", cache=jars.cache_dir(), lock=self._jar_lock,
                clients_port=kept["kafka"], controller_port=kept["controller"], credentials=secrets,
            )  # fmt: skip
            bootstrap, users = kafka.bootstrap, secrets.kafka
            parts.append(KafkaPart(kafka))
        if foreign_database:
            self._say(
                f"postgres: using DATABASE_URL ({foreign_database.rpartition('@')[2]}) instead of the embedded server"
            )
            superuser_dsn = foreign_database
        else:
            self._postgres = Postgres(
                data=self.data_dir / "postgres", run=run, log=logs / "postgres.log", port=kept["postgres"],
                password=secrets.postgres_superuser,
            )  # fmt: skip
            superuser_dsn = self._postgres.superuser_dsn
            parts.append(PostgresPart(self._postgres))
        reach = StackInfo(
            urls={name: f"http://127.0.0.1:{port}" for name, port in service_ports.items()},
            kafka_bootstrap=bootstrap,
            kafka_users=users,
            kafka_embedded=not foreign_kafka,
            postgres_embedded=not foreign_database,
            dsns=info.role_dsns(superuser_dsn, secrets),
            superuser_dsn=superuser_dsn,
            tokens=secrets.tokens,
            keys={
                "bank": secrets.bank_key,
                "bank_old": ",".join(secrets.bank_keys_old),
                "licence_hash": secrets.licence_hash_key,
                "token": secrets.token_keys,
            },
            data_dir=str(self.data_dir),
            pids={},
        )
        return parts, reach

    def _service(self, name: str, port: int) -> ServicePart:
        spec = Spec(
            name=name,
            argv=[sys.executable, "-m", _MODULES.get(name, f"services.{name}.main")],
            cwd=_ROOT,
            log=self.data_dir / "logs" / f"{name}.log",
            record=self.data_dir / "run" / f"{name}.pid.json",
            env={"PYTHONUNBUFFERED": "1"} | self.info.environment(name, port=port) | overrides(),
        )
        return ServicePart(name, spec, port)

    def _publish(self) -> None:
        write_private(self.data_dir / info.FILE, self.info.as_json())


def _foreign_users() -> dict[str, str]:
    """A user's own broker: one login for all services, or none."""
    user = os.environ.get("KAFKA_USERNAME", "")
    return {user: os.environ.get("KAFKA_PASSWORD", "")} if user else {}


def overrides() -> dict[str, str]:
    """What a user may tell all services through the environment of `rucor up`."""
    return {name: os.environ[name] for name in _TOLD if name in os.environ}
