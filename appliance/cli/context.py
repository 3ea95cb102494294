"""The settings and the appliance that the commands share, made once and only when a command needs them."""

import functools
from pathlib import Path

from appliance.bootstrap import Appliance
from appliance.settings import Settings, load_settings

_file: Path | None = None


def use_settings_file(path: Path | None) -> None:
    """Remember what `--config` named."""
    global _file
    _file = path


@functools.cache
def settings() -> Settings:
    """The settings. Raises SettingsError."""
    return load_settings(_file)


@functools.cache
def appliance() -> Appliance:
    """The wired appliance. Raises SettingsError."""
    return Appliance(settings())
