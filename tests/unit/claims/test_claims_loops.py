"""The service's loops: one row that breaks stops nobody else's work."""

import asyncio

import pytest

from services.claims.loops import work_loop
from shared.errors import Fatal
from shared.observability.health import Health


async def test_a_job_that_breaks_is_left_and_the_loop_goes_on() -> None:
    jobs = ["broken", "whole"]
    done = asyncio.Event()

    async def next_one() -> bool:
        if not jobs:
            return False
        if (job := jobs.pop(0)) == "broken":
            raise Fatal("the snapshot is not what was lodged")
        assert job == "whole"
        done.set()
        return True

    loop = asyncio.create_task(work_loop("render", next_one, Health(), 60.0))
    await asyncio.wait({loop, asyncio.create_task(done.wait())}, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    assert done.is_set()
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop
