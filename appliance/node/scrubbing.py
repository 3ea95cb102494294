"""Taking out of a text what must not leave the house: secrets, and UIDs that lead to a study."""

import hashlib
import re
import secrets
from collections.abc import Iterable

_UID = re.compile(r"(?<![\d.])[0-2](?:\.(?:0|[1-9]\d*)){5,}(?![\d.]*\d)|(?<![\d.])2\.25\.\d{10,}")
_STANDARD = "1.2.840.10008."
"""The root of the UIDs that the Standard itself defines (PS3.6): SOP classes, transfer syntaxes."""
_SHORTEST_SECRET = 6


class Scrubber:
    """Replaces UIDs by short hashes and secrets by a word.

    The same UID gives the same hash within one scrubber, so that lines still belong together; a random salt, which
    nobody keeps, makes sure that the hash leads nowhere outside.
    """

    def __init__(self, hidden: Iterable[str] = ()) -> None:
        self._salt = secrets.token_bytes(16)
        self._hidden = sorted({text for text in hidden if len(text) >= _SHORTEST_SECRET}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text without secrets and without UIDs of objects."""
        for secret in self._hidden:
            text = text.replace(secret, "[secret]")
        return _UID.sub(lambda found: self.uid(found[0]), text)

    def uid(self, uid: str) -> str:
        """What stands for a UID; those of the Standard stand for themselves."""
        if uid.startswith(_STANDARD):
            return uid
        return "uid-" + hashlib.sha256(self._salt + uid.encode()).hexdigest()[:12]
