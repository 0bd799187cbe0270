"""Keeps the parts running: starts them in order, restarts a dead or hung one with bounded back-off, stops them all."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from deploy.embedded.children import Child, end_leftover
from deploy.embedded.errors import StackError
from deploy.embedded.parts import ChildEnded, Part, Say, ServicePart, Stopped, ended, wait_until_ready
from deploy.embedded.postgres import SHARED_MEMORY_IN_USE

RESTARTS_MAX: Final = 5
RESTARTS_WINDOW_S: Final = 60.0
BACK_OFF_FIRST_S: Final = 0.1
BACK_OFF_MAX_S: Final = 5.0
_WATCH_EVERY_S: Final = 0.1
_HEALTH_EVERY_S: Final = 5.0
HEALTH_FAILURES_MAX: Final = 6
_SHARED_MEMORY_PATIENCE_S: Final = 20.0
_HEALTH_ANSWER_S: Final = 2.0


class Supervisor:
    """Parts are given in start order; they stop in the opposite one.  Thread-safe where a method says so."""

    def __init__(self, say: Say, restarts_max: int = RESTARTS_MAX) -> None:
        self._say = say
        self._restarts_max = restarts_max
        self._parts: list[Part] = []
        self._children: dict[str, Child] = {}
        self._restarts: dict[str, list[float]] = {}
        self._unhealthy: dict[str, int] = {}
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None
        self.failure: StackError | None = None
        self.ended = threading.Event()
        """Set once the watcher has given up and everything has been stopped."""
        self.on_restart: Callable[[], None] = lambda: None

    def pids(self) -> dict[str, int]:
        """Process ids of the parts, by name (any thread)."""
        with self._lock:
            return {name: child.pid for name, child in self._children.items()}

    def start(self, parts: Sequence[Part]) -> None:
        """Start these parts at the same time, wait until all are ready.  The first failure is raised; then call `stop`."""
        failures: list[Exception] = []

        def target(part: Part) -> None:
            try:
                self._start_one(part)
            except Exception as error:  # noqa: BLE001 - raised below, in the caller's thread
                failures.append(error)
                self._stopping.set()  # the others need not wait any longer

        with self._lock:
            self._parts += parts
        threads = [threading.Thread(target=target, args=(part,), name=f"rucor-start-{part.name}") for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def watch(self) -> None:
        """Begin to restart what dies."""
        self._watcher = threading.Thread(target=self._watch, name="rucor-watch", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """Stop watching, then every part, the last started first (any thread; twice is fine)."""
        self._stopping.set()
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join()
        self._stop_children()

    def _stop_children(self) -> None:
        services = [part.name for part in self._parts if isinstance(part, ServicePart)]
        others = [part.name for part in reversed(self._parts) if not isinstance(part, ServicePart)]
        for names in (services, others):  # services together first: they write their last to Kafka and Postgres
            threads = [
                threading.Thread(target=self._stop_one, args=(name,), name=f"rucor-stop-{name}") for name in names
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def _stop_one(self, name: str) -> None:
        with self._lock:
            child = self._children.pop(name, None)
        if child is not None:
            begin = time.monotonic()
            child.stop()
            self._say(f"{name}: stopped after {time.monotonic() - begin:.1f} s")

    def _spawn(self, part: Part) -> Child:
        spec = part.prepare(self._say)
        with self._lock:
            if self._stopping.is_set():
                raise Stopped
            child = self._children[part.name] = Child.start(spec)
        return child

    def _start_one(self, part: Part) -> None:
        end_leftover(part.record, part.stop_signal, self._say)
        give_up_at = time.monotonic() + _SHARED_MEMORY_PATIENCE_S
        while True:
            child = self._spawn(part)
            try:
                wait_until_ready(part, child, self._say, self._stopping)
            except ChildEnded as error:
                # Backends of a killed server hold its shared memory until they notice: a matter of a second or two.
                if SHARED_MEMORY_IN_USE not in str(error) or time.monotonic() > give_up_at:
                    raise
                self._say(f"{part.name}: processes of the killed server are still ending; trying again")
                if self._stopping.wait(0.5):
                    raise Stopped from None
            else:
                return

    def _watch(self) -> None:
        next_health = time.monotonic() + _HEALTH_EVERY_S
        try:
            while not self._stopping.wait(_WATCH_EVERY_S):
                for part in list(self._parts):  # infrastructure first: services need it to come back
                    code = self._children[part.name].exit_code()
                    if code is not None:
                        self._heal(part, ended(part.name, self._children[part.name], code))
                if time.monotonic() > next_health:
                    self._check_health()
                    next_health = time.monotonic() + _HEALTH_EVERY_S
        except Stopped:
            return
        except Exception as error:  # noqa: BLE001 - whatever it was, nobody watches any more: stop all and tell
            self.failure = error if isinstance(error, StackError) else StackError(f"The supervisor failed: {error!r}")
            self._stopping.set()
            self._stop_children()
            self.ended.set()

    def _heal(self, part: Part, why: ChildEnded) -> None:
        """Restart a part after its back-off; the budget spent, raise StackError with the tail of its log."""
        while True:
            now = time.monotonic()
            recent = [at for at in self._restarts.get(part.name, []) if now - at < RESTARTS_WINDOW_S]
            if len(recent) >= self._restarts_max:
                raise StackError(f"{part.name} was restarted {len(recent)} times in a minute; giving up.  {why}")
            self._restarts[part.name] = [*recent, now]
            self._children[part.name].kill()  # what is left of its process group
            self._say(
                f"{str(why).splitlines()[0].split('  ')[0]}  Restarting it ({len(recent) + 1} of {self._restarts_max})"
            )
            if self._stopping.wait(back_off_s(len(recent))):
                raise Stopped
            try:
                if isinstance(part, ServicePart):
                    self._spawn(part)  # its health is checked by and by: waiting here would leave Kafka unwatched
                else:
                    self._start_one(part)
            except ChildEnded as error:
                why = error
                continue
            self.on_restart()
            return

    def _check_health(self) -> None:
        """Kill a service that has not answered `/healthz` for half a minute: it hangs; then it is restarted like a dead one."""
        for part in self._parts:
            if not isinstance(part, ServicePart):
                continue
            healthy = part.is_ready(_HEALTH_ANSWER_S)
            self._unhealthy[part.name] = 0 if healthy else self._unhealthy.get(part.name, 0) + 1
            if self._unhealthy[part.name] >= HEALTH_FAILURES_MAX:
                self._unhealthy[part.name] = 0
                self._say(
                    f"{part.name}: alive but not healthy for {HEALTH_FAILURES_MAX * _HEALTH_EVERY_S:.0f} s; killing it"
                )
                self._children[part.name].kill()


def back_off_s(restarts: int) -> float:
    """How long to wait before the next restart after `restarts` in the window: 0.1, 0.2, 0.4 … 5 s."""
    return min(BACK_OFF_FIRST_S * 2.0**restarts, BACK_OFF_MAX_S)
