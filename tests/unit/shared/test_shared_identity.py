"""Which logs are still ours: the pure part of the identity check, and the topics' differences."""

from aiokafka import ConsumerRecord

from shared.contracts.topics import PINGS
from shared.stream.admin import Description, differences, wanted_configs
from shared.stream.identity import fault, has_witness, witness_fault
from shared.stream.polled import contiguous
from shared.stream.positions import Position
from shared.stream.probe import LogState

POSITION = Position("t", 0, "id", 10, 0xABC, 4)


def test_a_position_inside_its_log_is_fine() -> None:
    for start, end in ((0, 10), (0, 50), (10, 10), (10, 11)):
        assert fault(POSITION, LogState("id", start, end)) is None


def test_what_is_data_loss() -> None:
    assert "re-created" in (fault(POSITION, LogState("other", 0, 50)) or "")
    assert "2 records from 10 on" in (fault(POSITION, LogState("id", 12, 50)) or "")
    assert "ends at 9" in (fault(POSITION, LogState("id", 0, 9)) or "")


def test_the_frame_before_is_compared_only_where_it_is_still_there() -> None:
    assert has_witness(POSITION, LogState("id", 9, 10))
    assert not has_witness(POSITION, LogState("id", 10, 20))
    assert not has_witness(Position("t", 0, "id", 0, None, 0), LogState("id", 0, 5))
    assert not has_witness(Position("t", 0, "id", 3, None, 0), LogState("id", 0, 5))


def test_another_frame_or_another_offset_is_no_witness() -> None:
    value = bytes(16) + (0xABC).to_bytes(4, "little")
    assert witness_fault(POSITION, 9, value) is None
    assert "rewritten" in (witness_fault(POSITION, 9, bytes(20)) or "")
    assert "rewritten" in (witness_fault(POSITION, 11, value) or "")
    assert "rewritten" in (witness_fault(POSITION, 9, b"") or "")


def record(offset: int) -> ConsumerRecord:
    return ConsumerRecord("t", 0, offset, 0, 0, None, b"x", None, 0, 1, ())


def test_records_are_taken_up_to_the_first_gap() -> None:
    assert [r.offset for r in contiguous([record(n) for n in (5, 6, 8)], 5)] == [5, 6]
    assert contiguous([record(6)], 5) == []
    assert contiguous([], 5) == []


def test_topics_differ_in_words() -> None:
    good = Description(PINGS.partitions, 3, wanted_configs(PINGS, 3))
    assert differences(PINGS, good, 3) == []
    assert differences(PINGS, None, 3) == ["ruc.pings.v1 does not exist"]
    more = good.configs | {"min.insync.replicas": "3", "max.message.bytes": "99999999"}
    assert differences(PINGS, good._replace(configs=more), 3) == []
    less = good.configs | {"min.insync.replicas": "1", "unclean.leader.election.enable": "true"}
    assert differences(PINGS, Description(6, 2, less), 3) == [
        "ruc.pings.v1 has 6 partitions, not 12",
        "ruc.pings.v1 has 2 replicas, fewer than 3",
        "ruc.pings.v1 has min.insync.replicas=1, not 2",
        "ruc.pings.v1 has unclean.leader.election.enable=true, not false",
    ]
