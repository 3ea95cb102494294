"""Children parse and decode; what kills one costs one request, and never the parent."""

import ctypes
import os
import pickle
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from appliance.domain.errors import DecodingCrashed, DecodingOutOfMemory, DecodingTooSlow, KeptOut, UnreadableObject
from appliance.domain.model_package import InputKind
from appliance.gate.limits import Limits
from appliance.gate.reasons import Reason, Refused
from appliance.study.children import messages
from appliance.study.children.pool import ChildLimits, Children
from appliance.study.children.source import ChildPixelSource, header_in, inspect_in, read_instance_in
from appliance.study.objects import DEFAULT_LIMITS
from tests.helpers.dicom_builder import blob_phantom, ct_series, save
from tests.helpers.reading import stored_series

EVIL = """
import ctypes, os, signal, socket, sys, time
from appliance.study.children import duties
def crash(): ctypes.string_at(0)
def eat():
    hoard = []
    while True: hoard.append(bytearray(64 << 20))
def spin():
    while True: pass
def sleep(): time.sleep(60)
def pid(): return os.getpid()
def once(marker):
    if not os.path.exists(marker):
        open(marker, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return "second"
def network():
    try:
        socket.create_connection(("127.0.0.1", int(sys.argv[0] and os.environ["PROBE"])), timeout=2).close()
    except OSError as error:
        return type(error).__name__
    return "connected"
def raises(): raise KeyError("a value of the header")
duties.DUTIES.update({f.__name__: f for f in (crash, eat, spin, sleep, pid, once, network, raises)})
"""


@pytest.fixture
def evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Children of this test learn duties that no honest one has."""
    (tmp_path / "sitecustomize.py").write_text(EVIL)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.fixture
def children(evil: None) -> Iterator[Children]:
    pool = Children(1, ChildLimits(memory_bytes=2 * 1024**3, cpu_s=5, wall_s=300))
    yield pool
    pool.close()


def test_a_child_is_warm_for_the_next_request(children: Children) -> None:
    assert children.call("pid") == children.call("pid")


def test_a_crash_costs_the_request_and_the_next_one_is_served(children: Children) -> None:
    before = children.call("pid")
    with pytest.raises(DecodingCrashed, match="SIGSEGV"):
        children.call("crash")
    assert children.call("pid") != before


def test_a_request_whose_child_died_of_something_else_is_tried_again(children: Children, tmp_path: Path) -> None:
    assert children.call("once", str(tmp_path / "marker")) == "second"


def test_memory_is_bounded(children: Children) -> None:
    with pytest.raises(DecodingOutOfMemory):
        children.call("eat")
    assert children.call("pid")


def test_processor_time_is_bounded_per_request(children: Children) -> None:
    with pytest.raises(DecodingTooSlow, match="processor"):
        children.call("spin")
    assert children.call("pid")


def test_a_child_that_hangs_is_given_up(evil: None) -> None:
    pool = Children(1, ChildLimits(memory_bytes=2 * 1024**3, wall_s=3))
    try:
        pool.call("pid")
        with pytest.raises(DecodingTooSlow, match="time limit"):
            pool.call("sleep")
        assert pool.call("pid")
    finally:
        pool.close()


def test_whatever_a_parser_raises_is_a_refusal_without_its_text(children: Children) -> None:
    with pytest.raises(UnreadableObject) as refused:
        children.call("raises")
    assert "KeyError" in refused.value.what
    assert "value of the header" not in refused.value.what


def test_a_child_reaches_no_network_where_the_system_can_see_to_that(
    evil: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.fork() == 0:
        os._exit(0 if ctypes.CDLL(None).unshare(0x50000000) == 0 else 1)
    if os.waitstatus_to_exitcode(os.wait()[1]):
        pytest.skip("this system lets nobody leave the network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("PROBE", str(server.getsockname()[1]))
        pool = Children(1, ChildLimits(memory_bytes=2 * 1024**3))
        try:
            assert pool.call("network") != "connected"
        finally:
            pool.close()


def test_children_end_with_the_pool(children: Children) -> None:
    pid = children.call("pid")
    children.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)


def test_headers_are_read_past_the_gate(children: Children, tmp_path: Path) -> None:
    items = ct_series(blob_phantom())
    paths = save(items[:1], tmp_path / "ct")
    path = next(iter(paths.values()))
    assert read_instance_in(children, path, DEFAULT_LIMITS).sop_instance_uid == items[0].SOPInstanceUID
    assert header_in(children, path, DEFAULT_LIMITS).PatientName == items[0].PatientName
    path.write_bytes(b"no DICOM")
    with pytest.raises(KeptOut) as refused:
        read_instance_in(children, path, DEFAULT_LIMITS)
    assert refused.value.code == "gate-not-dicom"


def test_the_gate_looks_in_a_child_and_says_all_that_it_found(children: Children, tmp_path: Path) -> None:
    (dataset,) = ct_series(blob_phantom((1, 8, 9)))
    (path,) = save([dataset], tmp_path / "study").values()
    assert inspect_in(children, path, Limits()).sop_instance == dataset.SOPInstanceUID
    with pytest.raises(Refused) as refused:
        inspect_in(children, path, Limits(level_elements=30))
    assert refused.value.reason is Reason.ELEMENTS
    assert refused.value.study == dataset.StudyInstanceUID
    assert (refused.value.sop_class, refused.value.sop_instance) == (dataset.SOPClassUID, dataset.SOPInstanceUID)


def test_an_object_that_the_gate_dies_of_is_refused_for_that(
    children: Children, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash = children.call
    monkeypatch.setattr(children, "call", lambda duty, *_: crash("crash"))
    with pytest.raises(Refused) as refused:
        inspect_in(children, tmp_path / "any", Limits())
    assert (refused.value.reason, refused.value.detail) == (
        Reason.DEFECT,
        "looking at it ended with input-decoding-crashed",
    )


def test_a_volume_with_padding_comes_back_whole_and_read_only(children: Children, tmp_path: Path) -> None:
    phantom = blob_phantom()
    items = ct_series(phantom, PixelPaddingValue=-1000)
    series, _ = stored_series(items, tmp_path)
    paths = save(items, tmp_path / "again")
    (volume,) = ChildPixelSource(paths, children).read(series, InputKind.VOLUME).sources
    np.testing.assert_array_equal(volume.voxels, phantom.values)
    np.testing.assert_array_equal(volume.padding, phantom.values == -1000)
    assert not volume.voxels.flags.writeable


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


def test_the_parent_makes_nothing_but_values_of_what_a_child_sends() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        payload = pickle.dumps((pickle.dumps(_Evil()), []))
        messages._send(theirs, payload, ())
        with pytest.raises(pickle.UnpicklingError, match=r"may not send posix\.system"):
            messages.receive_shared(ours)


def test_several_values_of_an_element_come_back() -> None:
    """pydicom makes them with a method of their element, which a child may not send."""
    header = Dataset()
    header.ImageType = ["ORIGINAL", "PRIMARY"]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        messages.send_sharing(theirs, header)
        received = messages.receive_shared(ours)
    assert received == header
    received.ImageType.append("AXIAL")
    assert received.ImageType == ["ORIGINAL", "PRIMARY", "AXIAL"]


def test_arrays_are_mapped_and_not_copied() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sent = {"a": np.arange(1000), "b": np.ones((3, 4), np.float32), "c": "text"}
        messages.send_sharing(theirs, sent)
        received = messages.receive_shared(ours)
    np.testing.assert_array_equal(received["a"], sent["a"])
    np.testing.assert_array_equal(received["b"], sent["b"])
    assert not received["a"].flags.writeable
    assert not received["a"].flags.owndata
