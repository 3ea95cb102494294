"""The settings and the appliance that the commands share, made once and only when a command needs them."""

import functools
from collections.abc import Sequence
from pathlib import Path

from appliance.bootstrap import Appliance
from appliance.domain.errors import UsageError
from appliance.domain.workitem import ProcedureStepState
from appliance.settings import Settings, load_settings

_file: Path | None = None
_settings: Settings | None = None


def use_settings_file(path: Path | None) -> None:
    """Remember what `--config` named."""
    global _file
    _file = path


def use_settings(changed: Settings) -> None:
    """Go on with `changed` settings, such as those of a demonstration."""
    global _settings
    _settings = changed
    appliance.cache_clear()


def settings() -> Settings:
    """The settings. Raises SettingsError."""
    global _settings
    if _settings is None:
        _settings = load_settings(_file)
    return _settings


@functools.cache
def appliance() -> Appliance:
    """The wired appliance. Raises SettingsError."""
    return Appliance(settings())


def complete_study_uid(end: str) -> str:
    """The Study Instance UID that ends in `end`. Raises UsageError if none or several do."""
    return _complete(end, [summary.study_instance_uid for summary in appliance().studies.latest(10_000)], "study")


def complete_workitem_uid(end: str) -> str:
    """The workitem UID that ends in `end`. Raises UsageError if none or several do."""
    found = appliance().workitems.in_state(*ProcedureStepState, limit=100_000)
    return _complete(end, [status.workitem.uid for status in found], "workitem")


def _complete(end: str, uids: Sequence[str], what: str) -> str:
    if end in uids:
        return end
    if not end:
        raise UsageError(f"name the {what}: its UID, or the end of it")
    matching = [uid for uid in uids if uid.endswith(end)]
    if len(matching) != 1:
        raise UsageError(f"{'no' if not matching else 'more than one'} {what} has a UID that ends so", where=end)
    return matching[0]
