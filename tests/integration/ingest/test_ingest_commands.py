"""`rucor replay`, `quarantine` and `keys` against a running service."""

import gzip
import json
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from click.testing import CliRunner

from deploy.embedded.parts import run_async
from services.ingest import cli
from services.ingest.adapters.replay import Replayed, ReplayFailed, replay
from shared.clock import system_clock
from shared.contracts.frame import read_header
from shared.contracts.pings import decode_pings
from shared.contracts.topics import PINGS, SCHEMA_TICK
from tests.integration.ingest.conftest import Ingest

pytestmark = pytest.mark.integration


def lines(count: int) -> list[bytes]:
    now = system_clock()
    rows = [
        {"device_id": f"d{i % 20}", "ts": now - i * 1000, "lat": -40.0, "lng": 175.0 + i / 1e4} for i in range(count)
    ]
    return [json.dumps(row).encode() for row in rows]


def stamps(ingest: Ingest) -> list[int]:
    """The instants of this tenant's pings in the topic."""
    frames = [decode_pings(v) for _, v in ingest.values(PINGS) if read_header(v).schema != SCHEMA_TICK]
    return [
        ts
        for pings in frames
        for key, ts in zip(pings.key.tolist(), pings.ts_ms.tolist(), strict=True)
        if pings.keys[key][0] == str(ingest.tenant)
    ]


def run_replay(path: Path, ingest: Ingest, **options: object) -> Replayed:
    done: list[Replayed] = []

    async def work() -> None:
        done.append(await replay(path, ingest.url, ingest.key, **options))  # type: ignore[arg-type]

    run_async(work)
    return done[0]


def test_replay_sends_every_line_once_and_reports(ingest: Ingest, tmp_path: Path) -> None:
    path = tmp_path / "pings.ndjson.gz"
    path.write_bytes(gzip.compress(b"\n".join([*lines(3000), b'{"device_id":"x"}', b"broken"])))
    seen: list[int] = []
    total = run_replay(path, ingest, batch_pings=250, progress=lambda so_far: seen.append(so_far.accepted))
    assert (total.accepted, total.refused, total.lines) == (3000, 2, 3002)
    assert total.reasons == {"missing_field": 1, "bad_json": 1}
    assert seen == sorted(seen)
    assert len(seen) == 13
    assert len(set(stamps(ingest))) == len(stamps(ingest)) == 3000


def test_replay_skips_what_is_acknowledged_and_stops_at_a_wrong_key(ingest: Ingest, tmp_path: Path) -> None:
    path = tmp_path / "pings.ndjson"
    path.write_bytes(b"\n".join(lines(30)))
    assert run_replay(path, ingest, skip=25).accepted == 5
    ingest.key = "rucor_00000000_" + "x" * 43
    with pytest.raises(ReplayFailed, match=r"lines 1 to 30 .*status 401.*--skip 0"):
        run_replay(path, ingest)


async def test_replay_says_that_it_waits_and_why(tmp_path: Path) -> None:
    path = tmp_path / "pings.ndjson"
    path.write_bytes(b"\n".join(lines(30)))
    said: list[str] = []
    with pytest.raises(ReplayFailed, match="no connection"):
        await replay(path, "http://127.0.0.1:1", "rucor_1", give_up_s=0.1, waiting=said.append)
    assert len(said) == 1
    assert "lines 1 to 30: no connection" in said[0]


def test_commands_find_the_running_stack(ingest: Ingest, tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(
        json.dumps(
            {"urls": {"ingest": ingest.url}, "dsns": {"ingest": {"worker": ingest.database.dsn("ingest", "worker")}}}
        )
    )
    data_dir = ["--data-dir", str(tmp_path)]
    run = CliRunner(env={"RUCOR_KEY": None})
    made = run.invoke(cli.keys, ["create", "--tenant", str(uuid4()), "--name", "test", *data_dir])
    assert made.exit_code == 0, made.output
    key = ["--key", made.output.strip()]
    path = tmp_path / "pings.ndjson"
    path.write_bytes(b"\n".join([*lines(10), b'{"device_id":"lost"}']))
    sent = run.invoke(cli.replay_command, [str(path), *key, *data_dir])
    assert sent.exit_code == 0, sent.output
    assert "10 pings accepted, 1 refused" in sent.output
    assert "missing_field: 1" in sent.output
    headers = {"Authorization": f"Bearer {key[1]}"}
    ingest.wait_until(lambda: bool(httpx.get(f"{ingest.url}/v1/quarantine", headers=headers).json()["items"]))
    listed = run.invoke(cli.quarantine, ["list", *key, *data_dir])
    assert "missing_field" in listed.output
    place = listed.output.split("  ")[1]
    shown = run.invoke(cli.quarantine, ["show", place, *key, *data_dir])
    assert json.loads(shown.output)["body"] == '{"device_id":"lost"}'
    assert run.invoke(cli.quarantine, ["show", "http:none/0/0/0", *key, *data_dir]).exit_code == 1
    wrong = run.invoke(cli.quarantine, ["list", "--key", "x", *data_dir])
    assert "key" in wrong.output
    absent = run.invoke(
        cli.keys, ["create", "--tenant", str(uuid4()), "--name", "t", "--data-dir", str(tmp_path / "none")]
    )
    assert "rucor up" in absent.output
