"""Everything that is held of a tenant, or of a person or vehicle of it, in one archive (rule RE2, Privacy Act 2020)."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from deploy.privacy.archive import Archive
from deploy.privacy.reach import Reach
from deploy.privacy.subject import Everything, Subject
from services.claims.application.sealing import place
from services.claims.repo import erasure as of_claims
from services.classifier.application import exporting
from services.classifier.application.reading import Transaction
from services.classifier.repo import erasure as of_classifier
from services.ingest.repo import erasure as of_ingest
from shared import command_log
from shared.db.pool import Connection, Pool, tenant_tx, tx

COMMANDS: Final = {True: "rucor tenants export", False: "rucor privacy export"}
"""By whether it is everything of the tenant."""
ROWS: Final = 500
FILES: Final = 5
START: Final = (0, 0)
_PACKED: Final = ("summary", "segments", "over_public")
"""Columns of the ledger that are MessagePack: given out as what they say."""
_SERVICES: Final = (("claims", of_claims), ("classifier", of_classifier), ("ingest", of_ingest))


async def export(reach: Reach, tenant: UUID, path: Path, subject: Subject | None = None, made_at: str = "") -> None:
    """Write the archive.  Each table is read in short transactions: what changes meanwhile is there as it was or as it is.

    `subject`: a person or vehicle; None: everything of the tenant."""
    about = {
        "tenant": str(tenant),
        "subject": subject.words if subject else "everything of the tenant",
        "made_at": made_at,
        "note": "One file a table, one JSON object a line. Sealed and secret columns are left out; forms and files are whole.",
    }
    wanted: Subject = subject or Everything()
    pools = {"claims": reach.claims, "classifier": reach.classifier, "ingest": reach.ingest}
    for pool in pools.values():  # in each service's audit log, before anything is read
        async with tx(pool) as conn:
            await command_log.note(conn, tenant, COMMANDS[subject is None], wanted.things)
    with Archive(path, about) as archive:
        attachments: set[str] = set()
        claims: set[str] = set()
        for service, repo in _SERVICES:
            async with tenant_tx(pools[service], tenant) as conn:
                tables = await repo.tables(conn)
            for table in tables:
                await _table(archive, pools[service], tenant, repo, (service, table), wanted, (attachments, claims))
        await _files(archive, reach, tenant, None if subject is None else attachments)
        await _forms(archive, reach, tenant, None if subject is None else claims)
        await _fixes(archive, reach, tenant, wanted)


async def _table(
    archive: Archive,
    pool: Pool,
    tenant: UUID,
    repo: Any,
    where: tuple[str, str],
    wanted: Subject,
    seen: tuple[set[str], set[str]],
) -> None:
    service, table = where
    after = START
    name = f"{service}/{table}.ndjson"
    found = False
    lines: list[bytes] = []
    while True:
        async with tenant_tx(pool, tenant) as conn:
            rows = await repo.give_rows(conn, tenant, table, after, ROWS)
        for _, body in rows:
            row = json.loads(body)
            if wanted.is_about(service, table, row):
                found = True
                seen[0].update(
                    filter(None, [row.get("attachment_id"), row.get("id") if table == "attachment" else None])
                )
                seen[1].update(filter(None, [row.get("claim_id"), row.get("id") if table == "claim" else None]))
                lines.append(json.dumps(_readable(row), ensure_ascii=False, sort_keys=True).encode() + b"\n")
        if len(rows) < ROWS:
            break
        after = rows[-1][0]
    if found:
        with archive.stream(name, f"rows of {service}.{table}") as sink:
            for line in lines:
                sink(line)


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """MessagePack columns as what they say; other bytes stay hex."""
    for name in _PACKED:
        packed = row.get(name)
        if isinstance(packed, str) and packed.startswith("\\x"):
            row[name] = json.loads(msgspec.json.encode(msgspec.msgpack.decode(bytes.fromhex(packed[2:]))))
    return row


async def _files(archive: Archive, reach: Reach, tenant: UUID, only: set[str] | None) -> None:
    after = UUID(int=0)
    while True:
        async with tenant_tx(reach.claims, tenant) as conn:
            found = await of_claims.attachments(conn, tenant, after, FILES)
        for file_id, name, sealed in found:
            if only is None or str(file_id) in only:
                plain = reach.sealer.open(sealed, place(tenant, "attachment", file_id))
                archive.add(f"files/{file_id}", plain, f"attached file {name!r}")
        if len(found) < FILES:
            return
        after = found[-1][0]


async def _forms(archive: Archive, reach: Reach, tenant: UUID, only: set[str] | None) -> None:
    async with tenant_tx(reach.claims, tenant) as conn:
        found = await of_claims.documents(conn, tenant)
    for claim_id, number, edition, sealed in found:
        if only is None or str(claim_id) in only:
            plain = reach.sealer.open(sealed, place(tenant, "document-form", claim_id))
            archive.add(f"forms/{number}-{edition}.pdf", plain, f"form of claim {number}, edition {edition}")


async def _fixes(archive: Archive, reach: Reach, tenant: UUID, wanted: Subject) -> None:
    @asynccontextmanager
    async def transaction() -> AsyncIterator[Connection]:
        async with tenant_tx(reach.classifier, tenant) as conn:
            yield conn

    async with tenant_tx(reach.classifier, tenant) as conn:
        devices = await of_classifier.devices(conn, tenant)
    for i, (device, first, last) in enumerate(devices):
        for from_day, to_day in wanted.days_of(device, first, last):
            name = f"fixes/{i}-{from_day}.ndjson"
            with archive.stream(name, f"positions of device {device!r}, as it sent them") as sink:
                await _stream(sink, transaction, (str(tenant), device), from_day, to_day)


async def _stream(
    sink: Callable[[bytes], None], transaction: Transaction, key: tuple[str, str], first: int, last: int
) -> None:
    async for lines in exporting.export(transaction, key, first, last):
        sink(lines)
