"""compose/compose.yaml as data, and as processes on this machine: same commands, variables and files, other places.

What a container has of its own (name, address, folders) is put in place by words: each host name becomes loopback, each
port a free one, each folder one below a temporary one.
"""

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[2]
FILE = PROJECT / "compose" / "compose.yaml"
_DEFAULT = re.compile(r"\$\{\w+:-([^}]*)\}")


def services() -> dict[str, dict[str, Any]]:
    """Every service of the file, with the defaults of its variables."""
    return dict(load()["services"])


def load() -> dict[str, Any]:
    """The whole file."""
    content: dict[str, Any] = yaml.safe_load(_DEFAULT.sub(r"\1", FILE.read_text(encoding="utf-8")))
    return content


@dataclass(kw_only=True)
class Stage:
    """Where the services of the file run on this machine. `words`: what stands in the file -> what stands here."""

    folder: Path
    words: dict[str, str]
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def text(self, text: str) -> str:
        """A text of the file as it reads here; `$$` is compose's way to write a dollar sign."""
        for word, here in sorted(self.words.items(), key=lambda item: -len(item[0])):
            text = text.replace(word, here)
        return text.replace("$$", "$")

    def environment(self, service: dict[str, Any]) -> dict[str, str]:
        """The variables of a service, and nothing of ours but the path."""
        given = {name: self.text(str(value)) for name, value in service.get("environment", {}).items()}
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder)} | given

    def run(self, name: str, command: list[str], timeout_s: float = 120) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end as the service would."""
        return subprocess.run(
            [self.text(part) for part in command],
            env=self.environment(services()[name]),
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
            cwd=self.folder,
        )

    def start(self, name: str, command: list[str]) -> None:
        """Start a service; its output goes to a file."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(
                [self.text(part) for part in command],
                env=self.environment(services()[name]),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
            )

    def log(self, name: str) -> str:
        """What a service has said."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def is_healthy(self, name: str) -> bool:
        """Whether the service's own health check succeeds; a service that has ended fails the test."""
        if self.running[name].poll() is not None:
            raise AssertionError(f"{name} has ended:\n{self.log(name)[-3000:]}")
        test = list(services()[name]["healthcheck"]["test"])
        kind, *command = test
        return self.run(name, ["sh", "-c", *command] if kind == "CMD-SHELL" else command, 30).returncode == 0

    def stop(self) -> None:
        """End everything, last first."""
        for process in reversed(self.running.values()):
            process.terminate()
        for process in reversed(self.running.values()):
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
