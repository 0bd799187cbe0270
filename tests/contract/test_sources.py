"""docs/sources.md: every line of the source documents is answered by a rule, and every rule named there exists."""

import os
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = ROOT.parent / "shared" / "domain" / "seeds"
RULE = re.compile(r"\b(PA|VE|LI|SU|DI|EL|CL|FO|OT|EX|RE)(\d+)\b")
NO_RULE = "Lines that state no rule:"


class Document(NamedTuple):
    """One section of docs/sources.md."""

    name: str
    ruled: list[tuple[range, list[str]]]
    unruled: list[range]


def _lines(text: str) -> list[range]:
    """'3-8, 10' as ranges."""
    ends = [part.strip().partition("-") for part in text.strip(" .").split(",")]
    return [range(int(first), int(last or first) + 1) for first, _, last in ends]


def _documents() -> list[Document]:
    found = []
    for section in (ROOT / "docs" / "sources.md").read_text("utf-8").split("\n## ")[1:]:
        ruled: list[tuple[range, list[str]]] = []
        unruled: list[range] = []
        for line in section.splitlines():
            if line.startswith(NO_RULE):
                unruled += _lines(line.removeprefix(NO_RULE))
            elif re.match(r"\| \d", line):
                lines, _, rules = (cell.strip() for cell in line.strip("| ").split(" | "))
                ruled += [(one, ["".join(match) for match in RULE.findall(rules)]) for one in _lines(lines)]
        found.append(Document(section.partition(":")[0], ruled, unruled))
    return found


def _known_rules() -> set[str]:
    """Rules that have a row of their own in docs/rules.md; `SU1-SU9` names all between."""
    known: set[str] = set()
    for line in (ROOT / "docs" / "rules.md").read_text("utf-8").splitlines():
        first = line.strip("| ").split(" | ")[0]
        found = RULE.findall(first) if line.startswith("|") else []
        if len(found) == 2 and "-" in first:
            (group, low), (_, high) = found
            known |= {f"{group}{number}" for number in range(int(low), int(high) + 1)}
        else:
            known |= {"".join(match) for match in found}
    return known


def test_every_rule_that_a_sentence_names_has_a_row_in_rules_md() -> None:
    named = {rule for document in _documents() for _, rules in document.ruled for rule in rules}
    assert len(named) > 40
    assert named <= _known_rules()


def test_every_sentence_names_a_rule() -> None:
    assert [document.name for document in _documents() for _, rules in document.ruled if not rules] == []


@pytest.mark.corpus
@pytest.mark.parametrize("document", _documents(), ids=lambda document: document.name)
def test_every_line_of_the_documents_is_answered(document: Document) -> None:
    path = DOCUMENTS / document.name
    if not path.is_file():
        assert not os.environ.get("CI"), f"{path} must be there in CI"
        pytest.skip(f"the source documents are not at hand ({path})")
    written = {n for n, line in enumerate(path.read_text("utf-8").splitlines(), 1) if line.strip()}
    answered = {n for lines, _ in document.ruled for n in lines}
    silent = {n for lines in document.unruled for n in lines}
    assert not answered & silent
    assert written - answered - silent == set(), "lines that neither state a rule nor are said to state none"
    assert {lines.start for lines, _ in document.ruled} | silent <= written, "a line named here is blank or not there"
