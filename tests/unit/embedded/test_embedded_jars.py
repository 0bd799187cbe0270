"""The locked class path: nothing unverified gets onto it."""

import gc
import hashlib
import threading
import warnings
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.embedded import jars
from deploy.embedded.errors import StackError
from deploy.embedded.jars import Jar

CONTENT = b"a jar, as far as this test goes"
REAL = hashlib.sha256(CONTENT).hexdigest()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def library_leaks() -> Iterator[None]:
    """jgo leaves the connection of a refused download to the garbage collector; here, not in some later test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small registry on loopback that serves one jar; yields its file."""
    file = tmp_path / "registry/org/example/part/1.0/part-1.0.jar"
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path / "registry")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv(jars.MIRROR_VARIABLE, f"http://127.0.0.1:{server.server_port}/")
    yield file
    server.shutdown()
    thread.join()
    server.server_close()


def silent(_: str) -> None:
    pass


def test_the_lock_names_every_jar_of_the_broker_with_its_hash() -> None:
    locked = jars.read_lock()
    assert len(locked) == 46
    assert len({jar.coordinate for jar in locked}) == 46
    assert all(len(jar.sha256) == 64 and int(jar.sha256, 16) for jar in locked)
    assert jars.kafka_version(locked) == "4.3.1"
    clients = [jar.version for jar in locked if jar.artifact == "kafka-clients"]
    assert clients == ["4.3.1"]  # not 3.9.1, which a resolver of the tree picks and the broker dies with


def test_a_jar_is_fetched_once_and_then_taken_from_the_cache(mirror: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    jar = Jar("org.example", "part", "1.0", REAL)
    [path] = jars.class_path([jar], cache, silent)
    assert path.read_bytes() == CONTENT
    mirror.unlink()
    assert jars.class_path([jar], cache, silent) == [path]
    assert [entry.name for entry in cache.iterdir()] == [REAL[:16]]


def test_a_jar_with_the_wrong_hash_is_refused(mirror: Path, tmp_path: Path) -> None:
    mirror.write_bytes(CONTENT + b", changed on the way")
    with pytest.raises(StackError, match="wrong hash") as refused:
        jars.class_path([Jar("org.example", "part", "1.0", REAL)], tmp_path / "cache", silent)
    assert "org.example:part:1.0" in str(refused.value)
    assert REAL in str(refused.value)
    assert not list((tmp_path / "cache").rglob("*.jar"))


def test_a_jar_damaged_in_the_cache_is_fetched_again(mirror: Path, tmp_path: Path) -> None:
    jar = Jar("org.example", "part", "1.0", REAL)
    [path] = jars.class_path([jar], tmp_path / "cache", silent)
    path.write_bytes(b"rotten")
    [again] = jars.class_path([jar], tmp_path / "cache", silent)
    assert again.read_bytes() == CONTENT


def test_a_registry_out_of_reach_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(jars.MIRROR_VARIABLE, "http://127.0.0.1:1")
    with pytest.raises(StackError, match=r"Cannot fetch org\.example:part:1\.0") as refused:
        jars.class_path([Jar("org.example", "part", "1.0", REAL)], tmp_path / "cache", silent)
    assert "HTTPS_PROXY" in str(refused.value)
    assert str(tmp_path / "cache") in str(refused.value)


def test_a_jar_the_registry_lacks_is_named(mirror: Path, tmp_path: Path) -> None:
    assert mirror.exists()
    with pytest.raises(StackError, match=r"Cannot fetch org\.example:other:2\.0"):
        jars.class_path([Jar("org.example", "other", "2.0", REAL)], tmp_path / "cache", silent)
