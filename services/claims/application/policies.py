"""The policy that holds: as shipped, until operators change it; then as they changed it last.

Each change makes a new edition with a name of its own, the old ones stay readable for ever (design G5).  A newer release does
not undo what operators chose: what it ships differs then, and they are told."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from services.claims.application.refusals import invalid
from services.claims.domain.policy import Policy
from services.claims.domain.rates import RateRow, table_row
from services.claims.policy.files import InvalidPolicy, parse, texts
from services.claims.repo import policies
from services.claims.repo.policies import ChangeRow, UnpricedRow
from shared.db.pool import Connection, Pool, tx
from shared.http.problems import Problem

UNPRICED_MAX: Final = 10_000
FIRST: Final = 0
"""What the first change follows."""


class PolicyBook:
    """The policy that this process judges by.  Another process's change is seen by `refresh`, which runs every few seconds and
    before each lodging; the lodging's own transaction checks the name again."""

    def __init__(self, shipped: Policy) -> None:
        self.shipped = shipped
        self.current = shipped

    async def refresh(self, pool: Pool) -> Policy:
        """The policy that holds by the database; read and parsed only where it is another than before."""
        async with tx(pool) as conn:
            last = await policies.last_change(conn)
            name = self.shipped.name if last is None else last.edition
            found = None if name in {self.current.name, self.shipped.name} else await policies.edition(conn, name)
        if name == self.shipped.name:
            self.current = self.shipped
        elif found is not None:
            self.current = parse(found)
        return self.current

    async def follow(self, pool: Pool) -> bool:
        """A round of what refreshes for ever: never more to do.  While it fails, the last policy stays; without a database
        nothing can be lodged anyway."""
        await self.refresh(pool)
        return False


@dataclass(frozen=True)
class Edition:
    """The exact texts of an edition and the change that made it hold; None: nobody changed what was shipped."""

    name: str
    texts: Mapping[str, str]
    last: ChangeRow | None


@dataclass(frozen=True)
class Change:
    """What a change does, before or after it is done."""

    name: str
    lines: Mapping[str, tuple[str, ...]]
    """file → lines taken out (`-`) and put in (`+`)."""
    warnings: tuple[str, ...]
    row: ChangeRow | None
    """None for a dry run, and where nothing changes."""


async def register_shipped(pool: Pool, shipped: Policy) -> None:
    """Keep what this release ships, since claims will name it.  At every start; needs the worker's role."""
    async with tx(pool) as conn:
        await policies.insert_edition(conn, shipped.name, texts())


async def current(conn: Connection, shipped: Policy) -> Edition:
    """The edition that holds."""
    last = await policies.last_change(conn)
    if last is None:
        return Edition(shipped.name, texts(), None)
    return Edition(last.edition, await policies.edition(conn, last.edition) or {}, last)


async def holds(conn: Connection, policy: Policy, shipped: Policy) -> bool:
    """Whether `policy` is still the one that holds."""
    last = await policies.last_change(conn)
    return policy.name == (shipped.name if last is None else last.edition)


async def change_policy(
    pool: Pool, shipped: Policy, files: Mapping[str, str], based_on: str, actor: str, reason: str, *, dry_run: bool
) -> Change:
    """As `change_in`, in a transaction of its own.  `pool` has the worker's role."""
    async with tx(pool) as conn:
        return await change_in(conn, shipped, files, based_on, actor, reason, dry_run=dry_run)


async def change_in(
    conn: Connection,
    shipped: Policy,
    files: Mapping[str, str],
    based_on: str,
    actor: str,
    reason: str,
    *,
    dry_run: bool,
) -> Change:
    """Put new texts of some files in force, at once.  `conn` has the worker's role.

    Raises Problem 422 for a file that cannot be read (with file and line), 409 `policy_changed` where `based_on` is not the
    edition that holds.  The same change again changes nothing and says so."""
    for file in files:
        if file not in policies.COLUMNS:
            raise invalid(f"/files/{file}", f"there is no such file: {', '.join(policies.COLUMNS)}", "unknown_file")
    now = await current(conn, shipped)
    wanted = {**now.texts, **files}
    try:
        policy = parse(wanted)
    except InvalidPolicy as error:
        raise invalid("/files", str(error)) from None
    if now.name not in {policy.name, based_on}:
        raise _moved(now.name)
    change = Change(policy.name, _lines(now.texts, wanted), contradictions(policy), None)
    if dry_run or policy.name == now.name:
        return change
    await policies.insert_edition(conn, shipped.name, texts())
    await policies.insert_edition(conn, policy.name, wanted)
    follows = FIRST if now.last is None else now.last.seq
    row = await policies.insert_change(conn, follows, policy.name, shipped.name, actor, reason)
    if row is None:
        raise _moved("another one")
    return Change(change.name, change.lines, change.warnings, row)


async def unpriced(conn: Connection, policy: Policy) -> list[UnpricedRow]:
    """Licences of any tenant that state no price and that the table of rates cannot price either (rule LI5: an unknown rate
    asks), counted by type, weight and day of purchase.  Names nobody."""
    rows = await policies.unpriced(conn, UNPRICED_MAX)
    return [row for row in rows if table_row(row.ruc_type, row.gross_kg, row.bought_on, policy.rates) is None]


def contradictions(policy: Policy) -> tuple[str, ...]:
    """Pairs of rates that answer the same question differently: together they price nothing (rule LI5)."""
    rates = [rate for rate in policy.rates if rate.prices]
    return tuple(
        f"rates.csv: type {one.ruc_type} from {max(one.from_on, two.from_on)} has both {one.cents_per_unit} and "
        f"{two.cents_per_unit} cents: together they price nothing"
        for number, one in enumerate(rates)
        for two in rates[number + 1 :]
        if one.cents_per_unit != two.cents_per_unit and _meet(one, two)
    )


def _meet(one: RateRow, two: RateRow) -> bool:
    same_days = (one.until_on is None or two.from_on <= one.until_on) and (
        two.until_on is None or one.from_on <= two.until_on
    )
    same_weight = (one.upto_kg is None or two.upto_kg is None) or (
        one.over_kg < two.upto_kg and two.over_kg < one.upto_kg
    )
    return one.ruc_type == two.ruc_type and same_days and same_weight


def _lines(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {
        file: tuple(_changed(before[file].splitlines(), after[file].splitlines()))
        for file in policies.COLUMNS
        if before[file] != after[file]
    }


def _changed(before: list[str], after: list[str]) -> Iterator[str]:
    for _, taken_from, taken_to, put_from, put_to in difflib.SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        if before[taken_from:taken_to] != after[put_from:put_to]:
            yield from (f"- {line}" for line in before[taken_from:taken_to])
            yield from (f"+ {line}" for line in after[put_from:put_to])


def _moved(now: str) -> Problem:
    return Problem(
        409, "policy_changed", "The policy was changed meanwhile",
        f"The edition that holds is {now}: look at it and base the change on it.", current=now,
    )  # fmt: skip
