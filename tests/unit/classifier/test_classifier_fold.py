"""The fold in memory: what is sent when, who is to blame, and that memory follows the database.  The kernel is the real
one over a real road data set; `faulty` makes it raise where a test says so."""

import uuid
from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
import pytest

from services.classifier.application.decode import Batch, decode
from services.classifier.application.effect import Effect
from services.classifier.application.isolate import Classify, Outcome
from services.classifier.application.judging import Judge
from services.classifier.application.road_sets import NamedRoads, RoadsByDay
from services.classifier.application.windows import build
from services.classifier.domain.device_day import DayOutcome, classify_days
from services.classifier.domain.rulings import NO_BOOK, Book
from services.classifier.domain.scheme import V1
from services.classifier.fold import Fold
from services.classifier.repo.fold_state import Due
from services.classifier.roads.dataset import RoadSet
from shared.contracts import pings
from shared.contracts.device_day import make_rev
from shared.contracts.frame import decode_structs, read_header
from shared.contracts.partitioning import partition_of
from shared.contracts.pings import Key, Pings
from shared.contracts.quarantine import QuarantinedRow
from shared.contracts.topics import PARTITIONS, PINGS, QUARANTINE, SCHEMA_QUARANTINE
from shared.errors import Fatal
from shared.nz_days import bounds_ms, to_ordinal
from shared.stream.log import Record
from tests.simulation.district import across_midnight, build_district, drive
from tests.simulation.service import Sent, assert_is_f, decode_sent

GAP_MS = V1.gap_limit_ms
TENANT = str(uuid.UUID(int=3))
KEY, OTHER = (TENANT, "ute-1"), (TENANT, "ute-2")
DAY = to_ordinal(date(2026, 3, 2))
SETTLED_MS = bounds_ms(DAY)[1] + GAP_MS


@pytest.fixture(scope="module")
def roads(tmp_path_factory: pytest.TempPathFactory) -> RoadSet:
    return build_district(tmp_path_factory.mktemp("district"))


def kernel(roads: RoadSet) -> Classify:
    return faulty(roads, lambda _: False)


def faulty(roads: RoadSet, broken: Callable[[Pings], bool]) -> Classify:
    """The kernel with a fault that the fixes trigger."""

    def classify(
        pings: Pings, wanted: Sequence[tuple[Key, int]], roads: NamedRoads, *, book: Book
    ) -> Sequence[DayOutcome]:
        if broken(pings):
            raise ZeroDivisionError("a fault of this release")
        return classify_days(pings, wanted, roads, V1, book)

    return Judge(classify, RoadsByDay.always(roads), NO_BOOK)


class Bench:
    """One fold with its evidence in a list instead of a database."""

    def __init__(self, classify: Classify, *, cache_rows_max: int = 1_000_000) -> None:
        self.classify = classify
        self.fold = Fold(gap_ms=GAP_MS, code_version="9.9", cache_rows_max=cache_rows_max)
        self.version = 0
        self.held: list[Pings] = []
        self.fold.synchronise(self.versions(0))
        self.fold.resume(self.versions(0), dict.fromkeys(range(PARTITIONS), 0))

    def versions(self, version: int) -> dict[int, int]:
        return dict.fromkeys(range(PARTITIONS), version)

    def advance(self, *frames: Pings, tick_ms: int = 0, due: Sequence[Due] = ()) -> Effect:
        batch = self.batch(frames, tick_ms)
        work = self.fold.prepare(batch, due, self.versions(self.version + 1), 0, self.classify)
        self.fold.admit(build(pings.concat(self.held), GAP_MS, self.fold.missing(work)))
        return self.fold.advance(work)

    def step(self, *frames: Pings, tick_ms: int = 0, due: Sequence[Due] = ()) -> Effect:
        effect = self.advance(*frames, tick_ms=tick_ms, due=due)
        self.held += [pings.decode_pings(one.frame) for one in effect.evidence]
        self.version += 1
        self.fold.accept(effect)
        return effect

    @staticmethod
    def batch(frames: Sequence[Pings], tick_ms: int) -> Batch:
        records = [
            Record(PINGS.name, partition_of(*frame.keys[0]), at, pings.encode_pings(frame))
            for at, frame in enumerate(frames)
        ]
        ticks = [Record(PINGS.name, p, 99, pings.encode_tick(tick_ms)) for p in range(PARTITIONS) if tick_ms]
        return decode(records + ticks, code_version="9.9")


def said(effect: Effect) -> Sent:
    return decode_sent(frame for _, _, frame in effect.outbox)


def days(effect: Effect) -> dict[int, bool]:
    return {one.day: one.settled for one in said(effect).revisions}


def shifted(fixes: Pings, lat_e6: int) -> Pings:
    return pings.make(fixes.keys, fixes.columns() | {"lat_e6": np.full(len(fixes), lat_e6)})


def test_a_revision_is_cumulative_for_its_day_and_carries_its_transactions_number(roads: RoadSet) -> None:
    bench = Bench(kernel(roads))
    fixes = drive(KEY, bounds_ms(DAY)[0] + 40_000_000, 20)
    bench.step(fixes.take(np.arange(10)))
    (revision,) = said(bench.step(fixes.take(np.arange(10, 20)))).revisions
    assert (revision.rev, revision.fixes, revision.settled) == (make_rev(0, 2), 20, False)
    assert_is_f(revision, fixes, roads)


def test_G2_a_resend_adds_nothing_and_sends_nothing(roads: RoadSet) -> None:
    bench = Bench(kernel(roads))
    fixes = drive(KEY, bounds_ms(DAY)[0] + 40_000_000, 20)
    bench.step(fixes)
    again = bench.step(fixes, fixes.take(np.arange(5)))
    assert (again.fixes, again.outbox, again.evidence, again.owed) == (0, [], [], [])


def test_an_unsettled_day_owes_a_settled_revision_and_gets_it_with_the_tick(roads: RoadSet) -> None:
    bench = Bench(kernel(roads))
    first = bench.step(drive(KEY, bounds_ms(DAY)[0] + 40_000_000, 20), tick_ms=SETTLED_MS - 1)
    assert days(first) == {DAY: False}
    assert not said(first).revisions[0].segments
    assert [(one.due, one.due_ms) for one in first.owed] == [(Due(*KEY, DAY, "settle"), SETTLED_MS)]
    second = bench.step(tick_ms=SETTLED_MS, due=[Due(*KEY, DAY, "settle")])
    assert days(second) == {DAY: True}
    assert said(second).revisions[0].segments
    assert second.paid == [Due(*KEY, DAY, "settle")]


def test_the_debt_of_a_day_is_noted_once(roads: RoadSet) -> None:
    bench = Bench(kernel(roads))
    fixes = drive(KEY, bounds_ms(DAY)[0] + 40_000_000, 20)
    bench.step(fixes.take(np.arange(10)))
    assert bench.step(fixes.take(np.arange(10, 20))).owed == []


def test_DI5_a_late_fix_changes_its_settled_day_at_once(roads: RoadSet) -> None:
    bench = Bench(kernel(roads))
    fixes = drive(KEY, bounds_ms(DAY)[0] + 40_000_000, 20)
    bench.step(fixes.take(np.r_[0:8, 12:20]), tick_ms=SETTLED_MS)
    late = said(bench.step(fixes.take(np.arange(8, 12)))).revisions
    assert [(one.day, one.settled, one.fixes) for one in late] == [(DAY, True, 20)]


def test_a_fix_near_midnight_changes_its_own_day_and_the_neighbour(roads: RoadSet) -> None:
    bench = Bench(kernel(roads))
    fixes = across_midnight(KEY, DAY)
    bench.step(fixes.take(np.r_[0:11, 13:24]))
    assert days(bench.step(fixes.take(np.array([11])))) == {DAY: False, DAY + 1: False}


def test_a_fix_in_the_middle_of_the_day_changes_no_other_day(roads: RoadSet) -> None:
    bench = Bench(kernel(roads))
    bench.step(across_midnight(KEY, DAY))
    assert days(bench.step(drive(KEY, bounds_ms(DAY)[0] + 40_000_000, 2))) == {DAY: False}


def test_a_neighbour_that_says_the_same_as_before_is_not_sent_again(roads: RoadSet) -> None:
    bench = Bench(kernel(roads))
    noise = across_midnight(KEY, DAY)
    bench.step(noise)
    invalid = pings.make(
        noise.keys, noise.columns() | {"valid": np.zeros(len(noise)), "lat_e6": noise.lat_e6 + 9}
    ).take(np.array([11]))
    moved = pings.make(invalid.keys, invalid.columns() | {"ts_ms": invalid.ts_ms - 1})
    assert days(bench.step(moved)) == {DAY: False}


def test_G7_the_row_that_breaks_the_kernel_goes_to_the_quarantine_alone(roads: RoadSet) -> None:
    poison = -40_012_345
    bench = Bench(faulty(roads, lambda fixes: bool((fixes.lat_e6 == poison).any())))
    good = drive(KEY, bounds_ms(DAY)[0] + 40_000_000, 20)
    bad = pings.make(good.keys, good.columns() | {"lat_e6": np.where(np.arange(20) == 13, poison, good.lat_e6)})
    effect = bench.step(bad, bad, drive(OTHER, bounds_ms(DAY)[0] + 40_000_000, 5))
    sent = said(effect)
    assert [(one.code, one.offset, one.row) for one in sent.quarantined] == [
        ("kernel_error", 0, 13),
        ("kernel_error", 1, 13),
    ]
    assert "ZeroDivisionError" in sent.quarantined[0].detail
    by_device = {one.device: one for one in sent.revisions}
    assert_is_f(by_device["ute-1"], good.take(np.arange(20) != 13), roads)
    assert by_device["ute-2"].fixes == 5
    assert effect.fixes == 24
    assert not effect.stuck


def test_G7_more_bad_rows_than_one_by_one_is_worth_take_their_device_days_new_rows_with_them(roads: RoadSet) -> None:
    bench = Bench(faulty(roads, lambda fixes: bool((fixes.lat_e6 < -41_000_000).any())))
    bad = shifted(drive(KEY, bounds_ms(DAY)[0] + 40_000_000, 40), -41_500_000)
    effect = bench.step(bad, drive(OTHER, bounds_ms(DAY)[0] + 40_000_000, 5))
    assert len(said(effect).quarantined) == 40
    assert [one.device for one in said(effect).revisions] == ["ute-2"]


def test_a_day_that_an_old_fix_breaks_is_held_and_cleared_when_it_can_be_computed(roads: RoadSet) -> None:
    broken = [False]
    bench = Bench(faulty(roads, lambda fixes: broken[0] and ("ute-1" in {key[1] for key in fixes.keys})))
    fixes = drive(KEY, bounds_ms(DAY)[0] + 40_000_000, 20)
    bench.step(fixes.take(np.arange(10)))
    broken[0] = True
    effect = bench.step(fixes.take(np.arange(10, 20)), drive(OTHER, bounds_ms(DAY)[0] + 40_000_000, 5))
    sent = said(effect)
    assert [one.device for one in sent.revisions] == ["ute-2"]
    assert effect.fixes == 15, "the new fixes are evidence, the kernel is to blame"
    failed = Due(*KEY, DAY, "dirty")
    assert [one.due for one in effect.held] == [failed]
    broken[0] = False
    healed = bench.step(tick_ms=SETTLED_MS + 600_000, due=[failed])
    assert [(one.fixes, one.settled) for one in said(healed).revisions] == [(20, True)]
    assert failed in healed.paid


def test_a_broken_invariant_is_no_rows_fault(roads: RoadSet) -> None:
    def classify(fixes: Pings, wanted: Sequence[tuple[Key, int]]) -> Sequence[Outcome]:
        raise Fatal("columns disagree")

    with pytest.raises(Fatal):
        Bench(classify).step(drive(KEY, bounds_ms(DAY)[0] + 40_000_000, 2))


def test_memory_follows_the_database_and_never_leads_it(roads: RoadSet) -> None:
    bench = Bench(kernel(roads))
    fixes = drive(KEY, bounds_ms(DAY)[0] + 40_000_000, 20)
    first = bench.advance(fixes)  # its transaction never commits
    second = bench.step(fixes)
    assert second.fixes == first.fixes == 20
    assert said(second).revisions == said(first).revisions


def test_a_partition_at_another_version_is_forgotten_whole(roads: RoadSet) -> None:
    bench = Bench(kernel(roads))
    fixes = drive(KEY, bounds_ms(DAY)[0] + 40_000_000, 20)
    bench.step(fixes, tick_ms=SETTLED_MS)
    partition = partition_of(*KEY)
    versions = bench.versions(1) | {partition: 5}
    assert bench.fold.synchronise(versions) == {partition}
    bench.fold.resume(versions, {partition: SETTLED_MS})
    work = bench.fold.prepare(bench.batch([fixes], 0), [], bench.versions(6), 0, bench.classify)
    assert (*KEY, DAY) in bench.fold.missing(work)


def test_windows_pushed_out_of_memory_come_back_from_evidence(roads: RoadSet) -> None:
    small, large = Bench(kernel(roads), cache_rows_max=30), Bench(kernel(roads))
    for turn in range(4):
        for key in (KEY, OTHER):
            fixes = drive(key, bounds_ms(DAY)[0] + 40_000_000, 40).take(np.arange(turn * 10, turn * 10 + 10))
            assert said(small.step(fixes)).revisions == said(large.step(fixes)).revisions


def test_G6_a_frame_of_evidence_never_holds_two_tenants_fixes(roads: RoadSet) -> None:
    tenants = [str(uuid.UUID(int=at)) for at in range(1, 30)]
    bench = Bench(kernel(roads))
    effect = bench.step(*(drive((one, "ute"), bounds_ms(DAY)[0] + 40_000_000, 3) for one in tenants))
    for frame in effect.evidence:
        assert {key[0] for key in pings.decode_pings(frame.frame).keys} == {frame.tenant}
    assert {frame.tenant for frame in effect.evidence} == set(tenants)


def test_spans_say_which_device_days_a_frame_holds(roads: RoadSet) -> None:
    (frame,) = Bench(kernel(roads)).step(across_midnight(KEY, DAY, 10)).evidence
    end = bounds_ms(DAY)[1]
    assert [(one.device, one.day, one.rows) for one in frame.spans] == [("ute-1", DAY, 5), ("ute-1", DAY + 1, 5)]
    assert all((one.last_ms < end) == (one.day == DAY) for one in frame.spans)
    assert all(one.first_ms <= one.last_ms for one in frame.spans)


def test_quarantined_rows_go_to_the_partition_that_they_came_from(roads: RoadSet) -> None:
    bench = Bench(kernel(roads))
    batch = decode([Record(PINGS.name, 4, 17, b"torn")], code_version="9.9")
    effect = bench.fold.advance(bench.fold.prepare(batch, [], bench.versions(1), 0, bench.classify))
    ((topic, partition, frame),) = effect.outbox
    assert (topic, partition, read_header(frame).schema) == (QUARANTINE.name, 4, SCHEMA_QUARANTINE)
    (row,) = decode_structs(SCHEMA_QUARANTINE, QuarantinedRow, frame)
    assert (row.offset, row.body, row.code_version) == (17, b"torn", "9.9")
