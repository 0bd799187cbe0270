"""What `rucor` answers when it cannot do what was asked: what is wrong and what to do, never a traceback."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.cli import main


def run(*words: str | Path, key: str = "") -> Result:
    env = {"RUCOR_KEY": key or None}
    done = CliRunner().invoke(main, [str(word) for word in words], env=env, catch_exceptions=False)
    assert done.exit_code in {1, 2}
    return done


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"items": [{"root": "a"}]}', '{"items": 3}'])
def test_RE2_what_is_no_proof_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    proof = tmp_path / "proof.json"
    proof.write_text(text)
    assert "is not an answer of GET /v1/claims/{id}/proof" in run("privacy", "check", proof).output


@pytest.mark.parametrize("command", [("import", "vehicles"), ("replay",)])
def test_a_command_without_key_or_stack_says_where_they_come_from(tmp_path: Path, command: tuple[str, ...]) -> None:
    file = tmp_path / "vehicles.csv"
    file.write_text("plate\nABC123\n")
    assert "env var: 'RUCOR_KEY'" in run(*command, file).output
    said = run(*command, file, "--data-dir", tmp_path, key="rucor_1").output
    assert f"start it with `rucor up --data-dir {tmp_path}`, or name the address with --url" in said


def test_an_e_mail_address_that_is_none_is_answered_with_one_that_is(tmp_path: Path) -> None:
    tenant = "6a0c0000-0000-4000-8000-000000000000"
    said = run("people", "add", "--tenant", tenant, "--name", "M", "--email", "m@x", "--role", "viewer").output
    assert "email: give an e-mail address such as mary@hill.example" in said
