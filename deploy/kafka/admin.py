"""The cluster's administration that no service does: readiness of a broker, and its access lists."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient  # noqa: TID251 - the operator's client, not a service's
from aiokafka.errors import KafkaError, for_code  # noqa: TID251 - as above
from aiokafka.protocol.admin import CreateAclsRequest, DescribeAclsRequest  # noqa: TID251 - as above

from deploy.kafka.acls import Operation, Pattern, Resource, Rule

_ALLOW: Final = 3
_ANY_HOST: Final = "*"
_TIMEOUT_MS: Final = 5_000
_POLL_S: Final = 0.02
_ANY: Final = 1
"""Of every kind of thing that a filter of access lists names."""
KNOWN_WITHIN_S: Final = 30.0


class _CreateAcls(CreateAclsRequest):  # type: ignore[misc]
    """All rules in one request; the library's own takes one."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class(
            [
                (
                    int(rule.resource),
                    rule.name,
                    int(rule.pattern),
                    rule.principal,
                    _ANY_HOST,
                    int(rule.operation),
                    _ALLOW,
                )
                for rule in self._rules
            ]
        )


def admin_client(bootstrap: str, username: str, password: str) -> AIOKafkaAdminClient:
    """A client for the cluster's administrator (SCRAM), or without authentication where the username is empty."""
    if not username:
        return AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=_TIMEOUT_MS)
    return AIOKafkaAdminClient(
        bootstrap_servers=bootstrap,
        request_timeout_ms=_TIMEOUT_MS,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=username,
        sasl_plain_password=password,
    )


async def brokers_alive(bootstrap: str, username: str, password: str) -> int:
    """How many brokers the cluster shows to a logged-in client.  KafkaError where none answers."""
    client = admin_client(bootstrap, username, password)
    try:
        await client.start()
        return len((await client.describe_cluster())["brokers"])
    finally:
        await client.close()


async def allow(bootstrap: str, username: str, password: str, rules: Sequence[Rule]) -> None:
    """Add the rules and wait until the broker judges by them; those already there stay as they are.

    KafkaError where the cluster refuses one, TimeoutError where the broker does not learn of them."""
    client = admin_client(bootstrap, username, password)
    try:
        await client.start()
        answer = await client._send_request(_CreateAcls(rules))  # noqa: SLF001 - the public method takes one rule a call
        for code, message in (entry[:2] for entry in answer.creation_responses):
            if code:
                raise for_code(code)(message)
        # the controller has them now, the broker a moment later: until then it refuses every service
        async with asyncio.timeout(KNOWN_WITHIN_S):
            while set(rules) - await _known(client):  # noqa: ASYNC110 - the cluster tells nobody
                await asyncio.sleep(_POLL_S)
    finally:
        await client.close()


async def _known(client: AIOKafkaAdminClient) -> set[Rule]:
    """The rules that the broker judges by at this moment, as far as they are of our kinds."""
    answer = await client._send_request(  # noqa: SLF001 - the library has no public method that gives all
        DescribeAclsRequest(_ANY, None, _ANY, None, None, _ANY, _ANY)
    )
    return {
        Rule(principal, Operation(operation), Resource(resource), name, Pattern(pattern))
        for resource, name, pattern, entries in answer.resources
        for principal, _, operation, allowed in entries
        if allowed == _ALLOW and resource in set(Resource) and operation in set(Operation) and pattern in set(Pattern)
    }


async def delete_topics(bootstrap: str, username: str, password: str, names: Sequence[str]) -> None:
    """Delete those of the topics that exist, and wait until they are gone.  KafkaError where the cluster refuses."""
    client = admin_client(bootstrap, username, password)
    try:
        await client.start()
        there = [name for name in await client.list_topics() if name in names]
        if there:
            await client.delete_topics(there)
        while set(await client.list_topics()) & set(names):  # noqa: ASYNC110 - the cluster tells nobody
            await asyncio.sleep(_POLL_S)
    finally:
        await client.close()


__all__ = ["KafkaError", "admin_client", "allow", "brokers_alive", "delete_topics"]
