"""Real services for the integration tests."""

from tests.helpers.services import orthanc_server, redis_server

__all__ = ["orthanc_server", "redis_server"]
