"""What an operation is called: an id made from its address, a summary from its docstring's first sentence."""

import re
from typing import Any, Final

from shared.http.routes import VERSION, Route

SUMMARY_MAX: Final = 110
_IRREGULAR: Final = {"series": "series", "claimed-outside": "claimed-outside"}
_SENTENCE: Final = re.compile(r"^(.+?[^.])(?:\.(?:\s|$)|$)", re.DOTALL)
_CITED: Final = re.compile(r"\s*\((?:rules?|Act|design)\b.*\)$")


def singular(word: str) -> str:
    """vehicles → vehicle, log-entries → log-entry."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us")) else word


def words_of(path: str) -> list[str]:
    """/v1/claims/{claim_id}/form.pdf → [claim, form.pdf]; a literal before a parameter is one of its kind."""
    parts = path.removeprefix(VERSION).strip("/").split("/")
    found = []
    for at, part in enumerate(parts):
        if part.startswith("{"):
            continue
        before_parameter = at + 1 < len(parts) and parts[at + 1].startswith("{")
        found.append(singular(part) if before_parameter else part)
    return found


def creates(route: Route, operation: dict[str, Any]) -> bool:
    return route.method == "POST" and "201" in operation["responses"]


def operation_id(route: Route, operation: dict[str, Any]) -> str:
    """list_claims, get_claim, create_claimant, post_claim_sent: one for each method and address."""
    words = words_of(route.path)
    verb = route.method.lower()
    if route.is_list:
        verb = "list"
    elif creates(route, operation):
        verb, words = "create", [*words[:-1], singular(words[-1])]
    return "_".join([verb, *words]).replace("-", "_").replace(".", "_")


def summary(route: Route, operation: dict[str, Any]) -> str:
    """Reading and creating are told by the address; any other command by the first sentence of its docstring."""
    words = [word.replace("-", " ").replace("_", " ") for word in words_of(route.path)]
    if route.is_list:
        return f"List {' '.join(words)}"
    if creates(route, operation):
        return f"Create {_one([*words[:-1], singular(words[-1])])}"
    if route.method == "GET":
        return f"Read {_one(words)}" if route.path.endswith("}") else f"Read {' '.join(words)}"
    found = _SENTENCE.match(" ".join(str(operation.get("description", "")).split()))
    first = _CITED.sub("", found[1]).rstrip(" .:") if found else ""
    if first and len(first) <= SUMMARY_MAX:
        return first
    return f"{' '.join(words).capitalize()} ({route.method})"


def _one(words: list[str]) -> str:
    return f"{'an' if words[0][0] in 'aeiou' else 'a'} {' '.join(words)}"
