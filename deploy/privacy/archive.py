"""A zip that says what is in it: each file with its number of rows and its SHA-256 in `index.json`."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

INDEX: Final = "index.json"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


class Archive:
    """Written to a file that only its owner reads, which has its name once it is whole."""

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        self._path = path
        self._about = about
        self._files: list[dict[str, Any]] = []
        self._part = path.with_name(f".{path.name}.part")

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._part.unlink(missing_ok=True)
        descriptor = os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "w+b")
        self._zip = ZipFile(self._file, "w", ZIP_DEFLATED)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if kind is None:
            index = json.dumps(self._about | {"files": self._files}, indent=2, ensure_ascii=False).encode()
            self._zip.writestr(self._info(INDEX), index)
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        if kind is None:
            self._part.replace(self._path)
        else:
            self._part.unlink(missing_ok=True)

    def add(self, name: str, content: bytes, what: str) -> None:
        with self.stream(name, what) as sink:
            sink(content)

    @contextmanager
    def stream(self, name: str, what: str) -> Iterator[Callable[[bytes], None]]:
        """What takes the file's bytes, piece by piece; lines are counted as rows."""
        digest, size, rows = sha256(), 0, 0
        with self._zip.open(self._info(name), "w", force_zip64=True) as file:

            def sink(content: bytes) -> None:
                nonlocal size, rows
                file.write(content)
                digest.update(content)
                size += len(content)
                rows += content.count(b"\n")

            yield sink
        entry: dict[str, Any] = {"name": name, "what": what, "bytes": size, "sha256": digest.hexdigest()}
        self._files.append(entry | ({"rows": rows} if name.endswith(".ndjson") else {}))

    def _info(self, name: str) -> ZipInfo:
        info = ZipInfo(name, _EPOCH)
        info.compress_type = ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        return info


def sha256_of(path: Path) -> bytes:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.digest()
