"""Membership of a consumer group: the consumer with our settings, and a listener that only notes what was decided."""

from collections.abc import Collection, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from shared.contracts.topics import MESSAGE_BYTES_MAX
from shared.settings import KafkaSettings
from shared.stream.connection import client_options
from shared.stream.positions import TP

SESSION_TIMEOUT_MS: Final = 6_000
HEARTBEAT_MS: Final = 1_500
REBALANCE_TIMEOUT_MS: Final = 30_000
METADATA_MAX_AGE_MS: Final = 10_000
"""A topic deleted and created again leaves its members without partitions until they look again."""
REQUEST_TIMEOUT_MS: Final = 40_000
"""Above the rebalance timeout: a JoinGroup is answered only when all members have come."""
FETCH_BYTES_MAX: Final = 16_000_000
"""Bounds what the client holds in memory per broker, whatever the number of records asked for."""


class Decisions(ConsumerRebalanceListener):  # type: ignore[misc]
    """What the group decided last.  It runs while a batch may be in progress, so it does nothing but note."""

    def __init__(self) -> None:
        self.number = 0
        """Rises with every revocation and every assignment."""
        self.assigned: frozenset[TP] | None = None
        """None while the group is rebalancing."""

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:  # noqa: ARG002 - aiokafka calls it so
        self.number += 1
        self.assigned = None

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self.number += 1
        self.assigned = frozenset((tp.topic, tp.partition) for tp in assigned)


def subscribed(settings: KafkaSettings, group: str, topics: Sequence[str], decisions: Decisions) -> AIOKafkaConsumer:
    """A consumer, not started yet, that never resets and never commits by itself."""
    consumer = AIOKafkaConsumer(
        **client_options(settings, group),
        group_id=group,
        auto_offset_reset="none",
        enable_auto_commit=False,
        fetch_max_bytes=FETCH_BYTES_MAX,
        max_partition_fetch_bytes=2 * MESSAGE_BYTES_MAX,
        metadata_max_age_ms=METADATA_MAX_AGE_MS,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        session_timeout_ms=SESSION_TIMEOUT_MS,
        heartbeat_interval_ms=HEARTBEAT_MS,
        rebalance_timeout_ms=REBALANCE_TIMEOUT_MS,
        # topic by topic the same ranges to the same members: topics of one partitioning stay together
        partition_assignment_strategy=[RangePartitionAssignor],
    )
    consumer.subscribe(topics, listener=decisions)
    return consumer
