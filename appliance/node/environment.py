"""The environment of the services: exactly the settings of the node, whatever file or variable they came from."""

import json
import os
from typing import Any

from appliance.node.files import write_private
from appliance.services.presence import code_fingerprint
from appliance.settings import Settings

MARK = "APPLIANCE_NODE_MARK"
"""Every service carries the state folder of its node in this variable: so what a killed supervisor left is found."""
CODE = "APPLIANCE_NODE_CODE"
"""The program's fingerprint, so that a node of an earlier version counts as one with other settings."""


def service_environment(settings: Settings) -> dict[str, str]:
    """The variables for `settings`; the caller's own APPLIANCE_* variables are part of it already and left out.

    TCP_NODELAY=1 makes DCMTK, and so Orthanc, send small packets at once: nine times the ingest rate.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("APPLIANCE_")}
    content = settings.model_dump(mode="json", exclude_none=True)
    values = {f"APPLIANCE_{name.upper()}": _as_text(value) for name, value in content.items()}
    file = write_private(settings.state / "run" / "appliance.toml", "# the settings of this node come by environment\n")
    marks = {
        MARK: str(settings.state),
        CODE: code_fingerprint(),
        "APPLIANCE_CONFIG": str(file),
        "TCP_NODELAY": "1",
        "PYTHONUNBUFFERED": "1",
    }
    return inherited | values | marks


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
