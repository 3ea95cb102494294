"""Real services for the integration tests."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.settings import Settings
from tests.helpers.postgres import PostgresServer
from tests.helpers.services import orthanc_server, redis_server

__all__ = ["orthanc_server", "redis_server"]


@pytest.fixture(scope="module", autouse=True)
def database(request: pytest.FixtureRequest) -> Iterator[None]:
    """With APPLIANCE_TEST_DATABASE=postgresql every node keeps its ledger in a database of its own in PostgreSQL."""
    if os.environ.get("APPLIANCE_TEST_DATABASE") != "postgresql":
        yield
        return
    with pytest.MonkeyPatch.context() as environment:
        _give_databases(environment, request.getfixturevalue("postgres"))
        yield


def _give_databases(environment: pytest.MonkeyPatch, server: PostgresServer) -> None:
    """Settings without a database get one by their home; services that a test starts find it in the environment."""
    databases: dict[Path, str] = {}
    make = Settings.__init__

    def with_database(settings: Settings, **values: Any) -> None:
        if "home" in values and not {"database_url", "database_url_file"} & values.keys():
            home = Path(values["home"]).resolve()
            if home not in databases:
                databases[home] = server.create_database()
            values["database_url"] = databases[home]
            environment.setenv("APPLIANCE_DATABASE_URL", databases[home])
        make(settings, **values)

    environment.setattr(Settings, "__init__", with_database)
