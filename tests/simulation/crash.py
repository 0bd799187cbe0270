"""A crash at a chosen await: everything before it has happened, everything after it has not."""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Crash(Exception):
    """The process is gone."""


class CrashAt(Generic[T]):
    """Awaits a coroutine; when it has been suspended for the `at`-th time, it wakes up with `Crash`.

    `awaits` says how often it was suspended in all, so that a test can try every place."""

    def __init__(self, coroutine: Coroutine[Any, Any, T], at: int | None) -> None:
        self._coroutine = coroutine
        self._at = at
        self.awaits = 0

    def __await__(self) -> Generator[Any, Any, T]:
        inner = self._coroutine.__await__()
        try:
            waiting = next(inner)
            while True:
                self.awaits += 1
                try:
                    answer = yield waiting
                except BaseException as error:
                    waiting = inner.throw(error)
                    continue
                waiting = inner.throw(Crash()) if self.awaits == self._at else inner.send(answer)
        except StopIteration as done:
            return done.value


class MeetAt(Generic[T]):
    """Awaits a coroutine; at its `at`-th suspension another one starts and gets `alone_s` before the first goes on.

    What waits for a lock of the first one goes on beside it, so it is a task: `met`, None when `at` was never reached."""

    def __init__(
        self, coroutine: Coroutine[Any, Any, T], at: int, other: Coroutine[Any, Any, None], *, alone_s: float = 0.05
    ) -> None:
        self._coroutine = coroutine
        self._at = at
        self._other = other
        self._alone_s = alone_s
        self.awaits = 0
        self.met: asyncio.Task[None] | None = None

    def __await__(self) -> Generator[Any, Any, T]:
        inner = self._coroutine.__await__()
        try:
            waiting = next(inner)
            while True:
                self.awaits += 1
                if self.awaits == self._at:
                    self.met = asyncio.create_task(self._other)
                    yield from asyncio.wait({self.met}, timeout=self._alone_s).__await__()
                try:
                    answer = yield waiting
                except BaseException as error:
                    waiting = inner.throw(error)
                    continue
                waiting = inner.send(answer)
        except StopIteration as done:
            return done.value
        finally:
            if self.met is None:
                self._other.close()
