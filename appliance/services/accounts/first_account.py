"""The first account: made by whoever can read the one-time code in the state folder, and only while there is none."""

import hmac
import secrets
from pathlib import Path

from appliance.domain.access import UserRole
from appliance.domain.audit import Actor
from appliance.domain.errors import AccountRefused, SignInRefused
from appliance.services.accounts.desk import AccountDesk
from appliance.services.accounts.sessions import SignedIn, SignIn
from appliance.settings import Secrets
from appliance.store.users import Users

SETUP_CODE = "setup-code"
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without what is mistaken for another: it may be typed from a console."""
_GROUPS, _LETTERS = 4, 4


class FirstAccount:
    """Opens an appliance that has no account. secrets: the folder where the code lies, in the state folder."""

    def __init__(self, secrets: Secrets, users: Users, desk: AccountDesk, sign_in: SignIn) -> None:
        self._secrets = secrets
        self._users = users
        self._desk = desk
        self._sign_in = sign_in
        self._is_made = False

    @property
    def is_made(self) -> bool:
        """Whether there is an account; once there is one, there always will be."""
        self._is_made = self._is_made or self._users.any()
        return self._is_made

    @property
    def code(self) -> str:
        """The one-time code, made when it is first asked for. Raises SettingsError."""
        return self._secrets.get(SETUP_CODE, make=_new_code)

    @property
    def code_file(self) -> Path:
        """Where the code is, for its owner's eyes only."""
        return self._secrets.path(SETUP_CODE)

    def make(self, code: str, *, name: str, shown: str, password: str, address: str) -> SignedIn:
        """The first account, with the roles of PACS administrator and AI lead, signed in.

        Raises SignInRefused for a wrong code, SignInDelayed, AccountRefused, PasswordRefused.
        """
        if self.is_made:
            raise AccountRefused("there is an account already")
        self._sign_in.guess("setup-code", address=address)
        if not hmac.compare_digest(_plain(code), _plain(self.code)):
            raise SignInRefused("this is not the code")
        roles = (UserRole.PACS_ADMIN, UserRole.AI_LEAD)
        actor = Actor(name=name.strip().casefold(), address=address)
        user = self._desk.add(name, roles=roles, password=password, shown=shown, actor=actor, first=True)
        self.code_file.unlink(missing_ok=True)
        return self._sign_in.begin(user, address=address)


def _new_code() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS)) for _ in range(_GROUPS))
    return "-".join(groups)


def _plain(code: str) -> bytes:
    """Without what people add or leave out when they type it."""
    return "".join(letter for letter in code.upper() if letter.isalnum()).encode("utf-8", "replace")
