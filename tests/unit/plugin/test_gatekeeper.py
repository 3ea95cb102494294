"""The gate as Orthanc's threads meet it: nothing hostile gets by, and nothing that goes wrong lets anything in."""

import importlib
import random
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.helpers.hostile import image, joined, part10

DICOM, REST = 2, 3
GET, POST = 1, 2
TOKEN = "let me in"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def make(load_plugin: Any, tmp_path: Path, said: list[str]) -> Callable[..., Any]:
    load_plugin({})
    setup = importlib.import_module("gate_setup")

    def build(**options: Any) -> Any:
        return setup.make_gate(
            **{
                "storage": tmp_path,
                "quarantine": tmp_path / "quarantine",
                "quarantine_mib": 10,
                "crashes_folder": tmp_path / "crashes",
                "limits": {},
                "upload_token": lambda: TOKEN,
                "log": said.append,
                **options,
            }
        )

    return build


@pytest.fixture
def good() -> bytes:
    return part10(joined(image(random.Random(1))))


@pytest.fixture
def bad() -> bytes:
    return part10(joined(image(random.Random(1), rows=b"\xff\xff", columns=b"\xff\xff")))


def _records(tmp_path: Path) -> list[dict[str, Any]]:
    quarantine = importlib.import_module("appliance.gate.quarantine")
    return list(quarantine.QuarantineFolder(tmp_path / "quarantine").records())


def test_a_good_object_is_stored_as_it_is(make: Any, good: bytes, tmp_path: Path) -> None:
    keeper = make().keeper
    assert keeper.receive(good, DICOM) is None
    assert keeper.answer("CT1") == 0
    assert _records(tmp_path) == []


def test_a_full_disk_takes_nothing_and_says_so(make: Any, good: bytes, bad: bytes, monkeypatch: Any) -> None:
    free = [0]
    monkeypatch.setattr("os.statvfs", lambda _: SimpleNamespace(f_bavail=free[0], f_frsize=1))
    keeper = make().keeper
    for item in (good, bad):
        assert keeper.receive(item, DICOM) not in (None, b"", item)
        assert keeper.answer("CT1") == 0xA700
        assert keeper.receive(item, REST) == b""
    free[0] = len(good) + 64 * 2**20
    assert keeper.receive(good, DICOM) is None
    assert keeper.answer("CT1") == 0


def test_a_bad_one_never_reaches_the_storage_and_its_sender_is_told(
    make: Any, bad: bytes, good: bytes, tmp_path: Path
) -> None:
    keeper = make().keeper
    instead = keeper.receive(bad, DICOM)
    assert instead
    assert instead != bad
    assert keeper.answer("CT1") == 0xC000
    (record,) = _records(tmp_path)
    assert (record["code"], record["calling_aet"], record["way"]) == ("gate-image-size", "CT1", "dicom")
    assert keeper.receive(good, DICOM) is None
    assert keeper.answer("CT1") == 0


def test_what_takes_its_place_passes_the_gate_itself(make: Any, bad: bytes) -> None:
    keeper = make().keeper
    assert keeper.receive(keeper.receive(bad, DICOM), DICOM) is None


def test_a_bad_object_from_elsewhere_is_discarded(make: Any, bad: bytes) -> None:
    assert make().keeper.receive(bad, REST) == b""


def test_a_defect_of_the_gate_keeps_out_this_object_and_no_other(
    make: Any, good: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = make().keeper
    module = importlib.import_module("gatekeeper")

    def defect(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    with monkeypatch.context() as broken:
        broken.setattr(module, "inspect", defect)
        assert keeper.receive(good, DICOM)
    assert keeper.answer("CT1") == 0xC000
    assert [record["code"] for record in _records(tmp_path)] == ["gate-defect"]
    assert keeper.receive(good, DICOM) is None


def test_a_full_disk_lets_nothing_in(make: Any, bad: bytes, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = make().keeper

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(keeper._quarantine, "hold", full)
    assert keeper.receive(bad, DICOM)
    assert keeper.answer("CT1") == 0xC000
    assert "quarantine failed (OSError)" in said[-1]


def test_a_foreign_preamble_is_zeroed_and_mentioned(make: Any, good: bytes, said: list[str]) -> None:
    foreign = b"\x7fELF".ljust(128, b"x") + good[128:]
    assert make().keeper.receive(foreign, REST) == good
    assert said == ["a foreign preamble (7f454c46) was zeroed"]


def test_what_a_person_admitted_passes_where_that_may_be(make: Any, bad: bytes, tmp_path: Path) -> None:
    gate = make()
    quarantine = gate.keeper._quarantine
    gate.keeper.receive(bad, REST)
    quarantine.admit(_records(tmp_path)[0]["sha256"])
    assert gate.keeper.receive(bad, REST) is None
    broken = part10(joined(image(random.Random(1), pixels=b"\0\0")))
    gate.keeper.receive(broken, REST)
    for record in _records(tmp_path):
        quarantine.admit(record["sha256"])
    assert gate.keeper.receive(broken, REST) == b""


def test_an_object_that_orthanc_died_of_is_kept_out_ever_after(make: Any, good: bytes, tmp_path: Path) -> None:
    make().keeper.receive(good, DICOM)
    importlib.import_module("appliance_gate.crashes").record_crash(tmp_path / "crashes", "SIGSEGV")
    keeper = make().keeper
    assert keeper.receive(good, DICOM)
    assert [record["code"] for record in _records(tmp_path)] == ["orthanc-crash"]


def test_an_object_that_was_stored_is_no_suspect(make: Any, good: bytes, tmp_path: Path) -> None:
    keeper = make().keeper
    keeper.receive(good, DICOM)
    keeper.stored()
    importlib.import_module("appliance_gate.crashes").record_crash(tmp_path / "crashes", "SIGSEGV")
    assert make().keeper.receive(good, DICOM) is None


class _Orthanc(SimpleNamespace):
    """The REST API as the plugin uses it."""

    def RestApiGet(self, path: str) -> bytes:  # noqa: N802
        return self.files[path]

    def RestApiDelete(self, path: str) -> None:  # noqa: N802
        self.deleted.append(path)

    def RestApiPost(self, path: str, body: bytes) -> bytes:  # noqa: N802
        assert (path, body) == ("/tools/lookup", b"1.2.3")
        return b'[{"ID": "other", "Type": "Series"}, {"ID": "%s", "Type": "Instance"}]' % ID.encode()


ID = "0a000000-0b000000-0c000000-0d000000-0e000000"


@pytest.mark.parametrize(
    "uri", [f"/instances/{ID}/tags", "/dicom-web/studies/1/series/2/instances/1.2.3/rendered"], ids=["REST", "DICOMweb"]
)
def test_what_orthanc_died_of_while_reading_leaves_its_storage_once(make: Any, tmp_path: Path, uri: str) -> None:
    keeper = make().keeper
    assert keeper.allow(uri, GET, {})
    importlib.import_module("appliance_gate.crashes").record_crash(tmp_path / "crashes", "SIGSEGV")
    orthanc = _Orthanc(files={f"/instances/{ID}/file": b"killer"}, deleted=[])
    make().isolate_suspects(orthanc)
    assert orthanc.deleted == [f"/instances/{ID}"]
    assert [(record["code"], record["size"]) for record in _records(tmp_path)] == [("orthanc-crash", 6)]
    make().isolate_suspects(orthanc)
    assert len(orthanc.deleted) == 1


def test_a_suspect_that_is_gone_does_not_keep_orthanc_from_starting(make: Any, tmp_path: Path, said: list[str]) -> None:
    make().keeper.allow(f"/instances/{ID}/preview", GET, {})
    importlib.import_module("appliance_gate.crashes").record_crash(tmp_path / "crashes", "SIGSEGV")
    make().isolate_suspects(_Orthanc(files={}, deleted=[]))
    assert "could not be isolated (KeyError)" in said[-1]


@pytest.mark.parametrize(
    ("uri", "method", "headers", "allowed"),
    [
        ("/instances", POST, {"X-Appliance-Upload": TOKEN, "Content-Length": "100"}, True),
        ("/instances", POST, {"Content-Length": "100"}, False),
        ("/instances/", POST, {"X-Appliance-Upload": "guess"}, False),
        ("/dicom-web/studies", POST, {}, False),
        ("/dicom-web/studies/1.2", POST, {}, False),
        ("/modalities/pacs/store-straight", POST, {}, False),
        ("/instances", GET, {}, True),
        ("/dicom-web/studies", GET, {}, True),
        ("/tools/bulk-content", POST, {"content-length": "100"}, True),
        ("/tools/bulk-content", POST, {"Content-Encoding": "gzip"}, False),
        ("/tools/bulk-content", POST, {"content-encoding": "deflate"}, False),
        ("/tools/bulk-content", POST, {"Content-Encoding": "identity"}, True),
        ("/tools/bulk-content", POST, {"Content-Length": "4294967296"}, False),
        ("/tools/bulk-content", POST, {"Content-Length": "-1"}, False),
    ],
)
def test_bodies_are_bounded_plain_and_ours(
    make: Any, uri: str, method: int, headers: dict[str, str], allowed: bool
) -> None:
    assert make().keeper.allow(uri, method, headers) is allowed


def test_without_an_upload_token_nothing_is_uploaded(make: Any) -> None:
    keeper = make(upload_token=lambda: "").keeper
    assert not keeper.allow("/instances", POST, {"X-Appliance-Upload": ""})


def test_a_limit_that_does_not_exist_is_an_error(make: Any) -> None:
    with pytest.raises(TypeError):
        make(limits={"depht": 3})


def test_without_the_gate_orthanc_does_not_start(load_plugin: Any, tmp_path: Path) -> None:
    plugin: ModuleType = load_plugin({"Appliance": {}})
    assert plugin
    with pytest.raises(RuntimeError, match="the gate is not in"):
        load_plugin({"Appliance": {"GateFolder": str(tmp_path / "nowhere")}})
