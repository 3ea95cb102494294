"""Fifty studies through a node whose services are killed all the time."""

import os
from pathlib import Path

import pytest

from tests.faults.battle import fight

pytestmark = pytest.mark.integration


def test_nothing_is_lost_duplicated_wrong_or_stuck(tmp_path: Path) -> None:
    verdict = fight(
        tmp_path,
        studies=50,
        seed=7,
        every_s=3.0,
        pause_s=0.5,
        postgresql=os.environ.get("APPLIANCE_TEST_DATABASE") == "postgresql",
        say=print,
    )
    assert verdict.is_clean, "\n".join([str(verdict), *verdict.notes])
    assert verdict.delivered > 0
