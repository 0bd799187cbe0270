"""Health tells the truth: silent loops, waiting parts, probes."""

import httpx
from fastapi import FastAPI

from shared.observability import health as health_routes
from shared.observability.health import Health


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_loop_that_does_not_come_round_is_stale() -> None:
    clock = Clock()
    health = Health(clock)
    health.beat("consumer", stale_after_s=10)
    health.beat("outbox")
    clock.now += 11
    assert health.stale() == ["consumer: no round for 11 s (limit 10 s)"]
    health.beat("consumer", stale_after_s=10)
    assert health.stale() == []
    health.forget("outbox")
    clock.now += 9
    assert health.stale() == []


def test_readiness_lists_every_reason_until_it_is_gone() -> None:
    health = Health(Clock())
    trouble: list[str | None] = ["partition stopped"]
    health.wait_for("roads", "no data set yet")
    health.check("stream", lambda: trouble[0])
    assert health.reasons() == ["roads: no data set yet", "stream: partition stopped"]
    health.done("roads")
    trouble[0] = None
    assert health.reasons() == []


async def test_the_three_routes() -> None:
    clock, app = Clock(), FastAPI()
    health = Health(clock)
    health_routes.install(app, health)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        health.beat("loop")
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).json() == {"ready": True, "reasons": []}
        clock.now += 31
        assert (await client.get("/healthz")).status_code == 503
        unready = await client.get("/readyz")
        assert unready.status_code == 503
        assert unready.json()["reasons"] == ["loop: no round for 31 s (limit 30 s)"]
        metrics = await client.get("/metrics")
        assert 'ruc_shared_loop_beat_age_seconds{loop="loop"} 31.0' in metrics.text
    assert app.openapi()["paths"] == {}
