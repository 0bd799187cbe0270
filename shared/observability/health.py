"""Health that tells the truth: `/healthz` fails when a loop has stopped coming round, `/readyz` until all can work.

A consumer can hang after a broker's restart without any error (its library has no public signal), so liveness is our
own: the age of each loop's last completed round.
"""

import time
from collections.abc import Callable

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.observability.metrics import LOOP_AGE

STALE_AFTER_S = 30.0


class Health:
    """What the process knows about itself.  `beat` from loops, `wait_for`/`done` or `check` for readiness."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._beats: dict[str, tuple[float, float]] = {}
        self._waiting: dict[str, str] = {}
        self._checks: dict[str, Callable[[], str | None]] = {}

    def beat(self, loop: str, *, stale_after_s: float = STALE_AFTER_S) -> None:
        """A round of `loop` is complete; the next is due within `stale_after_s` seconds."""
        self._beats[loop] = (self._now(), stale_after_s)

    def forget(self, loop: str) -> None:
        """The loop has ended on purpose."""
        self._beats.pop(loop, None)

    def wait_for(self, name: str, reason: str) -> None:
        """Not ready until `done(name)`: `reason` is shown on `/readyz`."""
        self._waiting[name] = reason

    def done(self, name: str) -> None:
        self._waiting.pop(name, None)

    def check(self, name: str, probe: Callable[[], str | None]) -> None:
        """`probe` is asked on every `/readyz`: None when ready, else the reason.  It must not block."""
        self._checks[name] = probe

    def stale(self) -> list[str]:
        """Loops that are overdue, with their silence in seconds."""
        now = self._now()
        overdue = []
        for loop, (at, limit) in self._beats.items():
            LOOP_AGE.labels(loop).set(now - at)
            if now - at > limit:
                overdue.append(f"{loop}: no round for {now - at:.0f} s (limit {limit:.0f} s)")
        return overdue

    def reasons(self) -> list[str]:
        """Why the process can't do its work now; empty when it can."""
        probed = ((name, probe()) for name, probe in self._checks.items())
        waiting = [f"{name}: {reason}" for name, reason in self._waiting.items()]
        return waiting + [f"{name}: {reason}" for name, reason in probed if reason is not None] + self.stale()


def install(app: FastAPI, health: Health) -> None:
    """Add `/healthz`, `/readyz` and `/metrics`, the only routes that need no key."""

    async def healthz() -> JSONResponse:
        stale = health.stale()
        return JSONResponse({"alive": not stale, "reasons": stale}, status_code=503 if stale else 200)

    async def readyz() -> JSONResponse:
        reasons = health.reasons()
        return JSONResponse({"ready": not reasons, "reasons": reasons}, status_code=503 if reasons else 200)

    async def metrics() -> Response:
        health.stale()
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    for path, endpoint in (("/healthz", healthz), ("/readyz", readyz), ("/metrics", metrics)):
        app.add_api_route(path, endpoint, methods=["GET"], include_in_schema=False, response_model=None)
