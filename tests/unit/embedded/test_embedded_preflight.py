"""What is refused before anything starts, in words that say what to do."""

import json
import os
import socket
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from deploy.embedded import credentials, ports, postgres, preflight
from deploy.embedded.credentials import Credentials
from deploy.embedded.errors import StackError, missing_library


def test_a_second_instance_on_the_same_folder_is_refused_with_the_first_ones_pid(tmp_path: Path) -> None:
    data = tmp_path / "var"
    with preflight.open_data_dir(data), pytest.raises(StackError, match=f"pid {os.getpid()}"):
        preflight.open_data_dir(data)
    preflight.open_data_dir(data).close()  # the first has ended: its lock is gone, whatever the file says


def test_the_data_folder_is_its_owners_alone(tmp_path: Path) -> None:
    data = tmp_path / "var"
    data.mkdir(mode=0o755)
    preflight.open_data_dir(data).close()
    assert data.stat().st_mode & 0o777 == 0o700


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StackError, match="cannot be used: Not a directory"):
        preflight.open_data_dir(tmp_path / "file" / "var")


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path) -> None:
    preflight.check_free_space(tmp_path, floor_bytes=1)
    with pytest.raises(StackError, match="The disk is full"):
        preflight.check_free_space(tmp_path, floor_bytes=2**62)


def test_a_missing_native_library_names_the_command_that_installs_it() -> None:
    with pytest.raises(StackError, match="apt-get install -y libfancy0") as refused:
        preflight.check_pdf_libraries({"c": "libc6", "fancy-not-there": "libfancy0"})
    assert "fancy-not-there" in str(refused.value)
    assert "libc6" not in str(refused.value)


def test_the_loaders_refusal_of_a_program_becomes_advice() -> None:
    refusal = "postgres: error while loading shared libraries: libz.so.1: cannot open shared object file: No such file"
    assert "apt-get install -y zlib1g" in str(missing_library(refusal))
    assert "apt-file search libodd.so.7" in str(missing_library(refusal.replace("libz.so.1", "libodd.so.7")))
    assert missing_library("some other failure") is None


@pytest.mark.parametrize("written", [{"layout": 2, "kafka": "4.3.1"}, {"layout": 1, "kafka": "4.10.0"}])
def test_a_folder_of_a_newer_release_is_refused(tmp_path: Path, written: dict[str, object]) -> None:
    (tmp_path / preflight.FORMAT_FILE).write_text(json.dumps(written))
    with pytest.raises(StackError, match="written by a newer release"):
        preflight.check_format(tmp_path, "4.3.1")
    assert json.loads((tmp_path / preflight.FORMAT_FILE).read_text()) == written


def test_a_folder_of_an_older_kafka_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / preflight.FORMAT_FILE).write_text(json.dumps({"layout": 1, "kafka": "4.2.9"}))
    preflight.check_format(tmp_path, "4.3.1")
    assert json.loads((tmp_path / preflight.FORMAT_FILE).read_text())["kafka"] == "4.3.1"


def test_a_cluster_of_another_postgres_major_is_refused_with_the_commands_that_carry_it_over(tmp_path: Path) -> None:
    data = tmp_path / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("16\n")
    with pytest.raises(StackError) as refused:
        postgres.check_data_version(data, 18, Path("/wheel/bin"))
    message = str(refused.value)
    assert "written by Postgres 16; this is Postgres 18" in message
    for command in (f"mv {data}", "/usr/lib/postgresql/16/bin/pg_ctl", "/wheel/bin/pg_dumpall", "/wheel/bin/psql"):
        assert command in message
    postgres.check_data_version(data, 16, Path("/wheel/bin"))


def test_a_folder_that_is_no_cluster_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="no PG_VERSION"):
        postgres.check_data_version(tmp_path, 18, Path("/wheel/bin"))


def test_secrets_are_made_once_and_readable_by_the_owner_alone(tmp_path: Path) -> None:
    made = credentials.load_or_create(tmp_path)
    assert credentials.load_or_create(tmp_path) == made
    assert (tmp_path / credentials.FILE).stat().st_mode & 0o777 == 0o600
    flat = [
        *made.kafka.values(),
        *made.roles.values(),
        made.postgres_superuser,
        made.kafka_controller,
        *made.tokens.values(),
    ]
    assert len(set(flat)) == len(flat) == 4 + 9 + 1 + 1 + 3
    assert Credentials.fresh() != made


def test_a_folder_of_an_older_release_gets_the_token_that_it_lacks_and_keeps_the_others(tmp_path: Path) -> None:
    made = credentials.load_or_create(tmp_path)
    older = {**asdict(made), "tokens": {name: made.tokens[name] for name in ("classifier", "pdf")}}
    (tmp_path / credentials.FILE).write_text(json.dumps(older))
    completed = credentials.load_or_create(tmp_path)
    assert completed.tokens["ingest"] not in {"", made.tokens["ingest"]}
    assert replace(completed, tokens=made.tokens) == made
    assert {name: completed.tokens[name] for name in ("classifier", "pdf")} == older["tokens"]
    assert credentials.load_or_create(tmp_path) == completed, "once"


def test_data_without_their_secrets_are_refused_not_locked_out_for_ever(tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    with pytest.raises(StackError, match=r"Put back the secrets\.json"):
        credentials.load_or_create(tmp_path)
    assert not (tmp_path / credentials.FILE).exists()


def test_damaged_secrets_are_refused(tmp_path: Path) -> None:
    (tmp_path / credentials.FILE).write_text('{"kafka": {}}')
    with pytest.raises(StackError, match="is damaged"):
        credentials.load_or_create(tmp_path)


def test_a_taken_port_is_named_with_its_holder_and_the_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(StackError, match=f"port {taken} \\(for claims; held by .*pid {os.getpid()}") as refused:
            ports.service_ports({"ingest": 0, "claims": 2}, taken - 2)
    assert "--port-base" in str(refused.value)


def test_ports_of_the_servers_stay_the_same_while_they_are_free(tmp_path: Path) -> None:
    first = ports.kept_ports(tmp_path, ("kafka", "postgres"))
    assert ports.kept_ports(tmp_path, ("kafka", "postgres")) == first
    with socket.socket() as other:
        other.bind(("127.0.0.1", first["kafka"]))
        other.listen()
        second = ports.kept_ports(tmp_path, ("kafka", "postgres"))
    assert second["postgres"] == first["postgres"]
    assert second["kafka"] != first["kafka"]


def test_no_port_base_means_free_ports() -> None:
    chosen = ports.service_ports({"ingest": 0, "claims": 2}, None)
    assert len(set(chosen.values())) == 2
    assert all(ports.is_free(port) for port in chosen.values())
