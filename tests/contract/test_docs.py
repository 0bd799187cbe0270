"""What README, guides and runbooks name is there: links, commands with their options, routes, settings, make's targets; and no
row or line stands twice."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from deploy.embedded.info import StackInfo
from deploy.embedded.stack import SERVICES, overrides
from services.cli import main

ROOT = Path(__file__).parents[2]
PAPERS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
OPERATIONS = {
    (method.upper(), re.sub(r"\{[^}]*\}", "{}", path))
    for file in (ROOT / "docs" / "openapi").glob("*.json")
    for path, item in json.loads(file.read_text())["paths"].items()
    for method in item
}
STACK = StackInfo(
    urls=dict.fromkeys(SERVICES, "http://127.0.0.1:1"), kafka_bootstrap="", kafka_users={}, kafka_embedded=True,
    postgres_embedded=True, dsns=defaultdict(lambda: defaultdict(str)), superuser_dsn="", tokens=dict.fromkeys(SERVICES, ""),
    keys=defaultdict(str), data_dir="", pids={},
)  # fmt: skip
"""For the names of what the stack tells each service by itself."""
NOT_OURS = {"/hooks/rucor", "/v1/audit/…"}
"""A receiver's address, and a table's heading."""
READ_BY_COMMANDS = {"RUCOR_KEY", "RUCOR_TOKEN_JWKS_URL"}
"""By `rucor` itself, or where services run without it."""


class Line(NamedTuple):
    paper: Path
    number: int
    text: str
    fenced: bool

    def __str__(self) -> str:
        return f"{self.paper.relative_to(ROOT)}:{self.number}"

    def code(self) -> list[str]:
        return [self.text] if self.fenced else re.findall(r"`([^`]+)`", self.text.replace(r"\|", "|"))


def lines_of(papers: list[Path]) -> Iterator[Line]:
    for paper in papers:
        fenced = False
        for number, text in enumerate(paper.read_text().splitlines(), 1):
            fenced ^= text.startswith("```")
            yield Line(paper, number, text, fenced)


LINES = list(lines_of(PAPERS))


def anchors(paper: Path) -> set[str]:
    found: set[str] = set()
    for line in lines_of([paper]):
        found |= set(re.findall(r'id="([^"]+)"', line.text))
        if line.text.startswith("#") and not line.fenced:
            heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line.text.lstrip("#")).strip().lower()
            found.add(re.sub(r"[^\w\- ]", "", heading).replace(" ", "-"))
    return found


def test_links_lead_somewhere() -> None:
    broken = []
    for line in LINES:
        for link in re.findall(r"\]\(((?!http)[^)]+)\)", "" if line.fenced else line.text):
            file, _, anchor = link.partition("#")
            to = (line.paper.parent / file).resolve() if file else line.paper
            if not to.exists() or (anchor and to.suffix == ".md" and anchor not in anchors(to)):
                broken.append(f"{line}: {link}")
    assert broken == []


def test_nothing_stands_twice() -> None:
    """Two rows of a table that begin alike, or the same long line twice in a paper: what a merge leaves behind."""
    twice, rows, seen = [], set[str](), set[tuple[Path, str]]()
    for line in LINES:
        first = line.text.split("|")[1].strip() if line.text.startswith("|") else ""
        if not line.text.startswith("|"):
            rows = set()
        if first.startswith("`") or first == "lists":
            if first in rows:
                twice.append(f"{line}: {first}")
            rows.add(first)
        if len(line.text) > 90 and not line.fenced and (line.paper, line.text) in seen:
            twice.append(f"{line}: {line.text[:60]}")
        seen.add((line.paper, line.text))
    assert twice == []


def wrong_in(command: str) -> str | None:
    """What of `rucor …` is not there."""
    words, group, context = command.split(), main, click.Context(main)
    found: click.Command = group
    while words and isinstance(found, click.Group) and re.match(r"[a-z]", words[0]):
        names = words.pop(0).split("|")
        missing = [name for name in names if found.get_command(context, name) is None]
        if missing:
            return f"no command {missing[0]}"
        found = found.get_command(context, names[0]) or found
    if isinstance(found, click.Group):
        return None
    options = {name for one in found.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
    unknown = [name for name in re.findall(r"(?<!\S)\[?(--[a-z-]+)", " ".join(words)) if name not in options]
    return f"no option {unknown[0]}" if unknown else None


def test_commands_and_options_exist() -> None:
    told = [
        (line, command)
        for line in LINES
        for code in line.code()
        for command in re.findall(r"(?:^|\s|\$\()rucor ([a-z][^`#;>&)]*)", code)
    ]
    assert len(told) > 80
    assert [f"{line}: rucor {command}: {why}" for line, command in told if (why := wrong_in(command))] == []


def test_routes_exist() -> None:
    told = [
        (line, method, path.rstrip(".,;)"))
        for line in LINES
        for code in line.code()
        for method, path in re.findall(r"\b(GET|POST|PUT|PATCH|DELETE) (/[^\s`?,\"]+)", code)
    ]
    assert len(told) > 150
    unknown = []
    for line, method, path in told:
        plain = re.sub(r"\{[^}]*\}|\$\w+", "{}", path)
        here = {(method, plain), (method, "/v1" + plain)} & OPERATIONS
        if not here and path not in NOT_OURS and path not in {"/openapi.json", "/healthz", "/readyz"}:
            unknown.append(f"{line}: {method} {path}")
    assert unknown == []


def test_make_has_the_targets() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = {name for line in LINES for code in line.code() for name in re.findall(r"^make ([a-z-]+)", code)}
    assert {"demo", "test"} <= told <= targets


def test_what_a_guide_says_can_be_set_is_heeded_by_rucor_up(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {name for line in LINES for name in re.findall(r"\bRUCOR_[A-Z_]+[A-Z]", line.text)} - READ_BY_COMMANDS
    told -= {name for service in SERVICES for name in STACK.environment(service)}
    assert {"RUCOR_WEBHOOK_LOCAL_HOSTS", "RUCOR_ALLOWED_ORIGINS"} <= told
    for name in told:
        monkeypatch.setenv(name, "x")
    assert told - overrides().keys() == set()
