"""What parent and child say to each other over a socket pair: pickles with lengths, arrays in shared memory.

An array of a reply lies in an anonymous file (memfd) whose descriptor is sent along, so that the parent maps it
instead of copying it. The parent believes a child no more than it must: only classes of DICOM objects, of our own
domain and of the standard library's values are made from a pickle, and no function is called but those that rebuild
them.
"""

import copyreg
import io
import mmap
import os
import pickle
import socket
import struct
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from pydicom.multival import MultiValue

_HEADER = struct.Struct("<QB")
_MOST_DESCRIPTORS = 4
_ALIGNMENT = 64
_CLASSES_OF = ("pydicom.", "numpy.", "appliance.domain.", "appliance.study.", "appliance.gate.")
_FUNCTIONS = frozenset(
    {
        ("numpy._core.numeric", "_frombuffer"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "scalar"),
        ("copyreg", "_reconstructor"),
        ("copyreg", "__newobj__"),
        (__name__, "read_only"),
        (__name__, "several"),
    }
)
_VALUES = frozenset(
    {
        ("builtins", name)
        for name in ("object", "set", "frozenset", "bytearray", "complex", "slice", "dict", "list", "str")
    }
    | {("builtins", name) for name in ("dict", "list", "str", "float", "int")}
    | {("numpy", "ndarray"), ("numpy", "dtype"), ("decimal", "Decimal"), ("collections", "OrderedDict")}
    | {("datetime", name) for name in ("date", "time", "datetime", "timedelta", "timezone")}
    | {("types", "MappingProxyType"), ("builtins", "mappingproxy"), ("pathlib", "PosixPath"), ("pathlib", "Path")}
)


class Closed(Exception):
    """The other side is gone."""


def send(connection: socket.socket, message: Any, descriptors: Sequence[int] = ()) -> None:
    """Send one message, arrays inside it as they are. Raises Closed."""
    _send(connection, _pickled(message, None), descriptors)


def send_sharing(connection: socket.socket, message: Any) -> None:
    """Send one message, the arrays inside it through shared memory. Raises Closed."""
    buffers: list[pickle.PickleBuffer] = []
    body = _pickled(message, buffers)
    views = [buffer.raw() for buffer in buffers]
    places, size = [], 0
    for view in views:
        places.append((size, view.nbytes))
        size += -(-view.nbytes // _ALIGNMENT) * _ALIGNMENT
    payload = pickle.dumps((body, places))
    if not views:
        _send(connection, payload, ())
        return
    descriptor = os.memfd_create("appliance-arrays")
    try:
        os.ftruncate(descriptor, size)
        with mmap.mmap(descriptor, size) as shared:
            for view, (at, length) in zip(views, places, strict=True):
                shared[at : at + length] = view
        _send(connection, payload, (descriptor,))
    finally:
        os.close(descriptor)


def receive(connection: socket.socket) -> tuple[Any, list[int]]:
    """One message of a trusted sender, and the descriptors that came with it. Raises Closed."""
    body, descriptors = _receive(connection)
    return pickle.loads(body), descriptors  # noqa: S301 - the child believes its parent


def receive_shared(connection: socket.socket) -> Any:
    """One message of `send_sharing`; its arrays are read-only. Raises Closed, UnpicklingError."""
    payload, descriptors = _receive(connection)
    try:
        body, places = _Reader(io.BytesIO(payload)).load()
        if not places:
            return _Reader(io.BytesIO(body)).load()
        shared = memoryview(mmap.mmap(descriptors[0], 0, prot=mmap.PROT_READ))
        return _Reader(io.BytesIO(body), buffers=[shared[at : at + length] for at, length in places]).load()
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def read_only(content: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    """A mapping as the domain has it; pickle knows no name for its class."""
    return MappingProxyType(content)


def several(values: list[Any]) -> "MultiValue[Any]":
    """The values of one element (PS3.5 6.4), which are what they shall be already."""
    return MultiValue(_unchanged, values)


def _unchanged(value: Any) -> Any:
    return value


class _Writer(pickle.Pickler):
    dispatch_table = copyreg.dispatch_table.copy()
    dispatch_table[MappingProxyType] = lambda mapping: (read_only, (dict(mapping),))
    # pydicom's own pickle of it carries a bound method, which would need getattr on the other side
    dispatch_table[MultiValue] = lambda values: (several, (list(values),))


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Only what values are made of."""
        if (module, name) in _VALUES or (module, name) in _FUNCTIONS:
            return super().find_class(module, name)
        if module.startswith(_CLASSES_OF) and "." not in name:
            found = super().find_class(module, name)
            if isinstance(found, type):
                return found
        raise pickle.UnpicklingError(f"a child may not send {module}.{name}")


def _pickled(message: Any, buffers: list[pickle.PickleBuffer] | None) -> bytes:
    stream = io.BytesIO()
    _Writer(stream, protocol=5, buffer_callback=None if buffers is None else buffers.append).dump(message)
    return stream.getvalue()


def _send(connection: socket.socket, payload: bytes, descriptors: Sequence[int]) -> None:
    try:
        socket.send_fds(connection, [_HEADER.pack(len(payload), len(descriptors))], descriptors)
        connection.sendall(payload)
    except (BrokenPipeError, ConnectionError) as error:
        raise Closed from error


def _receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    try:
        header, descriptors, _, _ = socket.recv_fds(connection, _HEADER.size, _MOST_DESCRIPTORS)
        header += _exactly(connection, _HEADER.size - len(header)) if header else b""
        if not header:
            raise Closed
        length, _ = _HEADER.unpack(header)
        return _exactly(connection, length), descriptors
    except ConnectionError as error:
        raise Closed from error


def _exactly(connection: socket.socket, length: int) -> bytes:
    content = bytearray(length)
    view = memoryview(content)
    while view:
        count = connection.recv_into(view)
        if not count:
            raise Closed
        view = view[count:]
    return bytes(content)
