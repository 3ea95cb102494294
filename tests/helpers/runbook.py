"""A runbook as an administrator uses it: the commands of the page, typed at a terminal as they stand there.

    page = Runbook(path, Administrator(home))
    page.run("appliance studies show UID", UID="1.2.3")  # a line of the page, its placeholder filled in
    page.finish(NOT_EXECUTED)                            # every command of the page was typed, or is named there

Commands are the lines of fenced blocks without a language or with `sh` or `bash`, and words in code type within the
text that begin with the name of a program. A command that is not on the page cannot be run, and `finish` fails over
one that nobody ran: so a page whose commands change needs its test changed, too.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

PROGRAMS = frozenset(
    {"appliance", "chmod", "docker", "make", "pip", "psql", "python", "rm", "sudo", "systemctl", "useradd"}
)
_FENCE = re.compile(r"^[ ]*```(?P<info>.*)$")
_SHELLS = ("", "sh", "bash")


def commands(text: str) -> tuple[str, ...]:
    """The commands of a page in the order of their first mention."""
    return tuple(dict.fromkeys(_commands(text)))


def _commands(text: str) -> Iterator[str]:
    for info, body in _parts(text):
        if info is None:
            spans = (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", body))
            yield from (span for span in spans if span.split()[0] in PROGRAMS and " " in span)
        elif (info.split() or [""])[0] in _SHELLS:
            lines = (line.strip() for line in body.splitlines())
            yield from (line for line in lines if line and not line.startswith("#"))


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language, such as the examples of settings."""
    return [body for info, body in _parts(text) if info and info.split()[0] == language]


def _parts(text: str) -> Iterator[tuple[str | None, str]]:
    """Fenced blocks with what stands behind their opening fence, and the text between them with None."""
    info: str | None = None
    lines: list[str] = []
    for line in [*text.splitlines(), "```"]:
        fence = _FENCE.match(line)
        if fence is None:
            lines.append(line)
            continue
        yield info, "\n".join(lines)
        info, lines = (fence["info"].strip() if info is None else None), []


class Administrator:
    """Somebody at a terminal: a current folder, names that are set, and the commands of the appliance."""

    def __init__(self, home: Path, programs: Path) -> None:
        """`home` is the folder to begin in; in `programs` lies the command `appliance`."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("APPLIANCE_")}
        self.folder = home
        self.names = inherited | {"PATH": f"{programs}:{os.environ['PATH']}"}
        self._left = programs / "left"

    def type(self, command: str, expect: int = 0) -> str:
        """Run a line and give back what the terminal shows; `expect` is the exit code that the page promises."""
        script = f'{command}\nended=$?\npwd > "$LEFT"\nexit $ended'
        ended = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.names | {"LEFT": str(self._left)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        shown = ended.stdout + ended.stderr
        assert ended.returncode == expect, f"{command}\nended with {ended.returncode}, not {expect}:\n{shown}"
        assert "Traceback" not in shown, f"{command}\n{shown}"
        self.folder = Path(self._left.read_text(encoding="utf-8").strip())
        return shown


class Runbook:
    """One page, and which of its commands were run."""

    def __init__(self, path: Path, administrator: Administrator) -> None:
        self.name = path.name
        self.text = path.read_text(encoding="utf-8")
        self.commands = commands(self.text)
        self._administrator = administrator
        self._run: set[str] = set()

    def run(self, command: str, *, expect: int = 0, **words: object) -> str:
        """Type a command of the page, with `words` in place of its placeholders; what the terminal shows."""
        assert command in self.commands, f"{self.name} has no such command: {command}"
        self._run.add(command)
        line = command
        for word, value in words.items():
            assert re.search(rf"\b{word}\b", line), f"no {word} in: {command}"
            line = re.sub(rf"\b{word}\b", shlex.quote(str(value)), line)
        return self._administrator.type(line, expect)

    def run_block(self, language: str) -> str:
        """Type every line of the block with that heading, such as `sh backup`; what the terminal shows."""
        (body,) = [body for info, body in _parts(self.text) if info == language]
        return "".join(self.run(line.strip()) for line in body.splitlines() if line.strip())

    def finish(self, not_executed: Mapping[str, str]) -> None:
        """Every command of the page was run, or is named in `not_executed` (command -> reason); and none is both."""
        unknown = set(self.commands) - self._run - set(not_executed)
        assert not unknown, f"neither run nor named as not executed: {unknown}"
        assert set(not_executed) <= set(self.commands), "named as not executed, and not on the page"
        assert not set(not_executed) & self._run, "named as not executed, and run"


def column(shown: str, row: str, heading: str) -> str:
    """What the first table with that heading shows under it, in its first line that has `row` in it."""
    lines = shown.splitlines()
    top, head = next((n, line) for n, line in enumerate(lines) if heading in re.split(r"\s\s+", line))
    line = next(line for line in lines[top + 1 :] if row in line)
    return line[head.index(heading) :].split("  ")[0].strip()
