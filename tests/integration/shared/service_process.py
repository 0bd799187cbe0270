"""A service as small as can be, for the tests of the runtime: `argv[1]` says how its background loop behaves."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from fastapi import FastAPI
from pydantic import SecretStr

from shared.errors import Retryable
from shared.observability.health import Health
from shared.runtime import main, serve
from shared.settings import ProcessSettings


class Settings(ProcessSettings):
    behaviour: str = "steady"
    token: SecretStr = SecretStr("tokensecret")


async def build(settings: Settings) -> int:
    app = FastAPI()
    health = Health()
    work: asyncio.Queue[asyncio.Future[str]] = asyncio.Queue()

    @app.get("/slow")
    async def slow() -> str:
        waiting: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        await work.put(waiting)
        return await waiting

    async def loop() -> None:
        try:
            while True:
                health.beat("loop")
                waiting = await work.get()
                await asyncio.sleep(1)  # the request waits for this loop, also while the process drains
                waiting.set_result("done")
                if settings.behaviour == "fails":
                    raise RuntimeError("the loop broke")
                if settings.behaviour == "ends":
                    return
        finally:
            print("loop closed", flush=True)

    if settings.behaviour == "away":
        raise Retryable("Kafka does not answer at 127.0.0.1:1")
    return await serve(app, settings, [("loop", loop)], health=health)


if __name__ == "__main__":
    main(Settings, build)
