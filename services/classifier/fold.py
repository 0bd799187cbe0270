"""The fold: device-days in memory, pings in, revisions out.  Memory follows the database, it never leads it.

`advance` changes nothing that a later call can see; only `accept`, after the commit, does.  What memory holds of a
partition is valid for exactly one version of its position, so ownership that moved, a zombie's lost compare-and-set and a
restart all end the same way: another version, and the windows are read from evidence again."""

from collections import ChainMap, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.classifier.application import effect as effects
from services.classifier.application.decode import Batch, quarantined
from services.classifier.application.effect import Effect
from services.classifier.application.isolate import Classify, Outcome, classify_windows, culprit
from services.classifier.application.revisions import Writer
from services.classifier.application.windows import Split, Window, WindowKey, fresh_rows, grow, split
from services.classifier.repo.fold_state import Due
from shared.contracts.device_day import make_rev
from shared.contracts.partitioning import partition_of
from shared.contracts.quarantine import QuarantinedRow
from shared.contracts.topics import PINGS

CACHE_ROWS_MAX: Final = 3_000_000
"""About 75 bytes each."""
CULPRIT_ROUNDS_MAX: Final = 8
"""After so many rows of a device-day were taken out one by one, all its new rows are."""


@dataclass(frozen=True, slots=True)
class Work:
    """One round's input: usable rows, what is due, and where the partitions stand."""

    batch: Batch
    due: tuple[Due, ...]
    versions: dict[int, int]
    """The version each partition's position will have after this round's transaction."""
    epoch: int
    classify: Classify
    """The kernel with the road data sets and rulings of this round."""
    parts: Split

    def names(self) -> set[WindowKey]:
        """Every window that this round may read or change."""
        return {*self.parts.own, *self.parts.edge, *(one[:3] for one in self.due)}


@dataclass(slots=True)
class _State:
    version: int
    tick_ms: int


class Fold:
    """One process's share of the state.  `advance` may run in a thread while nothing else touches the fold."""

    def __init__(self, *, gap_ms: int, code_version: str, cache_rows_max: int = CACHE_ROWS_MAX) -> None:
        self._gap_ms = gap_ms
        self._code_version = code_version
        self._cache_rows_max = cache_rows_max
        self._states: dict[int, _State] = {}
        self._windows: OrderedDict[WindowKey, Window] = OrderedDict()
        self._rows = 0

    def synchronise(self, versions: Mapping[int, int]) -> set[int]:
        """Forget every partition that is not exactly where memory stands; returns those whose tick must be read."""
        stale = {p for p, state in self._states.items() if versions.get(p) != state.version}
        if stale:
            for name in [name for name in self._windows if partition_of(name[0], name[1]) in stale]:
                self._drop(name)
            for partition in stale:
                del self._states[partition]
        return set(versions) - set(self._states)

    def resume(self, versions: Mapping[int, int], ticks: Mapping[int, int]) -> None:
        """Take up partitions at a version, with the tick stored at it."""
        for partition, tick in ticks.items():
            self._states[partition] = _State(versions[partition], tick)

    def ticks_after(self, batch: Batch) -> dict[int, int]:
        """The tick of each partition once this batch is folded."""
        live = batch.ticks_of(PINGS.name)  # the other lane's ticks may lag by a year's backfill, and settle nothing
        return {p: max(state.tick_ms, live.get(p, 0)) for p, state in self._states.items()}

    def prepare(
        self, batch: Batch, due: Sequence[Due], versions: Mapping[int, int], epoch: int, classify: Classify
    ) -> Work:
        """Sort a batch into the windows it touches.  `versions` are those after the transaction."""
        return Work(batch, tuple(due), dict(versions), epoch, classify, split(batch.pings, batch.days, self._gap_ms))

    def missing(self, work: Work) -> list[WindowKey]:
        """Windows of the work that must be read from evidence first."""
        return sorted(name for name in work.names() if name not in self._windows)

    def admit(self, windows: Mapping[WindowKey, Window]) -> None:
        """Windows as evidence has them at the present version."""
        for name, window in windows.items():
            self._keep(name, window)

    def advance(self, work: Work) -> Effect:
        """Compute everything that follows from the work.  Every window of it must be in memory."""
        ticks = self.ticks_after(work.batch)
        rejected: dict[int, Exception] = {}
        grown, fresh = self._grow(work, rejected)
        done, failed = self._compute(grown, work)
        for turn in range(CULPRIT_ROUNDS_MAX + 1):
            culprits = self._culprits(work, fresh, failed, everything=turn == CULPRIT_ROUNDS_MAX)
            if not culprits:
                break
            rejected |= culprits
            grown, fresh = self._grow(work, rejected)
            done, failed = self._compute(grown, work)
        effect = Effect(versions=work.versions, ticks=ticks, windows=grown, fixes=int(fresh.sum()), stuck=failed)
        revs = {partition: make_rev(work.epoch, version) for partition, version in work.versions.items()}
        effect.evidence = effects.evidence_frames(work.batch.pings.take(fresh), work.batch.days[fresh], revs)
        self._quarantine(effect, work, rejected)
        changed = {name for name, rows in work.parts.own.items() if fresh[rows].any()}
        writer = Writer(effect, revs=revs, gap_ms=self._gap_ms)
        writer.write(done, ChainMap(grown, self._windows), work.due, changed)
        return effect

    def accept(self, effect: Effect) -> None:
        """The transaction is committed: memory follows."""
        for partition, version in effect.versions.items():
            self._states[partition] = _State(version, effect.ticks[partition])
        for name, window in effect.windows.items():
            self._keep(name, window)
        while self._rows > self._cache_rows_max and self._windows:
            self._drop(next(iter(self._windows)))

    def moved(self, versions: Mapping[int, int]) -> None:
        """Positions have other versions and nothing that memory holds has changed (compaction)."""
        for partition, version in versions.items():
            if partition in self._states:
                self._states[partition].version = version

    def _keep(self, name: WindowKey, window: Window) -> None:
        self._drop(name)
        self._windows[name] = window
        self._rows += 1 + len(window.fixes)

    def _drop(self, name: WindowKey) -> None:
        window = self._windows.pop(name, None)
        if window is not None:
            self._rows -= 1 + len(window.fixes)

    def _grow(self, work: Work, rejected: Mapping[int, Exception]) -> tuple[dict[WindowKey, Window], NDArray[np.bool_]]:
        """The windows that the batch changes, changed, and which of its rows add something."""
        batch = work.batch
        fresh = fresh_rows(batch.pings, batch.hashes, work.parts.own, self._windows)
        fresh[list(rejected)] = False
        grown: dict[WindowKey, Window] = {}
        for rows_of in (work.parts.own, work.parts.edge):
            for name, rows in rows_of.items():
                some = rows[fresh[rows]]
                if len(some):
                    before = grown.get(name, self._windows[name])
                    grown[name] = grow(before, name, batch.pings.take(some), batch.hashes[some])
        return grown, fresh

    def _compute(
        self, grown: Mapping[WindowKey, Window], work: Work
    ) -> tuple[dict[WindowKey, Outcome], dict[WindowKey, Exception]]:
        windows = {one[:3]: self._windows[one[:3]] for one in work.due} | dict(grown)
        return classify_windows(
            work.classify, {name: windows[name] for name in sorted(windows) if windows[name].own_rows}
        )

    def _culprits(
        self, work: Work, fresh: NDArray[np.bool_], failed: Mapping[WindowKey, Exception], *, everything: bool
    ) -> dict[int, Exception]:
        """Rows of the batch that make the kernel raise, with their identical copies."""
        batch, found = work.batch, dict[int, Exception]()
        for name, error in failed.items():
            parts = [rows[name] for rows in work.parts if name in rows]
            rows = np.concatenate([part[fresh[part]] for part in parts] or [np.empty(0, np.intp)])
            at = culprit(work.classify, name, self._windows[name], batch.pings.take(rows)) if len(rows) else None
            if at is None:
                continue
            for row in rows if everything else rows[at : at + 1]:
                same = (batch.hashes == batch.hashes[row]) & (batch.pings.ts_ms == batch.pings.ts_ms[row])
                same &= batch.pings.key == batch.pings.key[row]
                found |= dict.fromkeys(np.flatnonzero(same).tolist(), error)
        return found

    def _quarantine(self, effect: Effect, work: Work, rejected: Mapping[int, Exception]) -> None:
        batch = work.batch
        rows: list[QuarantinedRow] = list(batch.broken)
        for row, error in rejected.items():
            why = ("kernel_error", repr(error))
            rows.append(quarantined(batch.pings, row, batch.origin(row), *why, self._code_version))
        effect.quarantined = len(rows)
        effect.outbox += effects.quarantine_rows(rows)
