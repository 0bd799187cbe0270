"""A relay in a process of its own, to be killed: prints `relaying` once it runs."""

import asyncio
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from shared.db.pool import open_pool
from shared.settings import KafkaSettings
from shared.stream.log import Log
from shared.stream.outbox import Relay


async def main() -> None:
    pool = await open_pool(os.environ["RELAY_DSN"], name="relay-process", size=3)
    log = await Log.open(KafkaSettings(), client="relay-process")
    print("relaying", flush=True)
    await Relay(pool, log, batch=10).run()


asyncio.run(main())
