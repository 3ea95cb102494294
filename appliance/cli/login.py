"""Who is at the command line, for what is kept with a name."""

import getpass


def login() -> str:
    """The name of the login; "unknown" where the system has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
