"""Unique identifiers, told apart by type, and identifiers that derive from content."""

import hashlib
import uuid
from typing import NewType

StudyInstanceUID = NewType("StudyInstanceUID", str)
SeriesInstanceUID = NewType("SeriesInstanceUID", str)
SOPInstanceUID = NewType("SOPInstanceUID", str)
WorkitemUID = NewType("WorkitemUID", str)

_NAMESPACE = uuid.UUID("8f0d5a44-8c1f-5f1c-9d7e-3a5d1c7b9e10")


def derived_uid(*parts: str) -> str:
    """A UID that is a function of `parts` alone: the same parts give the same UID on every machine.

    The 2.25 form of PS3.5 B.2 over a name-based UUID (RFC 9562, version 5). Parts are joined with their lengths,
    so that ("ab", "c") and ("a", "bc") differ.
    """
    name = "".join(f"{len(part)}:{part}" for part in parts)
    return f"2.25.{uuid.uuid5(_NAMESPACE, name).int}"


def content_hash(*parts: str) -> str:
    """The sha256 of `parts` in hexadecimal, for names of files and rows; never built from patient data."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()
