"""The codes of problems: the guide lists every one that claims can answer, once, and none that it cannot."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from shared.http.problems import from_code

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs/guide/claims-api.md"
NOT_OF_CLAIMS = {"broken_encoding", "unsupported_encoding"}
"""Of bodies that come compressed, which ingest alone takes."""
MAKERS = {"Problem": 1, "overlap": 0}
"""Functions that make a problem → where its code stands."""


def calls(path: Path) -> Iterator[tuple[str, list[ast.expr]]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, node.args


def codes_in_code() -> set[str]:
    found = {from_code(status).code for status in (400, 401, 404, 405, 412, 413, 415, 422, 429, 500, 503)}
    for root in ("services/claims", "shared/http"):
        for path in (ROOT / root).rglob("*.py"):
            for name, args in calls(path):
                if name in MAKERS and len(args) > MAKERS[name]:
                    texts = ast.walk(args[MAKERS[name]])
                    found |= {
                        one.value for one in texts if isinstance(one, ast.Constant) and isinstance(one.value, str)
                    }
    return found - NOT_OF_CLAIMS


def codes_in_guide() -> list[str]:
    table = GUIDE.read_text().partition("| status | codes |")[2].partition("\n\n")[0]
    rows = [line.split("|")[2] for line in table.splitlines() if re.match(r"\| \d", line)]
    return [code for row in rows for code in re.findall(r"`([a-z_]+)`", re.sub(r"with `[^`]*`|\([^)]*\)", "", row))]


def test_every_code_of_a_problem_is_in_the_guide_once_and_no_other() -> None:
    told = codes_in_guide()
    assert len(told) == len(set(told)) > 40
    assert set(told) == codes_in_code()
