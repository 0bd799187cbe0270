"""Who may do what on the stream: one principal per service, nothing granted that its code does not need.

| principal  | reads                | writes                                   | groups       |
|------------|----------------------|------------------------------------------|--------------|
| ingest     | quarantine           | pings, backfill, quarantine, days (quarantine holds) | `ingest.` |
| classifier | pings, backfill      | days, quarantine                         | `classifier.`|
| claims     | days                 | quarantine                               | `claims.`    |

Read and Write imply Describe.  DescribeConfigs lets a service check what guarantee G1 demands of its topics before it
starts.  Idempotent producing needs no right of its own.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from shared.contracts.topics import BACKFILL, DAYS, PINGS, QUARANTINE, Topic


class Resource(IntEnum):
    """Resource types of Kafka's protocol."""

    TOPIC = 2
    GROUP = 3


class Operation(IntEnum):
    """Operations of Kafka's protocol."""

    READ = 3
    WRITE = 4
    DESCRIBE_CONFIGS = 10


class Pattern(IntEnum):
    """How a resource name matches, in Kafka's protocol."""

    LITERAL = 3
    PREFIXED = 4


class Rule(NamedTuple):
    """One `allow`, from any host."""

    principal: str
    operation: Operation
    resource: Resource
    name: str
    pattern: Pattern = Pattern.LITERAL


class Access(NamedTuple):
    reads: tuple[Topic, ...]
    writes: tuple[Topic, ...]


ACCESS: Final = {
    "ingest": Access(reads=(QUARANTINE,), writes=(PINGS, BACKFILL, QUARANTINE, DAYS)),
    "classifier": Access(reads=(PINGS, BACKFILL), writes=(DAYS, QUARANTINE)),
    "claims": Access(reads=(DAYS,), writes=(QUARANTINE,)),
}


def rules() -> list[Rule]:
    """Every rule of the table above."""
    made: list[Rule] = []
    for service, access in ACCESS.items():
        principal = f"User:{service}"
        made += [Rule(principal, Operation.READ, Resource.TOPIC, topic.name) for topic in access.reads]
        made += [Rule(principal, Operation.WRITE, Resource.TOPIC, topic.name) for topic in access.writes]
        made += [
            Rule(principal, Operation.DESCRIBE_CONFIGS, Resource.TOPIC, topic.name)
            for topic in sorted({*access.reads, *access.writes})
        ]
        made.append(Rule(principal, Operation.READ, Resource.GROUP, f"{service}.", Pattern.PREFIXED))
    return made
