"""The road data sets that this process has open: found in a folder, warmed, registered, without a restart (rule SU9).

Every few seconds it looks for folders that `rucor roads build` has made since.  A new set is opened and warmed in a thread;
only then is it registered, so no set counts that nobody can open.  Sets stay open for ever: device-days name them."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Final

from services.classifier.application.road_sets import Found, Timeline, register
from services.classifier.repo import road_sets
from services.classifier.roads.dataset import LATEST, META, DataSetError, RoadSet
from shared.clock import Clock
from shared.db.errors import DatabaseUnavailable
from shared.db.pool import Pool, tx
from shared.nz_days import day_of, to_ordinal
from shared.observability.logging import get_logger
from shared.observability.metrics import CLASSIFIER_ROAD_SETS

LOOK_EVERY_S: Final = 3.0

log = get_logger(__name__)


class Library:
    """One folder's sets.  `look` is called by one task; everything else only reads."""

    def __init__(self, folder: Path, pool: Pool, clock: Clock, warm: Callable[[RoadSet], None]) -> None:
        self._folder = folder
        self._pool = pool
        self._clock = clock
        self._warm = warm
        self._sets: dict[str, RoadSet] = {}
        self._refused: dict[Path, str] = {}
        self._timeline = Timeline([])
        self._lost: frozenset[str] = frozenset()

    @property
    def sets(self) -> Mapping[str, RoadSet]:
        """Every open set by name, also those that have been superseded: an older revision may name them."""
        return self._sets

    @property
    def timeline(self) -> Timeline:
        """The register as it was at the last look."""
        return self._timeline

    def problem(self) -> str | None:
        """For `Health.check`: which registered set cannot be used here, or None."""
        if not self._timeline.names:
            why = "".join(f"; {path.name}: {reason}" for path, reason in sorted(self._refused.items()))
            return (
                f"no road data set in {self._folder}: run `rucor roads build SOURCE.osm.pbf --out {self._folder}`{why}"
            )
        missing = sorted(self._timeline.names - self._sets.keys())
        if missing:
            return (
                f"registered road data sets are not in {self._folder}: {', '.join(missing)}; bring their folders back"
            )
        if self._lost:
            lost = ", ".join(sorted(self._lost))
            return f"folders of registered road data sets are gone from {self._folder}: {lost}; bring them back"
        return None

    def complete(self) -> bool:
        """Whether every set that counts for some day is open here."""
        return bool(self._timeline.names) and self._timeline.names <= self._sets.keys()

    async def look(self) -> None:
        """Open what is new, register it, and read the register.  Raises DatabaseUnavailable."""
        fresh = await asyncio.to_thread(self._open_new)
        async with tx(self._pool) as conn:
            if fresh:
                await register(conn, [found_of(one) for one in fresh], day_of(self._clock()))
            rows = await road_sets.read(conn)
        known = {row.name for row in rows}
        self._sets |= {one.name: one for one in fresh}
        self._timeline = Timeline(rows)
        self._lost = frozenset(
            one.name for one in self._sets.values() if one.name in known and not (one.path / META).is_file()
        )
        CLASSIFIER_ROAD_SETS.set(len(self._sets))

    async def keep_looking(self) -> None:
        """Look for ever.  The database being away is waited out."""
        while True:
            try:
                await self.look()
            except DatabaseUnavailable as error:
                log.warning("road data sets cannot be registered", error=str(error))
            await asyncio.sleep(LOOK_EVERY_S)

    def _open_new(self) -> list[RoadSet]:
        """Sets that are in the folder and not open yet, warmed; the one built last comes last."""
        opened: list[RoadSet] = []
        for path in self._folders():
            if path in self._refused or any(one.path == path for one in self._sets.values()):
                continue
            try:
                roads = RoadSet.open(path)
                found_of(roads)
            except (DataSetError, ValueError) as error:
                log.warning("road data set cannot be opened", path=str(path), reason=str(error))
                self._refused[path] = str(error)
                continue
            self._warm(roads)
            log.info("road data set", name=roads.name, source=roads.meta.source, valid_from=roads.meta.valid_from)
            opened.append(roads)
        return opened

    def _folders(self) -> list[Path]:
        if (self._folder / META).is_file():
            return [self._folder]
        latest = self._folder / LATEST
        last = latest.read_text("ascii").strip() if latest.is_file() else ""
        found = (one.parent for one in self._folder.glob(f"*/{META}"))
        return sorted(
            (one for one in found if not one.name.startswith(".")), key=lambda one: (one.name == last, one.name)
        )


def found_of(roads: RoadSet) -> Found:
    """What the register takes of a data set.  Raises ValueError for a valid-from that is no date."""
    told = roads.meta.valid_from
    return Found(roads.name, to_ordinal(date.fromisoformat(told)) if told else None, roads.meta.supersedes)
