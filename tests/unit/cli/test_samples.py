"""`appliance samples`: what is pulled is named with source and licence; what cannot be had is said."""

from pathlib import Path

import pytest

from appliance.cli import samples
from appliance.cli.output import ExitCode
from appliance.domain.errors import RecipeRefused
from appliance.node.samples import SampleStudy
from tests.unit.cli.conftest import Run


def test_every_study_comes_with_its_licence(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = SampleStudy(name="a study", folder=home / "a study", licence="CC0", attribution="Somebody")
    monkeypatch.setattr(samples, "pull_samples", lambda *_, **__: (study,))
    (row,) = run("samples", "pull", "--json").data
    assert (row["name"], row["licence"], row["attribution"]) == ("a study", "CC0", "Somebody")
    assert "CC0" in run("samples", "pull").out


def test_a_source_that_cannot_be_had_ends_with_its_code(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RecipeRefused("no network")

    monkeypatch.setattr(samples, "pull_samples", refuse)
    ended = run("samples", "pull")
    assert ended.code == ExitCode.MODEL
    assert "no network" in ended.err
