"""What the commands share, and UIDs that are completed from their end."""

from pathlib import Path

import pytest

from appliance.cli import context
from appliance.domain.errors import SettingsError, UsageError
from appliance.domain.identifiers import StudyInstanceUID


def test_the_settings_are_read_once(home: Path) -> None:
    first = context.settings()
    assert first.home == home
    assert context.settings() is first
    assert context.appliance().settings is first


def test_other_settings_make_another_appliance(home: Path) -> None:
    before = context.appliance()
    context.use_settings(context.settings().model_copy(update={"state_dir": Path("other")}))
    assert context.appliance() is not before
    assert context.appliance().settings.state == home / "other"


def test_a_named_file_must_be_there(home: Path) -> None:
    context.use_settings_file(home / "nope.toml")
    with pytest.raises(SettingsError):
        context.settings()


def test_a_uid_is_completed_from_its_end(study_uid: StudyInstanceUID) -> None:
    assert context.complete_study_uid(study_uid[-6:]) == study_uid
    assert context.complete_study_uid(study_uid) == study_uid


@pytest.mark.parametrize("end", ["", "nope"])
def test_an_end_that_fits_nothing_is_wrong_usage(study_uid: StudyInstanceUID, end: str) -> None:
    with pytest.raises(UsageError):
        context.complete_study_uid(end)


def test_an_end_that_fits_several_is_wrong_usage() -> None:
    with pytest.raises(UsageError) as caught:
        context._complete("5", ["1.5", "2.5"], "study")
    assert caught.value.what == "more than one study has a UID that ends so"


def test_a_whole_uid_wins_over_one_that_ends_in_it() -> None:
    assert context._complete("5", ["1.5", "5"], "study") == "5"
