"""The broker's class path: every jar named with its hash in `kafka.lock`, fetched once into a per-user cache."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Final, NamedTuple

from deploy.embedded.errors import StackError

LOCK_FILE: Final = Path(__file__).with_name("kafka.lock")
_FETCHERS: Final = 8
_FETCH_TIMEOUT_S: Final = 30
MIRROR_VARIABLE: Final = "RUCOR_MAVEN_MIRROR"


class Jar(NamedTuple):
    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def coordinate(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"

    def path_in(self, cache: Path) -> Path:
        """Where the cache keeps it.  The hash is in the path, so two checkouts with different locks share one cache."""
        return cache / self.sha256[:16] / f"{self.artifact}-{self.version}.jar"


def cache_dir() -> Path:
    """`$XDG_CACHE_HOME/rucor/jars`, by default under `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "rucor" / "jars"


def read_lock(path: Path = LOCK_FILE) -> list[Jar]:
    """The lock's jars in its order.  ValueError on a line that is not `group:artifact:version sha256`."""
    jars = []
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            coordinate, sha256 = line.split()
            group, artifact, version = coordinate.split(":")
            jars.append(Jar(group, artifact, version, sha256))
    return jars


def kafka_version(jars: Sequence[Jar]) -> str:
    """The broker's version, from the lock."""
    return next(jar.version for jar in jars if jar.artifact == "kafka-server")


def class_path(jars: Sequence[Jar], cache: Path, say: Callable[[str], None]) -> list[Path]:
    """Paths of all jars, each hash checked just now; missing ones are fetched first.  StackError says what to do."""
    cache.mkdir(parents=True, exist_ok=True)
    missing = [jar for jar in jars if not _is_whole(jar, cache)]
    if missing:
        say(f"Kafka: fetching {len(missing)} of {len(jars)} jars (once; kept in {cache})")
        _fetch_all(missing, cache, say)
    return [jar.path_in(cache) for jar in jars]


def _is_whole(jar: Jar, cache: Path) -> bool:
    path = jar.path_in(cache)
    return path.is_file() and _sha256(path) == jar.sha256


def _fetch_all(missing: Sequence[Jar], cache: Path, say: Callable[[str], None]) -> None:
    with tempfile.TemporaryDirectory(dir=cache, prefix="fetch-") as temporary, ThreadPoolExecutor(_FETCHERS) as pool:
        waiting = [pool.submit(_fetch, jar, cache, Path(temporary)) for jar in missing]
        try:
            for number, done in enumerate(as_completed(waiting), start=1):
                done.result()
                if number % 10 == 0 or number == len(missing):
                    say(f"Kafka: {number} of {len(missing)} jars fetched")
        except StackError:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _fetch(jar: Jar, cache: Path, temporary: Path) -> None:
    """One coordinate at a time: resolving the tree would choose other versions than Kafka was released with."""
    from jgo.maven import MavenContext

    mirror = os.environ.get(MIRROR_VARIABLE)
    context = MavenContext(
        repo_cache=temporary / jar.sha256,
        remote_repos={"mirror": mirror.rstrip("/")} if mirror else None,
        timeout=_FETCH_TIMEOUT_S,
    )
    try:
        fetched = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    except Exception as error:  # the library raises RuntimeError and whatever its HTTP client does
        raise StackError(
            f"Cannot fetch {jar.coordinate} from the Maven registry: {error}.\n"
            f"Check the network and the proxy settings (HTTPS_PROXY), or name a mirror with {MIRROR_VARIABLE}=URL.  "
            f"On a machine without a network, copy {cache} from one that has started the stack before."
        ) from error
    found = _sha256(fetched)
    if found != jar.sha256:
        raise StackError(
            f"{jar.coordinate} has the wrong hash and was not used.\n  expected {jar.sha256}\n  fetched  {found}\n"
            f"Somebody between you and the Maven registry changes files, or kafka.lock was edited: find out which."
        )
    final = jar.path_in(cache)
    final.parent.mkdir(parents=True, exist_ok=True)
    arriving = final.with_name(f".{final.name}.{os.getpid()}")
    shutil.move(fetched, arriving)
    arriving.replace(final)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
