"""The three services' databases as an operator reaches them: worker roles, and the keys that open what is sealed."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from deploy.embedded.bank_key import sealer_of
from deploy.embedded.errors import StackError
from deploy.embedded.info import FILE, StackInfo
from services.claims.application.sealing import Sealer
from shared.db.pool import Pool, open_pool

CONNECTION: Final = "rucor-privacy-cli"
TRANSACTION_MS: Final = 30_000


@dataclass(frozen=True)
class Reach:
    claims: Pool
    classifier: Pool
    ingest: Pool
    sealer: Sealer


def running(data_dir: Path) -> StackInfo:
    """Raises click.ClickException."""
    try:
        return StackInfo.read(data_dir / FILE)
    except StackError as error:
        raise click.ClickException(str(error)) from None


@asynccontextmanager
async def reach(info: StackInfo) -> AsyncIterator[Reach]:
    """Raises DatabaseUnavailable."""
    async with AsyncExitStack() as stack:
        pools: dict[str, Pool] = {}
        for service in ("claims", "classifier", "ingest"):
            dsn = info.dsns[service]["worker"]
            pools[service] = await open_pool(dsn, name=CONNECTION, size=2, transaction_ms=TRANSACTION_MS)
            stack.push_async_callback(pools[service].close)
        yield Reach(pools["claims"], pools["classifier"], pools["ingest"], sealer_of(info))
