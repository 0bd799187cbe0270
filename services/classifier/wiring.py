"""The only place where the classifier's objects are joined."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import numpy as np
from fastapi import FastAPI

from services.classifier.api import (
    exclusions,
    explain,
    faulty,
    for_claims,
    land,
    places,
    reprocess,
    ruling_context,
    tracks,
    tracks_geojson,
)
from services.classifier.api.audit_reading import Desk
from services.classifier.api.ruling_problems import DESCRIPTION
from services.classifier.application import dirty, retention
from services.classifier.application.compaction import Compactor, Policy
from services.classifier.application.day_reading import Sources
from services.classifier.application.judging import Judges
from services.classifier.application.localities import Localities, localities_of
from services.classifier.application.place_names import Namer
from services.classifier.application.recompute import DryJudges
from services.classifier.application.road_sets import NamedRoads, RoadsByDay, RoadSetMissing
from services.classifier.consumer import Consumer
from services.classifier.domain.device_day import DayOutcome, classify_days
from services.classifier.domain.rulings import Book
from services.classifier.domain.scheme import V1
from services.classifier.fold import Fold
from services.classifier.library import Library
from services.classifier.resident import hand_back
from services.classifier.roads.dataset import RoadSet
from services.classifier.settings import ClassifierSettings
from shared import rounds
from shared.clock import system_clock
from shared.contracts.pings import LAYOUT, NONE, Key, Pings, make
from shared.contracts.topics import BACKFILL, PINGS
from shared.db.audit import PURGE_EVERY_S, PURGE_LOOP, PURGE_STALE_S, purge_round
from shared.db.pool import Pool, open_pool
from shared.http import audit_log, auth, conventions, cors, key_routes
from shared.http.commands import Commands
from shared.http.issuer import token_reader
from shared.http.limits import BodyLimit
from shared.http.tokens import TokenReader
from shared.nz_days import FIRST_DAY, bounds_ms, to_ordinal
from shared.observability.health import Health
from shared.observability.logging import get_logger
from shared.observability.metrics import CLASSIFIER_ROADS_HANDED_BACK
from shared.runtime import Task, serve
from shared.stream.log import Log, StreamUnavailable
from shared.stream.outbox import Relay
from shared.stream.source import Source

GROUP: Final = "classifier.fold.v1"
LOOP: Final = "consumer"
LOOK_EVERY_S: Final = 1.0
OPEN_ATTEMPTS: Final = 60
BODY_BYTES_MAX: Final = 1_000_000

log = get_logger(__name__)


def code_version() -> str:
    """This release, as quarantined rows name it."""
    try:
        return version("rucor")
    except PackageNotFoundError:
        return "unknown"


def warm(roads: RoadSet) -> None:
    """Load (on a fresh machine: compile) the kernels by classifying two fixes on the data set's first way."""
    columns = {name: np.full(2, NONE) for name, _ in LAYOUT} | {
        "key": np.zeros(2),
        "ts_ms": np.array([0, 10_000]) + bounds_ms(to_ordinal(FIRST_DAY) + 1)[0],
        "lat_e6": roads.roads.lat_e6[:1].repeat(2),
        "lng_e6": roads.roads.lng_e6[:1].repeat(2),
    }
    classify_days(make([("", "warm-up")], columns), None, roads, V1)


class Classifier:
    """The service's parts, from the moment when a road data set is there."""

    def __init__(self, settings: ClassifierSettings, health: Health, worker: Pool) -> None:
        self._settings = settings
        self._health = health
        self._worker = worker
        self.library = Library(settings.roads_dir, worker, system_clock, warm)
        self._judges = Judges(self._classify, lambda: self.library.sets)

    def _classify(
        self, pings: Pings, wanted: Sequence[tuple[Key, int]], roads: NamedRoads, *, book: Book
    ) -> list[DayOutcome]:
        """Scheme 1, within the memory that road data sets may take."""
        outcomes = classify_days(pings, wanted, roads, V1, book)
        if hand_back(list(self.library.sets.values()), self._settings.roads_resident_mb):
            CLASSIFIER_ROADS_HANDED_BACK.inc()
        return outcomes

    def roads(self) -> RoadsByDay | None:
        """The open data sets by day, None while one that counts is missing."""
        return RoadsByDay(self.library.timeline, self.library.sets) if self.library.complete() else None

    def set_of_day(self, day: int) -> tuple[RoadSet, bool] | None:
        """The data set that counts for an NZ day, and whether the day lies before its valid-from; None as for `roads`."""
        roads = self.roads()
        if roads is None:
            return None
        chosen, early = roads.of_day(day)
        return self.library.sets[chosen.name], early

    def set_named(self, name: str) -> RoadSet | None:
        """An open data set, also one that nothing counts by any more: an older revision may name it."""
        return self.library.sets.get(name)

    def localities_of(self, name: str) -> Localities | None:
        """Beside an open road data set."""
        found = self.set_named(name)
        return None if found is None else localities_of(found.path)

    async def consume(self) -> None:
        """Fold until cancelled, whenever every registered road data set is open here.

        While one is missing this process leaves the group, so that others, who have it, take its partitions."""
        self._health.check("road data sets", self.library.problem)
        while True:
            self._health.wait_for(LOOP, "loading the kernels, waiting for road data sets")
            while not self.library.complete():  # noqa: ASYNC110 - another process makes them
                await asyncio.sleep(LOOK_EVERY_S)
            self._health.wait_for(LOOP, "joining the consumer group")
            try:
                await self._fold()
            except RoadSetMissing as error:
                log.warning("left the group until the road data set is here", reason=str(error))
            finally:
                self._health.forget(LOOP)

    async def _fold(self) -> None:
        source = Source(self._settings, group=GROUP, topics=[PINGS, BACKFILL], pool=self._worker, lane=BACKFILL)
        await source.start()
        self._health.check("stream", source.problem)
        self._health.done(LOOP)
        consumer = Consumer(
            source,
            self._worker,
            Fold(gap_ms=V1.gap_limit_ms, code_version=code_version(), cache_rows_max=self._settings.cache_rows_max),
            self._judges,
            gap_ms=V1.gap_limit_ms,
            code_version=code_version(),
            clock=system_clock,
            cadence_s=self._settings.cadence_ms / 1_000,
            health=self._health,
            compactor=Compactor(self._worker, self._compaction()),
        )
        try:
            await consumer.run()
        finally:
            await source.stop()

    def _compaction(self) -> Policy:
        settings = self._settings
        return Policy(V1.gap_limit_ms, settings.compact_delay_s * 1_000, settings.compact_quiet_s * 1_000)


async def open_log(settings: ClassifierSettings) -> Log:
    """The log, with patience for a broker that is starting.  Raises StreamUnavailable in the end."""
    for _ in range(OPEN_ATTEMPTS):
        try:
            return await Log.open(settings, client="rucor-classifier")
        except StreamUnavailable as error:
            log.warning("waiting for Kafka", error=str(error))
            await asyncio.sleep(LOOK_EVERY_S)
    return await Log.open(settings, client="rucor-classifier")


def create_app(
    settings: ClassifierSettings, api_pool: Pool, classifier: Classifier, tokens: TokenReader | None = None
) -> FastAPI:
    """The HTTP side: rulings, reprocessing, tracks and explanations for tenants; tracks and recomputation for our own."""
    app = FastAPI(
        title="RUC off-road classifier",
        version=code_version(),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
    )
    commands = Commands(api_pool, lambda asked: sha256(asked).digest())
    ruling_context.install(app, ruling_context.Context(api_pool, commands, system_clock, V1.gap_limit_ms))
    for module in (land, exclusions):
        app.include_router(module.router)
    judges = DryJudges(partial(classify_days, scheme=V1), classifier.roads, lambda: classifier.library.sets)
    app.include_router(reprocess.router(api_pool, commands, settings.internal_token, V1, judges))
    app.include_router(tracks.router(api_pool, settings.internal_token, V1, classifier.roads))
    app.include_router(for_claims.router(api_pool, settings.internal_token, lambda: classifier.library.sets))
    app.include_router(faulty.router(api_pool, settings.internal_token))
    app.include_router(
        places.router(api_pool, settings.internal_token, Namer(classifier.set_named, classifier.localities_of))
    )
    desk = Desk(api_pool, Sources(V1, classifier.set_of_day, classifier.set_named))
    for audit in (tracks_geojson, explain):
        app.include_router(audit.router(desk))
    app.include_router(audit_log.router(api_pool), prefix="/v1")
    app.include_router(key_routes.router(api_pool, system_clock, limits=settings), prefix="/v1")
    app.add_middleware(BodyLimit, limit_bytes=BODY_BYTES_MAX)
    conventions.install(app)
    auth.install(app, api_pool, tokens, limits=settings)
    cors.install(app, settings.origins)
    return app


async def run(settings: ClassifierSettings) -> int:
    """Serve until SIGTERM; returns the exit code."""
    health = Health()
    health.wait_for(LOOP, "starting")
    async with AsyncExitStack() as stack:
        api_pool = await open_pool(settings.database_url, name="rucor-classifier-api", size=4)
        stack.push_async_callback(api_pool.close)
        worker = await open_pool(settings.worker_database_url, name="rucor-classifier-worker", size=4)
        stack.push_async_callback(worker.close)
        stream = await open_log(settings)
        stack.push_async_callback(stream.close)
        classifier = Classifier(settings, health, worker)
        relay = Relay(worker, stream, health=health)
        tokens = await stack.enter_async_context(token_reader(settings, system_clock))
        app = create_app(settings, api_pool, classifier, tokens)
        tasks: list[Task] = [
            (LOOP, classifier.consume),
            ("road data sets", classifier.library.keep_looking),
            ("outbox", relay.run),
            rounds.task(
                dirty.LOOP, partial(dirty.ask_on, worker), health, stale_after_s=dirty.STALE_S, idle_s=dirty.IDLE_S
            ),
            rounds.task(
                retention.LOOP,
                retention.House(worker, system_clock).round,
                health,
                stale_after_s=retention.STALE_S,
                idle_s=retention.LOOK_EVERY_S,
            ),
            rounds.task(
                PURGE_LOOP, partial(purge_round, worker), health, stale_after_s=PURGE_STALE_S, idle_s=PURGE_EVERY_S
            ),
        ]
        return await serve(app, settings, tasks, health=health)
