"""Signs of life."""

import os
import socket
import time
from pathlib import Path

from appliance.services.presence import Presence, code_fingerprint, forget, signs


def test_a_service_is_present_from_its_start_to_its_end(tmp_path: Path) -> None:
    presence = Presence(tmp_path / "alive", "web", every_s=0.01)
    presence.start()
    (sign,) = signs(tmp_path / "alive")
    assert (sign.service, sign.pid, sign.code, sign.is_fresh) == ("web", os.getpid(), code_fingerprint(), True)
    presence.stop()
    assert signs(tmp_path / "alive") == ()


def test_the_sign_is_renewed(tmp_path: Path) -> None:
    presence = Presence(tmp_path, "web", every_s=0.01)
    presence.start()
    file = next(tmp_path.glob("*.json"))
    os.utime(file, (0, 0))
    deadline = time.monotonic() + 20
    while file.stat().st_mtime == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    presence.stop()
    assert file.exists() is False
    assert time.monotonic() < deadline


def test_a_sign_that_was_not_renewed_is_silence(tmp_path: Path) -> None:
    Presence(tmp_path, "web")._give()
    an_hour_ago = time.time() - 3600
    os.utime(next(tmp_path.glob("*.json")), (an_hour_ago, an_hour_ago))
    assert [sign.is_fresh for sign in signs(tmp_path)] == [False]


def test_signs_of_long_ago_and_damaged_ones_are_left_out(tmp_path: Path) -> None:
    Presence(tmp_path, "web")._give()
    os.utime(next(tmp_path.glob("*.json")), (1, 1))
    (tmp_path / "half.json").write_text("{", encoding="utf-8")
    (tmp_path / "other.json").write_text('{"unknown": 1}', encoding="utf-8")
    assert signs(tmp_path) == ()


def test_signs_that_were_left_behind_on_this_machine_are_forgotten(tmp_path: Path) -> None:
    Presence(tmp_path, "web")._give()
    (here,) = tmp_path.glob("*.json")
    elsewhere = tmp_path / "web-elsewhere.json"
    elsewhere.write_text(here.read_text(encoding="utf-8").replace(socket.gethostname(), "elsewhere"), encoding="utf-8")
    forget(tmp_path)
    assert [sign.host for sign in signs(tmp_path)] == ["elsewhere"]


def test_a_folder_that_cannot_be_written_ends_no_service(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")
    presence = Presence(tmp_path / "file" / "alive", "web")
    presence.start()
    presence.stop()
