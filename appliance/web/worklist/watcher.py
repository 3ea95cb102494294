"""Pushes changes of the worklist to open pages: one look at the ledger per second for all of them, and none for none.

A look asks the ledger for lines with a higher revision than the last; what a page makes of a line is its own affair.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi.concurrency import run_in_threadpool

from appliance.bootstrap import Appliance
from appliance.domain.access import UserRole
from appliance.domain.errors import TransientError
from appliance.domain.worklist import Entry
from appliance.logs import get_logger

EVERY_S = 1.0
SESSIONS_EVERY = 10
"""Looks after which it is asked whether the sessions of the pages have ended."""
_MOST_WAITING = 64
_log = get_logger(__name__)


class Ended(Exception):
    """The session of the page has ended, or its roles have changed."""


class Behind(Exception):
    """The page does not take what is pushed to it: it has to be loaded anew."""


@dataclass(eq=False)
class Subscription:
    """One open page. session: whose it is, "" for a program with a token."""

    session: str
    roles: frozenset[UserRole]
    _waiting: asyncio.Queue[Sequence[Entry] | Exception] = field(default_factory=lambda: asyncio.Queue(_MOST_WAITING))

    def push(self, what: Sequence[Entry] | Exception) -> None:
        """Hand something over; a page that takes nothing is told so at last."""
        if self._waiting.full():
            while not self._waiting.empty():
                self._waiting.get_nowait()
            what = Behind()
        self._waiting.put_nowait(what)

    async def changes(self, quiet_s: float) -> AsyncIterator[Sequence[Entry]]:
        """Changed lines as they come, none after so many seconds without. Raises Ended or Behind at the end."""
        while True:
            try:
                what = await asyncio.wait_for(self._waiting.get(), quiet_s)
            except TimeoutError:
                what = ()
            if isinstance(what, Exception):
                raise what
            yield what


class Watcher:
    """Looks while somebody is subscribed."""

    def __init__(self, node: Appliance, *, every_s: float = EVERY_S) -> None:
        self._node = node
        self._every_s = every_s
        self._subscriptions: set[Subscription] = set()
        self._revision = 0
        self._task: asyncio.Task[None] | None = None
        self._now: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextmanager
    def subscribed(self, session: str, roles: frozenset[UserRole], revision: int) -> Iterator[Subscription]:
        """A subscription to what changes after `revision`, as long as it is held."""
        one = Subscription(session, roles)
        if not self._subscriptions:
            self._revision = revision
        self._subscriptions.add(one)
        if self._task is None or self._task.done():
            self._loop = asyncio.get_running_loop()
            self._now = asyncio.Event()
            self._task = self._loop.create_task(self._run(self._now))
        try:
            yield one
        finally:
            self._subscriptions.discard(one)

    @property
    def revision(self) -> int:
        """What every page has been told."""
        return self._revision

    @property
    def pages(self) -> int:
        """How many are open."""
        return len(self._subscriptions)

    def look_now(self) -> None:
        """Something was changed here: do not wait for the next look. From any thread."""
        if self._loop is not None and self._now is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._now.set)

    async def _run(self, now: asyncio.Event) -> None:
        looks = 0
        while self._subscriptions:
            try:
                await self._look()
                if looks % SESSIONS_EVERY == 0:
                    await self._end_sessions()
            except TransientError as error:
                _log.warning("the worklist could not be looked at", code=error.code)
            looks += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(now.wait(), self._every_s)
            now.clear()

    async def _look(self) -> None:
        changed = await run_in_threadpool(self._changed)
        if changed:
            self._revision = changed[-1].revision
            for one in tuple(self._subscriptions):
                one.push(changed)

    def _changed(self) -> Sequence[Entry]:
        """What changed; lines that no worker has said anew are said here."""
        self._node.worklist_keeper.keep()
        return self._node.worklist.changed_since(self._revision)

    async def _end_sessions(self) -> None:
        sessions = {one.session for one in self._subscriptions if one.session}
        alive = await run_in_threadpool(self._node.web_sessions.alive, sessions)
        for one in tuple(self._subscriptions):
            if one.session and alive.get(one.session) != one.roles:
                one.push(Ended())
