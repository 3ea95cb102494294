"""Identifiers in addresses: digits and dots, nothing that a database or a file system could take for more."""

from typing import Annotated

from fastapi import Path

UID_PATTERN = r"^[0-9.]{1,64}$"
Uid = Annotated[str, Path(pattern=UID_PATTERN)]
"""A UID (PS3.5 9)."""
