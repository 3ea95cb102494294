"""Fixtures that every part of the suite may use."""

import os
from pathlib import Path

import pytest

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
