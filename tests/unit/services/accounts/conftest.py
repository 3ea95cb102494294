"""An appliance with one administrator, whose passwords are quick to hash."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.bootstrap import Appliance
from appliance.domain.access import UserRole
from tests.helpers.people import add_user, appliance_in


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Appliance]:
    opened = appliance_in(tmp_path)
    add_user(opened, "ada", UserRole.PACS_ADMIN)
    yield opened
    opened.close()
