"""ONNX Runtime reports nothing to anybody, and keeps nothing that it could report."""

import os
import subprocess
import sys
from pathlib import Path

from tests.helpers.tiny_models import write_threshold_package

PROGRAM = """
import sys
{first}
import onnxruntime
onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
"""


def _files_left(home: Path, model: Path, first: str) -> list[Path]:
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    command = [sys.executable, "-c", PROGRAM.format(first=first), str(model)]
    subprocess.run(command, env=environment | {"HOME": str(home)}, check=True, timeout=120, capture_output=True)
    return [path for path in home.rglob("*") if path.is_file()]


def test_a_session_of_ours_leaves_no_device_identifier(tmp_path: Path) -> None:
    model = write_threshold_package(tmp_path / "models") / "model.onnx"
    assert _files_left(tmp_path / "ours", model, "import appliance") == []
