"""Settings: all errors at once, frozen, secrets never shown."""

import pytest
from pydantic import Field, SecretStr, ValidationError

from shared.settings import ProcessSettings, ServiceSettings, load, masked

GOOD = {
    "RUCOR_DATABASE_URL": "postgresql://api:dbsecret@127.0.0.1/rucor",
    "RUCOR_WORKER_DATABASE_URL": "postgresql://worker:dbsecret@127.0.0.1/rucor",
    "RUCOR_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092,other.example:9093",
    "RUCOR_KAFKA_USERNAME": "ingest",
    "RUCOR_KAFKA_PASSWORD": "kafkasecret",
    "RUCOR_EMBEDDED": "1",
}


class Ingest(ServiceSettings):
    port: int = 8081
    body_bytes_max: int = Field(default=1_000, gt=0)
    internal_token: SecretStr = SecretStr("tokensecret")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def test_good_settings_are_read_and_frozen() -> None:
    settings = load(Ingest)
    assert (settings.port, settings.embedded, settings.kafka_username) == (8081, True, "ingest")
    assert settings.kafka_password.get_secret_value() == "kafkasecret"
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1


def test_all_errors_are_told_at_once_by_variable_and_none_shows_a_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RUCOR_DATABASE_URL", "mysql://root:dbsecret@127.0.0.1/rucor")
    monkeypatch.setenv("RUCOR_PORT", "99999")
    monkeypatch.setenv("RUCOR_BODY_BYTES_MAX", "0")
    monkeypatch.setenv("RUCOR_KAFKA_BOOTSTRAP_SERVERS", "localhost")
    monkeypatch.delenv("RUCOR_WORKER_DATABASE_URL")
    with pytest.raises(SystemExit) as ended:
        load(Ingest)
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert "5 error(s)" in told
    for name in ("DATABASE_URL", "PORT", "BODY_BYTES_MAX", "KAFKA_BOOTSTRAP_SERVERS", "WORKER_DATABASE_URL"):
        assert f"RUCOR_{name}: " in told
    assert "dbsecret" not in told


def test_secrets_are_masked_wherever_settings_are_shown() -> None:
    settings = load(Ingest)
    for shown in (masked(settings), repr(settings), str(settings)):
        assert "secret@" not in shown
        assert "kafkasecret" not in shown
        assert "tokensecret" not in shown


def test_an_empty_variable_is_as_if_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUCOR_PORT", "")
    assert load(Ingest).port == 8081


def test_a_process_without_stream_and_database_needs_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in GOOD:
        monkeypatch.delenv(name)
    assert load(ProcessSettings).host == "127.0.0.1"


@pytest.mark.parametrize("text", ["https://portal.example, http://localhost:5173", "https://[::1]:8443", ""])
def test_origins_of_pages_are_read(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUCOR_ALLOWED_ORIGINS", text)
    assert load(Ingest).origins == {one.strip() for one in text.split(",") if one.strip()}


@pytest.mark.parametrize(
    "text",
    ["*", "null", "https://*.portal.example", "https://portal.example/", "portal.example", "https://Portal.example", "ftp://portal.example",
     "https://portal.example:0", "https://portal.example https://other.example", "https://me@portal.example"],
)  # fmt: skip
def test_what_no_browser_sends_as_an_origin_is_refused_at_the_start(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RUCOR_ALLOWED_ORIGINS", text)
    with pytest.raises(SystemExit):
        load(Ingest)
    assert "RUCOR_ALLOWED_ORIGINS" in capsys.readouterr().err
