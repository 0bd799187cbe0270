"""Topic ids by our own Metadata v12 request: aiokafka asks v5, which has none.

The id is made when a topic is created and never used again, so it tells a re-created topic from the one we read before.
The library's version is pinned and a contract test asks the real broker, because the request stands on its internals."""

import uuid
from collections.abc import Iterable
from io import BytesIO
from typing import ClassVar, Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

from shared.settings import KafkaSettings
from shared.stream.connection import CONTROL_TIMEOUT_MS, StreamUnavailable, client_options

_METADATA: Final = 3
_ATTEMPTS: Final = 3


class _Uuid(AbstractType[uuid.UUID]):  # type: ignore[misc]
    @classmethod
    def encode(cls, value: uuid.UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> uuid.UUID:
        return uuid.UUID(bytes=data.read(16))


class MetadataResponseV12(Response):  # type: ignore[misc]
    """The answer as the protocol guide has it for version 12."""

    API_KEY = _METADATA
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class MetadataRequestV12(RequestStruct):  # type: ignore[misc]
    """Topics by name; creates nothing by accident."""

    FLEXIBLE_VERSION: ClassVar[bool] = True
    API_KEY = _METADATA
    API_VERSION = 12
    RESPONSE_TYPE = MetadataResponseV12
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("name", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class TopicIdsRequest(Request[MetadataRequestV12]):  # type: ignore[misc]
    """Picked by the connection only where the broker speaks version 12 (Kafka 3.1 and later)."""

    API_KEY = _METADATA

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics: list[tuple[uuid.UUID, str, dict[int, bytes]]] = [(uuid.UUID(int=0), name, {}) for name in topics]

    def build(self, request_struct_class: type[MetadataRequestV12]) -> MetadataRequestV12:
        return request_struct_class(self._topics, False, False, {})


class TopicIds:
    """Asks for topic ids over a connection of its own, which comes back by itself after a broker's restart."""

    def __init__(self, settings: KafkaSettings, *, client: str) -> None:
        self._client = AIOKafkaClient(**client_options(settings, client), request_timeout_ms=CONTROL_TIMEOUT_MS)

    async def start(self) -> None:
        """Connect.  Raises StreamUnavailable."""
        try:
            await self._client.bootstrap()
        except KafkaError as error:
            await self._client.close()
            raise StreamUnavailable(f"Kafka does not answer: {error}") from error

    async def stop(self) -> None:
        await self._client.close()

    async def ask(self, topics: Iterable[str]) -> dict[str, str]:
        """Topic name → id as text.  Raises StreamUnavailable, also for a topic that is not there."""
        wanted = list(topics)
        last: Exception | None = None
        for _ in range(_ATTEMPTS):
            node = self._client.get_random_node()
            if node is None:
                await self._client.force_metadata_update()
                continue
            try:
                answer = await self._client.send(node, TopicIdsRequest(wanted))
            except KafkaError as error:
                last = error
                await self._client.force_metadata_update()
                continue
            return _ids(answer)
        raise StreamUnavailable(f"topic ids can't be asked: {last!r}")


def _ids(answer: MetadataResponseV12) -> dict[str, str]:
    ids = {}
    for code, name, topic_id, *_ in answer.topics:
        if code:
            raise StreamUnavailable(f"topic {name}: {for_code(code).__name__}")
        ids[name] = str(topic_id)
    return ids
