"""Writes into the audit trail which studies are looked at: once per session and study, before anything is shown."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from fastapi.concurrency import run_in_threadpool

from appliance.domain.audit import AuditEntry, AuditKind
from appliance.services.audit import Audit
from appliance.web.security.visitor import Visitor

_REMEMBERED = 20_000
_Key = tuple[str, AuditKind, str]


class AccessNotes:
    """Remembers what it has written; what it forgets after a restart, or among very many, is written again."""

    def __init__(self, audit: Callable[[], Audit]) -> None:
        self._audit = audit
        self._written: OrderedDict[_Key, None] = OrderedDict()
        self._under_way: dict[_Key, asyncio.Future[None]] = {}

    async def opened(self, visitor: Visitor, study: str) -> None:
        """Images or results of a study are about to be shown. Raises LedgerUnavailable: then they must not be."""
        entry = AuditEntry(kind=AuditKind.STUDY_OPENED, actor=visitor.actor, study_instance_uid=study)
        await self._once((_session(visitor), entry.kind, study), entry)

    async def listed(self, visitor: Visitor, study: str) -> None:
        """What a study consists of is about to be shown. Raises as `opened` does."""
        entry = AuditEntry(kind=AuditKind.STUDIES_SEARCHED, actor=visitor.actor, study_instance_uid=study)
        await self._once((_session(visitor), entry.kind, study), entry)

    async def searched(self, visitor: Visitor, keys: str) -> None:
        """Studies are about to be searched, by attributes of these names. Raises as `opened` does."""
        entry = AuditEntry(kind=AuditKind.STUDIES_SEARCHED, actor=visitor.actor, detail={"by": keys})
        await run_in_threadpool(self._audit().record, entry)

    async def _once(self, key: _Key, entry: AuditEntry) -> None:
        """A viewer asks for much at the same time: the first writes, and all wait until it is written."""
        if key in self._written:
            self._written.move_to_end(key)
            return
        if key in self._under_way:
            await asyncio.shield(self._under_way[key])
            return
        writing = asyncio.ensure_future(run_in_threadpool(self._audit().record, entry))
        self._under_way[key] = writing
        try:
            await asyncio.shield(writing)
        finally:
            del self._under_way[key]
        self._written[key] = None
        if len(self._written) > _REMEMBERED:
            self._written.popitem(last=False)


def _session(visitor: Visitor) -> str:
    if visitor.session:
        return visitor.session.id_sha256
    return f"token {visitor.token.number}" if visitor.token else visitor.user.name
