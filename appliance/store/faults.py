"""What a database says when it fails, as what it means: try the transaction again, or come back later."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from appliance.domain.errors import LedgerUnavailable
from appliance.logs import get_logger

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")

_RETRIES = 5
_PAUSE_S = 0.02
_GIVEN_UP = frozenset({"40001", "40P01", "23505"})
"""SQLSTATE of serialization failure, deadlock and unique violation: another transaction came first, and the next try
sees what it wrote."""
_LOCKED = ("database is locked", "database table is locked")
"""How SQLite says that a writer held the lock for longer than we wait."""

_log = get_logger(__name__)


@contextmanager
def told_apart() -> Iterator[None]:
    """Raise LedgerUnavailable for a database that is not there, or went away within the block."""
    try:
        yield
    except DBAPIError as error:
        if _is_absence(error):
            raise LedgerUnavailable(type(error.orig).__name__) from error
        raise


def retried(transaction: Callable[_Given, _Answer]) -> Callable[_Given, _Answer]:
    """Run a function that is one transaction again when the database gave it up in favour of another one.

    Nothing of a transaction that was given up remains, so that running it again is running it for the first time.
    """

    @wraps(transaction)
    def run(*given: _Given.args, **named: _Given.kwargs) -> _Answer:
        for attempt in range(1, _RETRIES + 1):
            try:
                return transaction(*given, **named)
            except DBAPIError as error:
                if _state(error) not in _GIVEN_UP or attempt == _RETRIES:
                    raise
                _log.info("transaction tried again", transaction=transaction.__qualname__, attempt=attempt)
                # the other transaction was about to go on: begin after it, not beside it
                time.sleep(attempt * _PAUSE_S)
        raise AssertionError("unreachable")

    return run


def _is_absence(error: DBAPIError) -> bool:
    state = _state(error)
    if state in _GIVEN_UP:
        return False
    if state is None and type(error.orig).__module__.startswith("sqlite3"):
        return str(error.orig).startswith(_LOCKED)
    return error.connection_invalidated or isinstance(error, (OperationalError, InterfaceError))


def _state(error: DBAPIError) -> str | None:
    state = getattr(error.orig, "sqlstate", None)
    return str(state) if state else None
