"""Keeps the lines of the worklist up with the ledger.

Every event of a study takes it off the list of what is said rightly; whoever has done some work looks for such studies
and says them anew. So a new kind of event, an old ledger and a keeper that died need nothing of their own.
"""

import time
from datetime import timedelta

from appliance.domain.errors import UnknownStudy
from appliance.domain.identifiers import StudyInstanceUID
from appliance.services.worklist.facts import facts_of
from appliance.services.worklist.verdict import progress_of
from appliance.store.worklist import Worklist
from appliance.store.worklist_sources import WorklistSources

_REMEMBERED_S = 60.0


class WorklistKeeper:
    """Says lines anew. Safe in many processes at once: a line is only kept as of the last event."""

    def __init__(self, worklist: Worklist, sources: WorklistSources) -> None:
        self._worklist = worklist
        self._sources = sources
        self._usual: dict[tuple[str, str], tuple[float, timedelta | None]] = {}

    def keep(self, limit: int = 100) -> int:
        """Say at most so many lines anew; how many there were to say."""
        due = self._worklist.unlisted(limit)
        for study in due:
            self.keep_study(study)
        return len(due)

    def keep_all(self) -> int:
        """Say every line anew that has to be; how many there were."""
        total = 0
        while count := self.keep():
            total += count
        return total

    def keep_study(self, study: StudyInstanceUID) -> bool:
        """Say one line anew; False if more happened meanwhile, or the study is no more."""
        try:
            sources = self._sources.of_study(study)
        except UnknownStudy:
            return False
        progress = progress_of(sources, self._usual_time)
        return self._worklist.put(facts_of(sources), progress, as_of=sources.last_event)

    def _usual_time(self, package: str, version: str) -> timedelta | None:
        known = self._usual.get((package, version))
        now = time.monotonic()
        if known is None or known[0] < now:
            known = now + _REMEMBERED_S, self._sources.usual_time(package, version)
            self._usual[package, version] = known
        return known[1]
