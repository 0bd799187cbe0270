"""Log: durable appends to Kafka.  Idempotent producer, acks=all, a deadline of its own, bounded memory.

aiokafka never expires a batch whose partition has a leader, so the deadline is ours: `append` raises `StreamUnavailable`
then, and the frame may still land.  A batch that fails leaves a hole in the producer's sequence numbers, after which the
broker refuses all that follow (OutOfOrderSequenceNumber): so whatever the error, the producer is replaced and the append
tried again until its deadline.  That may write a frame twice, which readers bear."""

import asyncio
import contextlib
import time
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerClosed

from shared.contracts.topics import MESSAGE_BYTES_MAX, TOPICS
from shared.observability.logging import get_logger
from shared.observability.metrics import APPEND_FAILURES, APPEND_SECONDS, IN_FLIGHT_BYTES, PRODUCER_REPLACED
from shared.settings import KafkaSettings
from shared.stream.admin import check_durability
from shared.stream.connection import REQUEST_TIMEOUT_MS, StreamUnavailable, client_options

__all__ = ["Log", "Record", "StreamUnavailable"]

IN_FLIGHT_BYTES_MAX: Final = 32_000_000
START_TIMEOUT_S: Final = 20.0
CLOSE_TIMEOUT_S: Final = 10.0
_RETRY_S: Final = 0.2

log = get_logger(__name__)


class Record(NamedTuple):
    """One frame on a topic."""

    topic: str
    partition: int
    offset: int
    value: bytes


class Log:
    """One producer for a process.  Safe for many tasks at once."""

    def __init__(self, settings: KafkaSettings, *, client: str) -> None:
        self._settings = settings
        self._client = client
        self._producer: AIOKafkaProducer | None = None
        self._replacing = asyncio.Lock()
        self._room = asyncio.Condition()
        self._in_flight = 0
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    @classmethod
    async def open(cls, settings: KafkaSettings, *, client: str) -> "Log":
        """Connect.  Raises StreamUnavailable; Fatal where the topics are not durable enough (design G1)."""
        if not settings.embedded:
            await check_durability(settings, TOPICS)
        opened = cls(settings, client=client)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                opened._producer = await opened._start()
        except (KafkaError, TimeoutError) as error:
            raise StreamUnavailable(
                f"Kafka does not answer at {settings.kafka_bootstrap_servers}: {error!r}"
            ) from error
        return opened

    async def append(self, topic: str, partition: int, value: bytes, *, deadline_s: float = 10.0) -> int:
        """Append one frame; returns its offset once it is durable on all in-sync replicas.

        Raises StreamUnavailable after `deadline_s` seconds (the frame may still land), ValueError above the size limit."""
        if len(value) > MESSAGE_BYTES_MAX:
            raise ValueError(f"a frame of {len(value)} bytes is above {MESSAGE_BYTES_MAX}: split it before the append")
        started = time.monotonic()
        try:
            async with asyncio.timeout(deadline_s):
                await self._take_room(len(value))
                offset = await self._append(topic, partition, value)
        except TimeoutError as error:
            APPEND_FAILURES.labels(topic).inc()
            raise StreamUnavailable(f"{topic}/{partition}: not durable within {deadline_s:g} s") from error
        APPEND_SECONDS.labels(topic).observe(time.monotonic() - started)
        return offset

    async def close(self) -> None:
        """Flush and end; frames that Kafka has not taken within 10 s are given up (their appends have raised)."""
        self._closed = True
        if self._producer is not None:
            await _end(self._producer)
        if self._ending:
            await asyncio.wait(self._ending, timeout=CLOSE_TIMEOUT_S)

    async def _start(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **client_options(self._settings, self._client),
            enable_idempotence=True,
            acks="all",
            max_batch_size=MESSAGE_BYTES_MAX,
            max_request_size=MESSAGE_BYTES_MAX,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
        try:
            await producer.start()
        except BaseException:
            await _end(producer)
            raise
        return producer

    async def _take_room(self, size: int) -> None:
        async with self._room:
            await self._room.wait_for(lambda: self._in_flight == 0 or self._in_flight + size <= IN_FLIGHT_BYTES_MAX)
            self._in_flight += size
            IN_FLIGHT_BYTES.set(self._in_flight)

    def _give_room(self, size: int) -> None:
        async def give() -> None:
            async with self._room:
                self._in_flight -= size
                IN_FLIGHT_BYTES.set(self._in_flight)
                self._room.notify_all()

        task = asyncio.get_running_loop().create_task(give())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _let_go(self, held: "asyncio.Future[Any]", size: int) -> None:
        if not held.cancelled():
            held.exception()  # nobody waits for it any more
        self._give_room(size)

    async def _append(self, topic: str, partition: int, value: bytes) -> int:
        """Until durable; the room taken for `value` is given back when the producer lets go of it, not at the deadline."""
        held: asyncio.Future[Any] | None = None
        try:
            while True:
                producer = await self._usable()
                try:
                    held = await producer.send(topic, value, partition=partition)
                    result = await asyncio.shield(held)
                except MessageSizeTooLargeError as error:
                    raise ValueError(f"Kafka refuses a frame of {len(value)} bytes for {topic}") from error
                except (KafkaError, ProducerClosed) as error:
                    log.warning("append failed", topic=topic, partition=partition, error=repr(error))
                    await self._replace(producer, error)
                    await asyncio.sleep(_RETRY_S)
                    continue
                return int(result.offset)
        finally:
            if held is None or held.done():
                self._give_room(len(value))
            else:
                held.add_done_callback(lambda done: self._let_go(done, len(value)))

    async def _usable(self) -> AIOKafkaProducer:
        if self._closed:
            raise StreamUnavailable("the log is closed")
        if self._producer is None:
            await self._replace(None, None)
        assert self._producer is not None  # noqa: S101 - `_replace` has set it
        return self._producer

    async def _replace(self, failed: AIOKafkaProducer | None, error: Exception | None) -> None:
        """A fresh producer in the place of `failed`, once, however many appends ask for it."""
        async with self._replacing:
            if self._producer is not failed:
                return
            if failed is not None:
                PRODUCER_REPLACED.labels(type(error).__name__).inc()
                self._producer = None
                task = asyncio.create_task(_end(failed))
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)
            while self._producer is None:
                try:
                    self._producer = await self._start()
                except KafkaError as start_error:
                    log.warning("producer does not start", error=repr(start_error))
                    await asyncio.sleep(_RETRY_S)


async def _end(producer: AIOKafkaProducer) -> None:
    """Flush within the time limit, then let go by force: a producer without a broker would wait for ever."""
    with contextlib.suppress(TimeoutError, KafkaError):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await producer.stop()
            return
    with contextlib.suppress(TimeoutError, KafkaError):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await producer.client.close()
