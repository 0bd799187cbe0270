"""A tenant with something in every table of the three services."""

from tests.integration.claims.conftest import claims, fleet  # noqa: F401 - fixtures
