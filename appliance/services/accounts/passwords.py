"""Passwords: which are taken, how they are kept (Argon2id, RFC 9106), how they are verified."""

import threading
from collections.abc import Sequence

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from appliance.domain.errors import PasswordRefused

LEAST_LENGTH = 12
MOST_LENGTH = 256
_LEAST_SCORE = 3
"""Of zxcvbn: 3 is "safely unguessable", some 10^8 guesses, for a hash that is slow to compute."""
_MOST_ESTIMATED = 72
"""Characters that zxcvbn looks at; it takes long for more, and more never makes a password worse."""
_AT_ONCE = 2
"""Hashes computed at the same time: each takes 64 MiB, and anybody may ask for one."""


def refuse_weak(password: str, *, names: Sequence[str] = ()) -> None:
    """Raise PasswordRefused with the reason; `names` are those of the account, which it must not be made of."""
    if len(password) < LEAST_LENGTH:
        raise PasswordRefused(f"the password has fewer than {LEAST_LENGTH} characters")
    if len(password) > MOST_LENGTH:
        raise PasswordRefused(f"the password has more than {MOST_LENGTH} characters")
    words = [word for name in names for word in (name, *name.split()) if len(word) > 2]
    if any(word.casefold() in password.casefold() for word in words):
        raise PasswordRefused("the password contains the name of the account")
    if zxcvbn(password[:_MOST_ESTIMATED], user_inputs=words)["score"] < _LEAST_SCORE:
        raise PasswordRefused("the password is a common one, or made of common parts in a common way")


class Passwords:
    """Hashes and verifies."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = threading.BoundedSemaphore(_AT_ONCE)
        self._nobodys = self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """The hash with its parameters and salt."""
        with self._turn:
            return self._hasher.hash(password)

    def verify(self, kept: str | None, password: str) -> bool:
        """Whether the password is the one that `kept` is of. Without one it is False after the same time."""
        with self._turn:
            try:
                self._hasher.verify(kept or self._nobodys, password[: MOST_LENGTH + 1])
            except (VerificationError, InvalidHashError):
                return False
        return kept is not None

    def is_dated(self, kept: str) -> bool:
        """Whether the parameters of a hash are not those of today."""
        return self._hasher.check_needs_rehash(kept)
