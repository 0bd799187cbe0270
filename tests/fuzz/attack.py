"""schemathesis against one API, by its own OpenAPI document and its links: no 5xx and no answer that is not documented."""

import os
import subprocess
import sys
from pathlib import Path

from tests.fuzz.world import OPERATORS, Target

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "unsupported_method", "allow_header_conformance", "ignored_auth",
    "missing_required_header", "negative_data_rejection",
)  # fmt: skip
"""Not `positive_data_acceptance`: whether two readings may follow each other is no matter of a schema."""
NOT_OF = {"ingest": ("negative_data_rejection",)}
"""Ingest judges ping by ping: a batch with a bad one is taken without it, and says so (207)."""
ENDING_S = 120
ROOT = Path(__file__).resolve().parents[2]


def attack(target: Target, seconds: int, seed: int, log: Path) -> int:
    """schemathesis' exit code; what it found stands in `log`."""
    wanted = ["--include-path-regex", target.only] if target.only else ["--exclude-path-regex", f"^{OPERATORS}"]
    checks = [check for check in CHECKS if check not in NOT_OF.get(target.name, ())]
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "--no-color", "run", target.document,
        "--header", f"Authorization: Bearer {target.bearer}", "--checks", ",".join(checks), "--max-time", str(seconds),
        "--seed", str(seed), "--request-timeout", "60", "--suppress-health-check", "all", "--continue-on-failure",
        "--warnings", "off", *wanted,
    ]  # fmt: skip
    quiet = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    quiet |= {"SCHEMATHESIS_HOOKS": "tests.fuzz.hooks", "PYTHONPATH": str(ROOT)}
    with log.open("w") as out:
        done = subprocess.run(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=quiet,
            cwd=log.parent,
            timeout=seconds + ENDING_S,
            check=False,
        )
    return done.returncode
