"""A whole stack with the sample fleet in it, and keys of that fleet: what schemathesis is let loose on."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from rich.console import Console

from deploy.demo.run import access, install_roads, run
from deploy.demo.sources import sample_job
from deploy.embedded.info import StackInfo
from deploy.embedded.stack import Stack
from shared.db import api_keys
from shared.db.pool import lone_tx
from shared.http.auth import OPERATOR

OPERATORS = "/v1/ops/"
NO_LIMITS = {"RUCOR_REQUESTS_PER_S_PER_KEY": "100000", "RUCOR_FAILURES_PER_MINUTE_PER_ADDRESS": "1000000"}
"""Else most answers would be 429: one address sends thousands of requests, many of them without a key."""


@dataclass(frozen=True)
class Target:
    """One API and who asks it."""

    name: str
    document: str
    """Address of its OpenAPI document."""
    bearer: str
    only: str = ""
    """Regular expression of paths; empty: all but the operators'."""


@dataclass(frozen=True)
class World:
    info: StackInfo
    targets: dict[str, Target]

    def faults(self) -> list[str]:
        """What services wrote about requests that failed inside, whatever was answered."""
        found = []
        for name in self.info.urls:
            for line in (Path(self.info.data_dir) / "logs" / f"{name}.log").read_text(errors="replace").splitlines():
                if '"request failed"' in line or '"background task ended"' in line:
                    found.append(f"{name}: {line[:2_000]}")
        return found


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Started, filled by the demo's own job, stopped."""
    with (folder / "demo.log").open("w") as log:
        yield from _filled(folder, Console(file=log, width=150))


def _filled(folder: Path, console: Console) -> Iterator[World]:
    data = folder / "var"
    stack = Stack(data, port_base=None, log=lambda line: console.print(line, markup=False))
    data.mkdir(mode=0o700, parents=True)
    job = sample_job(data, None)
    install_roads(data, job, console)
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in NO_LIMITS.items():
                patch.setenv(name, value)
            info = stack.start()
        assert run(info, job, folder / "out", console) == 0, (folder / "demo.log").read_text()[-4_000:]
        yield World(info, asyncio.run(_targets(info, UUID(access(info, job).tenant_id))))
    finally:
        stack.stop()


async def _targets(info: StackInfo, tenant: UUID) -> dict[str, Target]:
    found = {}
    for name in ("claims", "ingest", "classifier"):
        document = f"{info.urls[name]}/openapi.json"
        scopes = _scopes(document)
        own = [scope for scope in scopes if not scope.startswith("ops:")]
        found[name] = Target(name, document, await _key(info, name, tenant, own))
        if len(own) < len(scopes):
            bearer = await _key(info, name, OPERATOR, scopes)
            found[f"{name}-ops"] = Target(f"{name}-ops", document, bearer, f"^{OPERATORS}")
    found["pdf"] = Target("pdf", f"{info.urls['pdf']}/openapi.json", info.tokens["pdf"])
    return found


async def _key(info: StackInfo, service: str, tenant: UUID, scopes: list[str]) -> str:
    async with lone_tx(info.dsns[service]["worker"], name="rucor-fuzz") as conn:
        return await api_keys.issue_key(conn, tenant, "fuzz", scopes)


def _scopes(document: str) -> list[str]:
    """Every scope that any operation wants."""
    paths = httpx.get(document, trust_env=False).json()["paths"]
    operations = [operation for item in paths.values() for operation in item.values()]
    needs = [scopes for one in operations for need in one["security"] for scopes in need.values()]
    return sorted({scope for scopes in needs for scope in scopes})
