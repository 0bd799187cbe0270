"""All scenarios, answered once a session: one road data set, one call of the kernel."""

import pytest

from deploy.demo.sample.scenarios.answers import Answers, answer_all
from deploy.demo.sample.scenarios.catalogue import ALL


@pytest.fixture(scope="session")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return answer_all(tmp_path_factory.mktemp("scenarios"), ALL)
