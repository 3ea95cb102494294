"""Fixtures that every part of the suite may use."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.postgres import PostgresServer, cluster

PROJECT = Path(__file__).resolve().parent.parent


def _shared(folder: str) -> Path:
    root = Path(os.environ.get("APPLIANCE_SHARED", PROJECT.parent / "shared"))
    if not (root / folder).is_dir():
        pytest.skip(f"the shared test material is not here ({folder})")
    return root / folder


@pytest.fixture(scope="session")
def project() -> Path:
    """The folder of the checkout."""
    return PROJECT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real DICOM objects, read-only; see its README for sources and licences."""
    return _shared("data")


@pytest.fixture(scope="session")
def shared_weights() -> Path:
    """Ready ONNX conversions to compare with, read-only."""
    return _shared("weights")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL for the whole run; every test takes a database of its own from it."""
    with cluster() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database: the test runs once on each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'a ledger.sqlite'}"
        return
    yield request.getfixturevalue("postgres").create_database()
