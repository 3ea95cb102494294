"""Real services for the integration tests."""

import os
from collections.abc import Iterator

import pytest

from tests.helpers.services import orthanc_server, redis_server

__all__ = ["orthanc_server", "redis_server"]


@pytest.fixture(scope="module", autouse=True)
def database(request: pytest.FixtureRequest) -> Iterator[None]:
    """With APPLIANCE_TEST_DATABASE=postgresql every node of this module keeps its ledger in PostgreSQL."""
    if os.environ.get("APPLIANCE_TEST_DATABASE") != "postgresql":
        yield
        return
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("APPLIANCE_DATABASE_URL", request.getfixturevalue("postgres").create_database())
        yield
