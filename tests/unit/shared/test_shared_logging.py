"""Logs are JSON lines on stderr without secrets, also those of the libraries."""

import json
import logging
from collections.abc import Iterator
from uuid import UUID

import pytest
import structlog

from shared.http.mint import fresh_keys, read_keys
from shared.http.tokens import AccessToken, sign
from shared.observability.logging import Sparing, configure, get_logger

KEYS = read_keys(fresh_keys())
KEY = "rucor_0123abcd_" + "A" * 43


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_our_lines_and_the_libraries_have_one_shape(capsys: pytest.CaptureFixture[str]) -> None:
    configure("ingest")
    get_logger("services.ingest").info("committed", pings=3)
    logging.getLogger("somebody.else").warning("odd: %s", 7)
    ours, theirs = lines(capsys)
    assert (ours["service"], ours["event"], ours["pings"], ours["level"]) == ("ingest", "committed", 3, "info")
    assert (theirs["event"], theirs["logger"], theirs["level"]) == ("odd: 7", "somebody.else", "warning")
    assert str(ours["at"]).endswith("Z")


def test_secrets_are_masked_by_name_and_by_shape(capsys: pytest.CaptureFixture[str]) -> None:
    configure("ingest")
    log = get_logger("x")
    log.info("login", kafka_password="hunter2", dsn="postgresql://api:hunter2@127.0.0.1/rucor", header=f"Bearer {KEY}")
    try:
        raise ValueError(f"bad key {KEY}")
    except ValueError:
        log.exception("failed")
    logging.getLogger("lib").error("cannot connect to postgresql://api:hunter2@127.0.0.1/rucor")
    text = capsys.readouterr().err
    assert "hunter2" not in text
    assert "A" * 43 not in text
    assert "rucor_0123abcd_***" in text
    assert "postgresql://***@127.0.0.1/rucor" in text


def test_access_tokens_are_masked_by_shape(capsys: pytest.CaptureFixture[str]) -> None:
    token = sign(
        AccessToken(tenant_id=UUID(int=7), subject="k", scopes=frozenset()), KEYS[0], "https://claims.example", 0
    )
    configure("ingest")
    get_logger("x").info("asked", header=f"Bearer {token}, and more")
    text = capsys.readouterr().err
    assert not any(part in text for part in token.split("."))
    assert "Bearer ***, and more" in text


def test_the_level_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    configure("ingest", "WARNING")
    get_logger("x").info("quiet")
    logging.getLogger("aiokafka.client").info("quiet")
    get_logger("x").warning("loud")
    assert [line["event"] for line in lines(capsys)] == ["loud"]


def test_a_library_that_repeats_itself_is_heard_once_in_a_while() -> None:
    clock = [0.0]
    sparing = Sparing(lambda: clock[0])

    def heard(name: str, line: int) -> bool:
        return sparing.filter(logging.LogRecord(name, logging.ERROR, "client.py", line, "away", (), None))

    assert [heard("aiokafka", 1), heard("aiokafka", 1), heard("aiokafka.consumer", 2)] == [True, False, True]
    assert [heard("shared.stream", 1), heard("shared.stream", 1)] == [True, True]
    clock[0] = 10.0
    assert heard("aiokafka", 1)
