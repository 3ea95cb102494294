"""A model package is told by its name and version, wherever its folder is."""

from dataclasses import replace
from pathlib import Path

from tests.helpers.findings import package


def test_the_identity_is_name_and_version() -> None:
    assert package().identity == f"{package().name}@{package().version}"


def test_where_the_folder_is_makes_no_other_package() -> None:
    assert replace(package(), folder=Path("elsewhere")) == package()
    assert replace(package(), version="9.9.9") != package()
