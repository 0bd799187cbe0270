"""Topics: declared in `shared.contracts.topics`, created or checked here by one command, nowhere by accident."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from shared.contracts.topics import MESSAGE_BYTES_MAX, TOPICS, Topic
from shared.errors import Fatal
from shared.settings import KafkaSettings
from shared.stream.connection import CONTROL_TIMEOUT_MS, StreamUnavailable, client_options
from shared.stream.probe import Probe

REPLICATION_MIN: Final = 3
MIN_INSYNC_MIN: Final = 2
_MIN_INSYNC: Final = "min.insync.replicas"
_UNCLEAN: Final = "unclean.leader.election.enable"
_MESSAGE_MAX: Final = "max.message.bytes"
_RETENTION: Final = "retention.ms"
_ATTEMPTS: Final = 50
_PAUSE_S: Final = 0.2


class TopicsWrong(Fatal):
    """Topics are missing or not as declared; the message lists every difference."""


class Description(NamedTuple):
    """A topic as the cluster has it."""

    partitions: int
    replication: int
    """The smallest number of replicas of any partition."""
    configs: dict[str, str]


def wanted_configs(topic: Topic, replication: int) -> dict[str, str]:
    """The configuration a topic is created with.  Append time, so that retention never hangs on a client's clock."""
    return {
        "cleanup.policy": "delete",
        "compression.type": "producer",
        "message.timestamp.type": "LogAppendTime",
        _MESSAGE_MAX: str(MESSAGE_BYTES_MAX),
        _MIN_INSYNC: str(MIN_INSYNC_MIN if replication >= REPLICATION_MIN else 1),
        _RETENTION: str(topic.retention_ms),
        _UNCLEAN: "false",
    }


@asynccontextmanager
async def _admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**client_options(settings, "rucor-admin"), request_timeout_ms=CONTROL_TIMEOUT_MS)
    try:
        await admin.start()
        yield admin
    except KafkaError as error:
        raise StreamUnavailable(f"Kafka administration failed: {error!r}") from error
    finally:
        await admin.close()


async def _describe(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, Description]:
    """The topics of `names` that exist.  Raises KafkaError."""
    found = {}
    for topic in await admin.describe_topics(list(names)):
        error = for_code(topic["error_code"])
        if error is UnknownTopicOrPartitionError:
            continue
        if topic["error_code"]:
            raise error(topic["topic"])
        replicas = [len(partition["replicas"]) for partition in topic["partitions"]]
        found[topic["topic"]] = Description(len(replicas), min(replicas, default=0), {})
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in found]
    for answer in await admin.describe_configs(resources) if resources else ():
        for resource in answer.to_object()["resources"]:
            if resource["error_code"]:
                raise for_code(resource["error_code"])(f"{resource['resource_name']}: {resource['error_message']}")
            entries = resource["config_entries"]
            found[resource["resource_name"]].configs.update({e["config_names"]: e["config_value"] for e in entries})
    return found


def differences(topic: Topic, seen: Description | None, replication: int) -> list[str]:
    """What is wrong with a topic, in words; empty when nothing is."""
    if seen is None:
        return [f"{topic.name} does not exist"]
    wrong = []
    if seen.partitions != topic.partitions:
        wrong.append(f"{topic.name} has {seen.partitions} partitions, not {topic.partitions}")
    if seen.replication < replication:
        wrong.append(f"{topic.name} has {seen.replication} replicas, fewer than {replication}")
    wanted = wanted_configs(topic, replication)
    for name, value in wanted.items():
        have = seen.configs.get(name)
        enough = have is not None and name in {_MESSAGE_MAX, _MIN_INSYNC} and int(have) >= int(value)
        if have != value and not enough:
            wrong.append(f"{topic.name} has {name}={have}, not {value}")
    return wrong


async def create_or_check_topics(
    settings: KafkaSettings, *, replication: int, topics: Iterable[Topic] = TOPICS
) -> list[str]:
    """Create the declared topics that are missing, check the others; returns the names created.

    Raises TopicsWrong with every difference, StreamUnavailable.  Topics are ready for use when it returns."""
    declared = list(topics)
    async with _admin(settings) as admin:
        seen = await _describe(admin, [topic.name for topic in declared])
        missing = [topic for topic in declared if topic.name not in seen]
        if missing:
            answer = await admin.create_topics(
                [
                    NewTopic(t.name, t.partitions, replication, topic_configs=wanted_configs(t, replication))
                    for t in missing
                ]
            )
            for name, code, message in answer.topic_errors:
                if code and for_code(code) is not TopicAlreadyExistsError:
                    raise for_code(code)(f"{name}: {message}")
            seen = await _wait_for(admin, declared)
    wrong = [text for topic in declared for text in differences(topic, seen.get(topic.name), replication)]
    if wrong:
        raise TopicsWrong("; ".join(wrong))
    return [topic.name for topic in missing]


async def _wait_for(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> dict[str, Description]:
    """Until the brokers know all new topics and every partition has a leader."""
    names = [topic.name for topic in topics]
    for _ in range(_ATTEMPTS):
        answers: list[dict[str, Any]] = await admin.describe_topics(names)
        leaders = [p["leader"] for answer in answers for p in answer["partitions"] if not answer["error_code"]]
        if len(leaders) >= sum(topic.partitions for topic in topics) and min(leaders) >= 0:
            return await _describe(admin, names)
        await asyncio.sleep(_PAUSE_S)
    raise StreamUnavailable(f"topics are not ready after {_ATTEMPTS * _PAUSE_S:.0f} s: {', '.join(names)}")


async def check_durability(settings: KafkaSettings, topics: Iterable[Topic] = TOPICS) -> None:
    """Guarantee G1: refuse clusters that can lose an acknowledged frame.  Raises TopicsWrong, StreamUnavailable."""
    declared = list(topics)
    async with _admin(settings) as admin:
        seen = await _describe(admin, [topic.name for topic in declared])
    wrong = []
    for topic in declared:
        found = seen.get(topic.name)
        if found is None:
            wrong.append(f"{topic.name} does not exist")
            continue
        if found.replication < REPLICATION_MIN:
            wrong.append(f"{topic.name} has {found.replication} replicas, fewer than {REPLICATION_MIN}")
        if int(found.configs.get(_MIN_INSYNC, "0")) < MIN_INSYNC_MIN:
            wrong.append(f"{topic.name} has {_MIN_INSYNC}={found.configs.get(_MIN_INSYNC)}, below {MIN_INSYNC_MIN}")
        if found.configs.get(_UNCLEAN) != "false":
            wrong.append(f"{topic.name} has {_UNCLEAN}={found.configs.get(_UNCLEAN)}, not false")
    if wrong:
        raise TopicsWrong(
            "acknowledged pings could be lost (guarantee G1): " + "; ".join(wrong) + ". Correct the topics, or set "
            "RUCOR_EMBEDDED=1 for a single broker whose limits you accept."
        )


async def topic_ids(settings: KafkaSettings, topics: Iterable[str]) -> dict[str, str]:
    """Topic name → topic id.  Raises StreamUnavailable."""
    probe = Probe(settings, client="rucor-topic-ids")
    await probe.start()
    try:
        return await probe.ids(topics)
    finally:
        await probe.stop()
