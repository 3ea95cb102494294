"""What an account may be called."""

import re

from appliance.domain.errors import AccountError

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._@+-]{0,62}[a-z0-9])?")
_LONGEST_DISPLAY_NAME = 128


def account_name(given: str) -> str:
    """The name as it is kept: without case. Raises AccountError."""
    name = given.strip().casefold()
    if not _NAME.fullmatch(name):
        raise AccountError("a name has 1 to 64 letters, digits and . _ @ + - and begins and ends with letter or digit")
    return name


def display_name(given: str, name: str) -> str:
    """How the account is shown; its name where nothing is given. Raises AccountError."""
    shown = " ".join(given.split()) or name
    if len(shown) > _LONGEST_DISPLAY_NAME or not shown.isprintable():
        raise AccountError(f"a shown name has at most {_LONGEST_DISPLAY_NAME} characters, all of them printable")
    return shown
