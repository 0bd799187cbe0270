"""Rules of this code base that no general linter knows.  `python tests/lints.py` prints each breach and exits 1.

* `repo` and `domain` never open or end a transaction: the use case does.
* SQL is never built with an f-string, `%` or `+`; a constant may go on where another one, shared by several queries, ends.
* Nothing on the network is awaited inside a database transaction.
* Every applied migration is plain SQL named NNNN_name.sql, without gaps in a service; decisions are numbered likewise.
* Of the claims API only the operator's routes (`ops_*.py`) may use the pool that spans tenants.
* No file but a generated one is longer than 400 lines.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCES = ("services", "shared", "deploy")
TRANSACTIONS = {"tx", "tenant_tx", "transaction"}
NETWORK = {"append", "fetch_tracks", "render", "get", "post", "request", "send", "send_and_wait"}
NETWORK_OWNERS = re.compile(r"(http|client|log|producer|pdf|classifier)$")
SQL_START = re.compile(r"^\s*(select|insert|update|delete|with|create|alter|drop)\s", re.IGNORECASE)
MIGRATION = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")
LINES_MAX = 400


def calls(node: ast.AST) -> Iterator[ast.Call]:
    yield from (child for child in ast.walk(node) if isinstance(child, ast.Call))


def called(call: ast.Call) -> tuple[str, str]:
    """(owner, name) of a call: `self._http.post()` → ("_http", "post")."""
    match call.func:
        case (
            ast.Attribute(value=ast.Attribute(attr=owner), attr=name)
            | ast.Attribute(value=ast.Name(id=owner), attr=name)
        ):
            return owner, name
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return "", name
        case _:
            return "", ""


def transactions_in_pure_layers(path: Path, tree: ast.AST) -> Iterator[tuple[int, str]]:
    if "repo" not in path.parts and "domain" not in path.parts:
        return
    for call in calls(tree):
        if called(call)[1] in TRANSACTIONS | {"commit", "rollback"}:
            yield call.lineno, "a transaction is opened or ended in repo/domain: that belongs to the use case"


def built_sql(_path: Path, tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        first: str | None = None
        if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
            first = str(node.values[0].value)
        elif (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Add | ast.Mod)
            and isinstance(node.left, ast.Constant)
        ):
            first = node.left.value if isinstance(node.left.value, str) else None
        if (
            first is not None
            and SQL_START.match(first)
            and re.search(r"\b(from|into|set|table|role|schema|database)\b", first, re.IGNORECASE)
        ):
            yield node.lineno, "SQL is built from pieces: use parameters"


def network_in_transaction(_path: Path, tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.AsyncWith):
            continue
        opened = {called(item.context_expr)[1] for item in node.items if isinstance(item.context_expr, ast.Call)}
        if not opened & TRANSACTIONS:
            continue
        for awaited in (child for body in node.body for child in ast.walk(body) if isinstance(child, ast.Await)):
            if isinstance(awaited.value, ast.Call):
                owner, name = called(awaited.value)
                if name in NETWORK and NETWORK_OWNERS.search(owner):
                    yield awaited.lineno, f"{owner}.{name}() is awaited inside a database transaction"


def across_tenants(path: Path, tree: ast.AST) -> Iterator[tuple[int, str]]:
    if path.parts[:3] != ("services", "claims", "api") or path.name.startswith("ops_"):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "across":
            yield node.lineno, "the pool that spans tenants is used outside the operator's routes"


def long_files(path: Path, _tree: ast.AST) -> Iterator[tuple[int, str]]:
    lines = len(path.read_text().splitlines())
    if lines > LINES_MAX:
        yield lines, f"{lines} lines, more than {LINES_MAX}: two rooms would be clearer"


def migrations() -> Iterator[tuple[Path, int, str]]:
    for folder in sorted(ROOT.glob("services/*/migrations")):
        numbers = []
        for path in sorted(folder.glob("*.sql")):
            found = MIGRATION.match(path.name)
            if found is None:
                yield path, 1, "a migration is named NNNN_name.sql"
            else:
                numbers.append(int(found[1]))
        if numbers != list(range(1, len(numbers) + 1)):
            yield folder, 1, f"migrations are not numbered without gaps: {numbers}"


def decisions() -> Iterator[tuple[Path, int, str]]:
    folder = ROOT / "docs" / "adr"
    numbers = [int(path.name[:4]) for path in sorted(folder.glob("*.md"))]
    if numbers != list(range(1, len(numbers) + 1)):
        yield folder, 1, f"decisions are not numbered without gaps: {numbers}"


EXEMPT = {
    # data definition takes no parameters: names are constants of the code, quoted
    ("built_sql", "deploy/embedded/roles.py"),
}


def main() -> int:
    faults = 0
    for path in (p for source in SOURCES for p in sorted((ROOT / source).rglob("*.py"))):
        name = str(path.relative_to(ROOT))
        tree = ast.parse(path.read_text(), filename=name)
        for rule in (transactions_in_pure_layers, built_sql, network_in_transaction, across_tenants, long_files):
            if (rule.__name__, name) in EXEMPT:
                continue
            for line, message in rule(path.relative_to(ROOT), tree):
                print(f"{name}:{line}: {message}")
                faults += 1
    for path, line, message in (*migrations(), *decisions()):
        print(f"{path.relative_to(ROOT)}:{line}: {message}")
        faults += 1
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
