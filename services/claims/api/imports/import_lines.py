"""One line of an import after the other, each under a savepoint: a line that fails leaves nothing behind."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from services.claims.api.context import Context
from services.claims.api.fields import Body, Instant
from services.claims.api.imports.import_files import CellError, CellErrors, CsvLine, columns_of, kinds_of, value_of
from services.claims.api.imports.import_kinds import ImportKind, Reference, just_before
from services.claims.api.imports.import_schemas import ImportLineAnswer, LineError
from services.claims.domain.register.licence import InvalidLicence
from services.claims.domain.register.vehicle import InvalidPlate
from services.claims.repo.locks import one_at_a_time
from services.claims.repo.references import Candidate, candidates
from shared.db.pool import Connection
from shared.http.auth import Principal
from shared.http.problems import Problem, words_of

_INSTANT: Final[TypeAdapter[datetime]] = TypeAdapter(Instant)
_SPELLING: Final = re.compile(r"[\W_]+")
_MISSING: Final = object()


def check_header(kind: ImportKind, header: Sequence[str]) -> None:
    """Raises Problem 422 naming every column that is not known, stands twice or lacks."""
    own = columns_of(kind.body)
    words = {word: reference for reference in kind.references for word in reference.words}
    allowed = sorted({*own, *words})
    errors = [
        (name, "unknown_column", f"is no column of this kind; its columns are {', '.join(allowed)}")
        for name in dict.fromkeys(header)
        if name not in own and name not in words
    ]
    errors += [
        (name, "double_column", "stands in the header twice")
        for name in dict.fromkeys(header)
        if header.count(name) > 1
    ]
    stands_for = {reference.field: tuple(reference.words) for reference in kind.references}
    for name, field in kind.body.model_fields.items():
        alias = field.alias or name
        ways = stands_for.get(alias, (alias,))
        if field.is_required() and not set(ways) & set(header):
            errors.append((alias, "missing_column", f"the header lacks {' or '.join(ways)}"))
    if errors:
        raise Problem(
            422, "invalid", "The header does not fit this kind", "Correct the first line of the file. Nothing was stored.",
            errors=[{"pointer": f"/{name}", "code": code, "detail": detail} for name, code, detail in errors],
        )  # fmt: skip


async def import_lines(
    conn: Connection,
    who: Principal,
    context: Context,
    kind: ImportKind,
    lines: Sequence[CsvLine],
    made: dict[UUID, int],
) -> list[ImportLineAnswer]:
    """In the caller's transaction, which other imports of the tenant wait for: each file has an order of its own, so two would
    come to wait for each other.  `made`: what earlier lines of the same file made → their number; it grows here."""
    await one_at_a_time(conn, who.tenant_id, "import")
    return [await _import_line(conn, who, context, kind, line, made) for line in lines]


async def _import_line(
    conn: Connection, who: Principal, context: Context, kind: ImportKind, line: CsvLine, made: dict[UUID, int]
) -> ImportLineAnswer:
    body: Body | None = None
    try:
        async with conn.transaction():
            body = await _body(conn, who.tenant_id, kind, line)
            made_id = await kind.create(conn, who, context, body)
    except (CellError, CellErrors) as error:
        cells = [error] if isinstance(error, CellError) else error.cells
        return _refused(line, [LineError(column=one.column, code=one.code, detail=one.detail) for one in cells])
    except ValidationError as error:
        found = [
            LineError(column=_column(kind, line, one["loc"]), code=one["type"], detail=words_of(one))
            for one in error.errors()
        ]
        return _refused(line, found)
    except Problem as problem:
        existing = problem.extra.get("existing_id")
        if problem.code == "already_exists" and existing is not None and body is not None:
            return await _exists(conn, who.tenant_id, kind, line, body, UUID(existing), made)
        if problem.status not in {403, 404, 409, 422}:
            raise
        return _refused(line, _errors(kind, line, problem))
    made.setdefault(made_id, line.number)
    return ImportLineAnswer(line=line.number, outcome="ok", id=made_id)


def _refused(line: CsvLine, errors: list[LineError]) -> ImportLineAnswer:
    return ImportLineAnswer(line=line.number, outcome="error", errors=tuple(errors))


async def _exists(
    conn: Connection,
    tenant: UUID,
    kind: ImportKind,
    line: CsvLine,
    body: Body,
    existing: UUID,
    made: Mapping[UUID, int],
) -> ImportLineAnswer:
    """Nothing is changed by an import, so a line that says something else than what is stored must be told."""
    row = None if kind.stored is None else await kind.stored(conn, tenant, existing)
    differs = () if row is None else _differs(body, row)
    return ImportLineAnswer(
        line=line.number, outcome="exists", id=existing, same_as_line=made.get(existing), differs=differs
    )


def _differs(body: Body, row: object) -> tuple[str, ...]:
    """Fields that the line gives and the stored row has otherwise.  Spelling (case, spaces, punctuation) does not count."""
    found = []
    for name in sorted(body.model_fields_set):
        mine, its = getattr(body, name), getattr(row, name, getattr(row, f"is_{name}", _MISSING))
        if its is not _MISSING and _plain(mine) != _plain(its):
            found.append(type(body).model_fields[name].alias or name)
    return tuple(found)


def _plain(value: Any) -> Any:
    return _SPELLING.sub("", value).casefold() if isinstance(value, str) else value


def _errors(kind: ImportKind, line: CsvLine, problem: Problem) -> list[LineError]:
    named = problem.extra.get("errors")
    if not named:
        existing = problem.extra.get("existing_id")
        detail = str(problem.detail) + (f" It is {existing}." if existing else "")
        return [LineError(column="", code=problem.code, detail=detail)]
    return [
        LineError(column=_column(kind, line, one["pointer"].split("/")[1:]), code=one["code"], detail=one["detail"])
        for one in named
    ]


def _column(kind: ImportKind, line: CsvLine, place: Sequence[Any]) -> str:
    """The column, as the file calls it, that filled a field of the body."""
    name = str(place[0]) if place else ""
    for reference in kind.references:
        if reference.field == name:
            return ", ".join(word for word in reference.words if word in line.cells) or next(iter(reference.words))
    filled = [column for column, field in columns_of(kind.body).items() if field == name and column in line.cells]
    return filled[0] if filled else name


async def _body(conn: Connection, tenant: UUID, kind: ImportKind, line: CsvLine) -> Body:
    """Raises CellError, CellErrors or ValidationError."""
    if line.ragged:
        raise CellError("", "ragged", line.ragged)
    fields = {field.alias or name: field for name, field in kind.body.model_fields.items()}
    values: dict[str, Any] = {}
    wrong: list[CellError] = []
    referring = {word for reference in kind.references for word in reference.words}
    for column, name in columns_of(kind.body).items():
        if column not in line.cells or column in referring:
            continue
        if name in values:
            wrong.append(CellError(column, "given_twice", f"give either {name} or {column}"))
            continue
        try:
            values[name] = value_of(column, line.cells[column], kinds_of(fields[name]))
        except CellError as error:
            wrong.append(error)
    if wrong:
        raise CellErrors(wrong)
    for reference in kind.references:
        found = await _referred(conn, tenant, reference, line, values)
        if found is not None:
            values[reference.field] = found
    return kind.body.model_validate(values)


async def _referred(
    conn: Connection, tenant: UUID, reference: Reference, line: CsvLine, values: Mapping[str, Any]
) -> UUID | None:
    """The one thing that all given columns mean; None where none is given.  Raises CellError."""
    given = [word for word in reference.words if word in line.cells]
    if not given:
        return None
    per_word = [await _candidates(conn, tenant, reference, word, line.cells[word]) for word in given]
    ids = set.intersection(*({one.id for one in found} for found in per_word))
    if len(ids) > 1:
        at = _at(reference, values)
        held = [{one.id for one in found if at is not None and one.held(at)} for found in per_word]
        ids = set.intersection(ids, *held) or ids
    if len(ids) == 1:
        return ids.pop()
    columns = ", ".join(given)
    if ids:
        raise CellError(
            columns, "ambiguous", f"{len(ids)} things are meant by it: name one of {_list(reference)} besides"
        )
    raise CellError(columns, "unknown_id", "together they name nothing: they are of different things")


def _list(reference: Reference) -> str:
    return ", ".join(reference.words)


async def _candidates(conn: Connection, tenant: UUID, reference: Reference, column: str, text: str) -> list[Candidate]:
    word = reference.words[column]
    try:
        normal = word.normal(text)
    except (InvalidPlate, InvalidLicence, ValueError) as error:
        raise CellError(column, "invalid", str(error)) from error
    found = await candidates(conn, tenant, word.statement, normal)
    if not found:
        raise CellError(column, "unknown_id", f"nothing is registered as {text!r}: import it first")
    return found


def _at(reference: Reference, values: Mapping[str, Any]) -> datetime | None:
    """The instant of the line, where it has one that can be read; the body's own validation names a bad one."""
    try:
        at = _INSTANT.validate_python(values.get(reference.at))
    except ValidationError:
        return None
    return just_before(at) if reference.before else at
