"""Files of the node: for their owner's eyes only, never half written."""

import json
import tempfile
from pathlib import Path

import pytest

from appliance.domain.errors import SettingsError
from appliance.node.files import private_folder, socket_path, write_json, write_private


def test_what_is_written_is_for_its_owner_only(tmp_path: Path) -> None:
    file = write_private(tmp_path / "deep" / "file", "text")
    assert file.read_text() == "text"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_file_is_replaced_whole_and_no_draft_stays(tmp_path: Path) -> None:
    file = write_private(tmp_path / "a" / "file", "old")
    with file.open() as reader:
        write_private(file, "new")
        assert reader.read() == "old"
    assert [path.name for path in file.parent.iterdir()] == ["file"]
    assert file.read_text() == "new"


def test_a_folder_that_was_open_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    assert private_folder(folder).stat().st_mode & 0o777 == 0o700


def test_json_is_readable_by_people_and_programs(tmp_path: Path) -> None:
    text = write_json(tmp_path / "a.json", {"key": [1, "ä"]}).read_text()
    assert json.loads(text) == {"key": [1, "ä"]}
    assert text.endswith("\n")


def test_the_socket_is_in_the_state_folder_where_its_path_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert socket_path(Path("state")) == Path("state/run/supervisor.sock")
    assert Path("state/run").stat().st_mode & 0o777 == 0o700


def test_a_long_path_moves_the_socket_to_a_private_short_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    state = tmp_path / ("long" * 40)
    socket = socket_path(state)
    assert socket.parent.parent == tmp_path
    assert socket.parent.stat().st_mode & 0o777 == 0o700
    assert socket_path(state) == socket
    assert socket_path(tmp_path / ("other" * 40)) != socket


def test_a_short_folder_that_others_can_open_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    state = tmp_path / ("long" * 40)
    socket_path(state).parent.chmod(0o755)
    with pytest.raises(SettingsError, match="open to others"):
        socket_path(state)
