"""Fixtures for tests against real infrastructure.  Where it cannot be started, the tests fail; they never skip."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.info import StackInfo
from tests.stack import Database, Databases, Topics, recreate_topics, running_stack

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"


@pytest.fixture(scope="session")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """Kafka and Postgres, started once a session."""
    with running_stack(tmp_path_factory.mktemp("stack")) as info:
        yield info


@pytest.fixture(scope="session")
def databases(infra: StackInfo) -> Iterator[Databases]:
    """The migrated template that `database` clones."""
    made = Databases(infra)
    made.make_template()
    yield made
    made.drop_template()


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    """A fresh database with every service's schema: `.dsn(service, role)`, `.superuser`, `.environment(service)`."""
    with databases.clone() as clone:
        yield clone


@pytest.fixture
def topics(infra: StackInfo) -> Topics:
    """The declared topics, re-created empty: `.settings(principal)`, `.bootstrap`."""
    return recreate_topics(infra)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The shared corpus.  Absent, its tests are skipped, but in CI they fail."""
    if not CORPUS.is_dir():
        message = f"the corpus is not at {CORPUS}"
        if os.environ.get("CI", "").lower() in {"1", "true"}:
            pytest.fail(message)
        pytest.skip(message)
    return CORPUS
