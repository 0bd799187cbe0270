"""Rule RE1: months are kept four years after their last day, longer under a hold; dropping early is a fault."""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner

from services.classifier.application import retention
from services.classifier.application.compaction import Compactor, Policy
from services.classifier.application.exporting import export
from services.classifier.application.retention import RetentionKeeps
from services.classifier.evidence_cli import describe, evidence
from services.classifier.repo import chunks
from services.classifier.repo import retention as rows
from shared.contracts.neutral import parse_ndjson
from shared.db.pool import tx
from shared.nz_days import bounds_ms, to_ordinal
from tests.integration.classifier.conftest import Store
from tests.integration.evidence.conftest import Keeper
from tests.simulation.district import drive
from tests.simulation.service import identities

pytestmark = pytest.mark.integration

TENANT = uuid.UUID(int=1)
KEY = (str(TENANT), "ute-1")
OLD, LATER = date(2015, 2, 1), date(2016, 2, 1)


async def fill(store: Store, *months: date) -> None:
    """A short drive in each month, compacted."""
    for month in months:
        day = to_ordinal(month) + 10
        await store.take(drive(KEY, bounds_ms(day)[0] + 30_000_000, 6), tick_ms=bounds_ms(day + 40)[0])
    keeper = Keeper(store, store.worker, Compactor(store.worker, Policy(150_000, 0, 0)))
    await keeper.drain()
    async with tx(store.api) as conn:  # claims says that it has told every hold
        await rows.all_told(conn)


async def there(store: Store, today: date) -> list[tuple[date, str]]:
    return [(one.month, one.verdict) for one in await retention.months(store.worker, today)]


async def dropped(store: Store, today: date) -> Sequence[date]:
    return [one.month for one in await retention.sweep(store.worker, today)]


async def test_RE1_a_month_is_kept_to_the_last_day_of_four_years(store: Store, keeper: Keeper) -> None:
    await fill(store, OLD, LATER)
    assert await there(store, date(2019, 2, 28)) == [(OLD, "young"), (LATER, "young")]
    assert await dropped(store, date(2019, 2, 28)) == []
    assert await there(store, date(2019, 3, 1)) == [(OLD, "over"), (LATER, "young")]
    assert await dropped(store, date(2019, 3, 1)) == [OLD]
    assert await dropped(store, date(2019, 3, 1)) == []
    assert await keeper.count("fix_chunk") == 1


async def test_RE1_a_leap_month_has_its_29th(store: Store, keeper: Keeper) -> None:
    await fill(store, LATER)
    assert await dropped(store, date(2020, 2, 29)) == []
    assert await dropped(store, date(2020, 3, 1)) == [LATER]


async def test_RE1_the_function_itself_refuses_a_young_month(store: Store, keeper: Keeper) -> None:
    await fill(store, OLD)
    with pytest.raises(RetentionKeeps):
        await retention.drop(store.worker, OLD, date(2019, 2, 28))
    assert await keeper.count("fix_chunk") == 1


async def test_RE1_a_clock_that_runs_ahead_drops_nothing(store: Store, keeper: Keeper) -> None:
    """The database believes no day later than its own."""
    async with tx(store.worker) as conn:
        now = await conn.fetchval("select (now() at time zone 'UTC')::date")
        await chunks.make_month(conn, to_ordinal(now))
    assert await dropped(store, date(2099, 12, 31)) == []
    with pytest.raises(RetentionKeeps):
        await retention.drop(store.worker, now.replace(day=1), date(2099, 12, 31))


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2015, 2, 28), date(2015, 2, 28)),
        (date(2014, 1, 1), date(2015, 2, 1)),
        (date(2015, 2, 10), date(2099, 1, 1)),
    ],
)
async def test_RE1_a_hold_of_any_tenant_keeps_the_whole_month(
    store: Store, keeper: Keeper, first: date, last: date
) -> None:
    await fill(store, OLD)
    tenant, hold = uuid.UUID(int=77), uuid.UUID(int=5)
    await retention.hold(store.worker, tenant, hold, (to_ordinal(first), to_ordinal(last)), "audit 12")
    assert await there(store, date(2026, 1, 1)) == [(OLD, "held")]
    assert await dropped(store, date(2026, 1, 1)) == []
    with pytest.raises(RetentionKeeps):
        await retention.drop(store.worker, OLD, date(2026, 1, 1))
    assert not await retention.release(store.worker, TENANT, hold)
    assert await retention.release(store.worker, tenant, hold)
    assert not await retention.release(store.worker, tenant, hold)
    assert await dropped(store, date(2026, 1, 1)) == [OLD]


async def test_RE1_a_hold_beside_the_month_does_not_keep_it(store: Store, keeper: Keeper) -> None:
    await fill(store, OLD)
    for number, day in enumerate([date(2015, 1, 31), date(2015, 3, 1)]):
        days = (to_ordinal(day), to_ordinal(day))
        await retention.hold(store.worker, TENANT, uuid.UUID(int=number), days, "audit 12")
    assert await dropped(store, date(2026, 1, 1)) == [OLD]


async def test_months_are_made_ahead_and_once(store: Store) -> None:
    for _ in range(2):
        await retention.make_ahead(store.worker, date(2026, 11, 30))
    found = [month for month, _ in await there(store, date(2026, 11, 30))]
    assert found == [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1), date(2027, 2, 1)]


async def test_an_export_is_what_was_sent(store: Store) -> None:
    fixes = drive(KEY, bounds_ms(to_ordinal(OLD) + 10)[0] + 30_000_000, 6)
    await fill(store, OLD, date(2015, 3, 1))
    lines = export(lambda: tx(store.worker), KEY, to_ordinal(OLD), to_ordinal(date(2015, 2, 28)))
    back = parse_ndjson(b"".join([some async for some in lines]), tenant=KEY[0])
    assert identities(back.pings) == identities(fixes)


async def test_status_says_what_there_is(store: Store) -> None:
    await fill(store, OLD)
    await store.take(drive(KEY, bounds_ms(to_ordinal(OLD) + 11)[0], 4))
    await retention.hold(store.worker, TENANT, uuid.UUID(int=9), (to_ordinal(OLD), to_ordinal(OLD)), "audit 12")
    lines = describe(await retention.status(store.worker, date(2026, 1, 1)))
    assert lines[0].startswith("chunks: 1 device-days, 6 fixes")
    assert "oldest month 2015-02" in lines[0]
    assert lines[1].split()[0] == "2015-02"
    assert lines[1].endswith("held")
    assert lines[2].startswith("frames waiting: 1 with 4 fixes")
    assert "audit 12" in lines[3]


async def test_the_commands_hold_release_and_drop(store: Store, tmp_path: Path) -> None:
    """As an operator types them, against this database."""
    import asyncio

    await fill(store, OLD)
    (tmp_path / "stack.json").write_text(
        json.dumps({"dsns": {"classifier": {"worker": store.database.dsn("classifier", "worker")}}})
    )

    async def rucor(*words: str) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, evidence, [*words, "--data-dir", str(tmp_path)])
        assert result.exit_code == 0, result.output
        return result.output

    span = ("--tenant", str(TENANT), "--from", "2015-02-03", "--to", "2015-02-03")
    hold = (await rucor("hold", *span, "--reason", "audit 12")).strip()
    assert "nothing may be dropped" in await rucor("retention")
    assert "held" in await rucor("status")
    assert "released" in await rucor("release", "--tenant", str(TENANT), hold)
    assert "would drop 2015-02" in await rucor("retention", "--dry-run")
    out = tmp_path / "out" / "fixes.ndjson"
    days = ("--tenant", str(TENANT), "--from", "2015-02-01", "--to", "2015-02-28")
    await rucor("export", *days, "--device", "ute-1", "--out", str(out))
    assert len(out.read_text().splitlines()) == 6
    assert "dropped 2015-02" in await rucor("retention")
    assert "chunks: 0 device-days" in await rucor("status")


async def test_RE1_the_service_keeps_its_house_by_itself(store: Store, keeper: Keeper) -> None:
    """Months that are over, and first answers of requests that nobody repeats any more: both once a day."""
    await fill(store, OLD, LATER)
    owner = await asyncpg.connect(store.database.superuser)
    for key, days in (("old", 31), ("new", 29)):
        await owner.execute(
            "insert into classifier.idempotency (tenant_id, key, request_hash, created_at)"
            " values ($1, $2, '', now() - make_interval(days => $3))", TENANT, key, days
        )  # fmt: skip
    now = datetime.now(UTC)
    clock_ms = [int(datetime(2019, 3, 1, tzinfo=UTC).timestamp() * 1_000)]
    house = retention.House(store.worker, lambda: clock_ms[0])
    assert not await house.round()
    assert await keeper.count("fix_chunk") == 1
    assert await owner.fetchval("select count(*) from classifier.idempotency") == 2, (
        "by this clock both are yet to come"
    )
    clock_ms[0] = int(now.timestamp() * 1_000)
    assert not await house.round()
    assert [row["key"] for row in await owner.fetch("select key from classifier.idempotency")] == ["new"]
    await owner.close()
