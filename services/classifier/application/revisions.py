"""Outcomes of the kernel to device-day revisions, and what stays owed: days to settle, days that could not be computed."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from services.classifier.application.effect import Effect, revision_rows
from services.classifier.application.isolate import Outcome
from services.classifier.application.windows import Window, WindowKey, window_bounds_ms
from services.classifier.repo.fold_state import Due, Owed
from shared.contracts.device_day import DeviceDay, hash_of
from shared.contracts.partitioning import partition_of

FAILED_RETRY_MS: Final = 600_000


class DayTooLarge(Exception):
    """A revision that no frame can hold."""


class Writer:
    """Fills an effect with revisions.  `revs` and the effect's ticks are by partition."""

    def __init__(self, effect: Effect, *, revs: Mapping[int, int], gap_ms: int) -> None:
        self._effect = effect
        self._revs = revs
        self._gap_ms = gap_ms

    def write(
        self,
        done: Mapping[WindowKey, Outcome],
        windows: Mapping[WindowKey, Window],
        due: Collection[Due],
        changed: Collection[WindowKey],
    ) -> None:
        """`windows` are the computed ones; `changed` those whose own day has new fixes.

        A day that was computed again only for a neighbour's fix and says the same as before sends nothing."""
        asked = {one[:3] for one in due}
        revisions: list[DeviceDay] = []
        for name, outcome in done.items():
            window = windows[name]
            revision = self._revision(name, outcome)
            # only a day with a neighbour's fixes can be asked for again without a change of its own
            digest = hash_of(revision) if len(window.fixes) > window.own_rows else None
            if name in changed or name in asked or digest is None or digest != window.sent:
                revisions.append(revision)
            noted = self._note(name, window, revision.settled)
            self._effect.windows[name] = replace(window, sent=digest, settle_noted=noted)
        rows, oversize = revision_rows(revisions)
        self._effect.outbox += rows
        too_large = {
            (one.tenant, one.device, one.day): DayTooLarge(f"{len(one.segments)} segments") for one in oversize
        }
        self._effect.stuck |= too_large
        self._effect.settled = sum(one.settled for one in revisions)
        self._effect.unsettled = len(revisions) - self._effect.settled
        self._settle_debts(due, windows)

    def _revision(self, name: WindowKey, outcome: Outcome) -> DeviceDay:
        partition = partition_of(name[0], name[1])
        settled = self._effect.ticks[partition] >= self._settles_at(name)
        return outcome.revision(self._revs[partition], settled)

    def _settles_at(self, name: WindowKey) -> int:
        """The tick from which no fix of the window can be missing: the window's end."""
        return window_bounds_ms(name[2], self._gap_ms)[1]

    def _note(self, name: WindowKey, window: Window, settled: bool) -> bool:
        """Owe an unsettled day its settled revision; pay for a settled one.  Returns whether a row waits now."""
        due = Due(*name, "settle")
        if settled:
            self._effect.paid.append(due)
        elif not window.settle_noted:
            self._effect.owed.append(Owed(due, partition_of(name[0], name[1]), self._settles_at(name)))
        return not settled

    def _settle_debts(self, due: Iterable[Due], windows: Mapping[WindowKey, Window]) -> None:
        """Days that could not be computed are tried again later under an open hold; all others are paid.

        A day without a fix of its own has no revision and nothing to wait for."""
        for name in self._effect.stuck:
            self._retry(Due(*name, "dirty"))
            self._effect.paid.append(Due(*name, "settle"))
            window = self._effect.windows.get(name, windows[name])
            self._effect.windows[name] = replace(window, settle_noted=False)
        for one in due:
            name = one[:3]
            if name not in self._effect.stuck:
                if one.cause != "settle" or not windows[name].own_rows:
                    self._effect.paid.append(one)
            elif one.cause == "reprocess":
                self._retry(one)

    def _retry(self, due: Due) -> None:
        partition = partition_of(due.tenant, due.device)
        self._effect.held.append(Owed(due, partition, self._effect.ticks[partition] + FAILED_RETRY_MS))
