"""Kafka's storage tool takes an id that begins with a dash for an option: one first start in 64 would fail."""

import base64

from deploy.embedded.kafka import new_cluster_id


def test_a_cluster_id_never_begins_with_a_dash() -> None:
    made = [new_cluster_id() for _ in range(2000)]
    assert not [one for one in made if one.startswith("-")]
    assert len(set(made)) == len(made)
    assert {len(base64.urlsafe_b64decode(one + "==")) for one in made} == {16}
