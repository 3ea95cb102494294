"""Identifiers in addresses: digits and dots, nothing that a database or a file system could take for more."""

from typing import Annotated

from fastapi import Path

Uid = Annotated[str, Path(pattern=r"^[0-9.]{1,64}$")]
"""A UID (PS3.5 9)."""
