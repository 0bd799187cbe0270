"""Spreadsheets into the register: CSV, line by line through the same bodies and use cases as single POSTs."""

import asyncio
from dataclasses import replace
from functools import partial
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from services.claims.api.context import Context, Ctx, command, commands_of, replayed
from services.claims.api.imports.import_files import CsvLine, read_csv
from services.claims.api.imports.import_kinds import KINDS, ImportKind
from services.claims.api.imports.import_lines import check_header, import_lines
from services.claims.api.imports.import_schemas import ImportAnswer, ImportLineAnswer
from services.claims.api.people.people_routes import SCOPE as PEOPLE_SCOPE
from services.claims.application.claim.review_claim import put_down
from services.claims.application.claim.review_vehicles import review_put_down, review_vehicles
from services.claims.application.webhooks.tell import tell
from shared.db.pool import Connection, last_longer, past_rivals, tenant_tx
from shared.http.auth import Principal
from shared.http.guards import NEEDED, require
from shared.http.problems import Problem

PATH: Final = "/imports"
CSV: Final = "text/csv"
CHUNK_LINES: Final = 200
"""A transaction of an import that is not atomic: a second or so, so that nobody waits long for its locks."""
WHOLE_MS_MAX: Final = 180_000
"""A dry run or an atomic import is one transaction: 20,000 lines take half a minute."""
KindName = Literal[
    "people",
    "claimants",
    "vehicles",
    "plates",
    "devices",
    "couplings",
    "recorders",
    "readings",
    "licences",
    "claimed-outside",
]
_FILE: Final = {"schema": {"type": "string", "description": "UTF-8; the first line names the columns"}}

router = APIRouter(tags=["imports"])


_people, _others = require(PEOPLE_SCOPE), require("claims:write")


async def _importer(request: Request) -> Principal:
    """Who may make such things one by one may import them.  Asked before anything is said of the kind."""
    return await (_people if request.path_params["kind"] == "people" else _others)(request)


NEEDED[_importer] = "claims:write"


class _Undo(Exception):
    def __init__(self, report: list[ImportLineAnswer]) -> None:
        super().__init__()
        self.report = report


@router.post(
    PATH + "/{kind}",
    response_model=ImportAnswer,
    openapi_extra={"requestBody": {"required": True, "content": {CSV: _FILE}}},
)
async def post_import(
    request: Request,
    who: Annotated[Principal, Depends(_importer)],
    context: Ctx,
    kind: KindName,
    dry_run: Annotated[bool, Query()] = False,
    atomic: Annotated[bool, Query()] = False,
) -> Response:
    """Bring in a CSV file, line by line.

    `dry_run`: everything is tried and nothing kept.  `atomic`: all lines or none; else whole lines are kept and wrong
    ones left out.  The same file again makes nothing twice."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != CSV:
        raise Problem(415, "media_type_unsupported", "The body is not CSV", f"Send the file with Content-Type: {CSV}.")
    header, lines = await asyncio.to_thread(read_csv, await request.body())
    one = KINDS[kind]
    check_header(one, header)
    earlier = None if dry_run else await replayed(request, context, who.tenant_id)
    if earlier is not None:
        return earlier
    try:
        if dry_run:
            await past_rivals(lambda: _tried(context, who, kind, lines))
        if atomic:
            return await _all_or_nothing(request, context, who, kind, lines)
        return await _in_chunks(request, context, who, kind, lines)
    except _Undo as undone:
        answer = _answer(kind, [_unmade(line) for line in undone.report], dry_run=dry_run, atomic=atomic, stored=False)
        return Response(answer.model_dump_json(), media_type="application/json")


async def _tried(context: Context, who: Principal, kind: KindName, lines: list[CsvLine]) -> None:
    """Raises _Undo, which ends the transaction."""
    async with tenant_tx(context.pool, who.tenant_id) as conn:
        raise _Undo(await _whole(conn, context, who, kind, lines, set()))


async def _whole(
    conn: Connection, context: Context, who: Principal, kind: KindName, lines: list[CsvLine], put_off: set[UUID]
) -> list[ImportLineAnswer]:
    """`put_off` grows by the vehicles whose statements moved."""
    await last_longer(conn, WHOLE_MS_MAX)
    return await import_lines(conn, who, replace(context, put_off=put_off), KINDS[kind], lines, {})


async def _all_or_nothing(
    request: Request, context: Context, who: Principal, kind: KindName, lines: list[CsvLine]
) -> Response:
    """Raises _Undo where a line fails."""

    async def effect(conn: Connection) -> ImportAnswer:
        moved: set[UUID] = set()
        report = await _whole(conn, context, who, kind, lines, moved)
        if any(line.outcome == "error" for line in report):
            raise _Undo(report)
        await review_vehicles(conn, who.tenant_id, moved, context.policy, context.clock())
        await tell(conn, who.tenant_id, "import.finished", kind=kind)
        return _answer(kind, report, dry_run=False, atomic=True, stored=True)

    return await command(request, context, who.tenant_id, 200, effect)


async def _in_chunks(
    request: Request, context: Context, who: Principal, kind: KindName, lines: list[CsvLine]
) -> Response:
    """Several transactions: where one fails (503), what came before it is kept, and the file sent again goes on from there.
    The Idempotency-Key stands for this file from the first on; its answer is kept with the last.  Each vehicle whose
    statements moved is reviewed once, after that (rule CL7)."""
    of: ImportKind = KINDS[kind]
    report: list[ImportLineAnswer] = []
    made: dict[UUID, int] = {}
    chunks = [lines[i : i + CHUNK_LINES] for i in range(0, len(lines), CHUNK_LINES)] or [[]]
    moved: set[UUID] = set()

    async def bring_in(conn: Connection, chunk: list[CsvLine]) -> list[ImportLineAnswer]:
        put_off: set[UUID] = set()
        some = await import_lines(conn, who, replace(context, put_off=put_off), of, chunk, made)
        await put_down(conn, who.tenant_id, put_off)
        moved.update(put_off)
        return some

    async def keep(chunk: list[CsvLine]) -> Response | list[ImportLineAnswer]:
        async with tenant_tx(context.pool, who.tenant_id) as conn:
            first = chunk is chunks[0]
            earlier = await commands_of(context, context.pool).begin(request, conn, who.tenant_id) if first else None
            return await bring_in(conn, chunk) if earlier is None else earlier

    for chunk in chunks[:-1]:
        kept = await past_rivals(partial(keep, chunk))
        if isinstance(kept, Response):
            return kept
        report += kept

    async def effect(conn: Connection) -> ImportAnswer:
        last = await bring_in(conn, chunks[-1])
        await tell(conn, who.tenant_id, "import.finished", kind=kind)
        return _answer(kind, report + last, dry_run=False, atomic=False, stored=True)

    response = await command(request, context, who.tenant_id, 200, effect)
    await review_put_down(context.pool, who.tenant_id, moved, context.policy, context.clock())
    return response


def _unmade(line: ImportLineAnswer) -> ImportLineAnswer:
    """Ids of what was rolled back name nothing."""
    gone = line.outcome == "ok" or line.same_as_line is not None
    return line.model_copy(update={"id": None}) if gone else line


def _answer(kind: str, report: list[ImportLineAnswer], *, dry_run: bool, atomic: bool, stored: bool) -> ImportAnswer:
    outcomes = [line.outcome for line in report]
    return ImportAnswer(
        kind=kind, dry_run=dry_run, atomic=atomic, stored=stored, lines=len(report), ok=outcomes.count("ok"),
        exists=outcomes.count("exists"), errors=outcomes.count("error"), report=report,
    )  # fmt: skip
