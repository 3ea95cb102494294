"""From announcements and the change feed to the ledger: fetch, read the header, keep, ask for a plan."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from appliance.domain.errors import InputRefused, KeptOut, OrthancUnavailable
from appliance.domain.identifiers import SeriesInstanceUID, StudyInstanceUID, content_hash
from appliance.domain.study import Instance
from appliance.logs import get_logger
from appliance.services.dispatcher import Dispatcher
from appliance.services.instance_files import InstanceFiles
from appliance.services.planner import Planner
from appliance.store.clock import Clock, utc_now
from appliance.store.cursors import Cursors
from appliance.store.instances import ArrivedInstance, Instances, Origin
from appliance.store.quarantine import Held, Quarantine, Way
from appliance.store.results import StoredFile
from appliance.study import arrival
from appliance.study.orthanc import NEW_INSTANCE, STABLE_STUDY, OrthancClient
from appliance.study.orthanc_index import Reception
from appliance.study.reader import read_instance

FEED = "orthanc-changes"
NOT_INPUT = "not-input"
_TOGETHER = 16
"""Instances that are kept in one transaction."""
_TRIES = 3
_RESOLUTION = timedelta(seconds=1)  # of the dates that Orthanc keeps
NEVER_TOLD: Mapping[str, datetime] = MappingProxyType({})

_log = get_logger(__name__)


class ReadArrived(Protocol):
    """Reads the header of one object, past the gate unless it was released from quarantine; raises InputRefused."""

    def __call__(self, path: Path, *, released: bool = False) -> Instance:
        """The header."""
        ...


class _FileGone(Exception):
    """It was fetched, and is not there any more."""


class Intake:
    """Takes over what Orthanc received. Telling it twice changes nothing."""

    def __init__(
        self,
        *,
        orthanc: OrthancClient,
        files: InstanceFiles,
        instances: Instances,
        quarantine: Quarantine,
        cursors: Cursors,
        planner: Planner,
        dispatcher: Dispatcher,
        read: ReadArrived = read_instance,
        is_released: Callable[[str], bool] = lambda _: False,
        returned: Callable[[Path, Instance], object] = lambda *_: None,
        clock: Clock = utc_now,
    ) -> None:
        """is_released: of content, by its sha256, whether a person let it past the gate. returned: told of every
        object that is no input, while its file is there.
        """
        self._returned = returned
        self._orthanc = orthanc
        self._files = files
        self._instances = instances
        self._quarantine = quarantine
        self._cursors = cursors
        self._planner = planner
        self._dispatcher = dispatcher
        self._read = read
        self._is_released = is_released
        self._clock = clock

    def receive(self, orthanc_ids: Iterable[str], moments: Mapping[str, datetime] = NEVER_TOLD) -> None:
        """Take over these instances, those that are known already excepted, and ask for plans.

        moments: when Orthanc received them, where that was announced; else its own date is taken, to the second.
        Raises OrthancUnavailable.
        """
        ids = list(dict.fromkeys(orthanc_ids))
        touched: set[StudyInstanceUID] = set()
        for start in range(0, len(ids), _TOGETHER):
            touched |= self._receive(ids[start : start + _TOGETHER], moments)
        for study in sorted(touched):
            if self._planner.is_due(study):
                self._dispatcher.plan(study)

    def poll(self) -> int:
        """Read the change feed on from where it was left; how many lines. Raises OrthancUnavailable."""
        position, lines = self._position(), 0
        while True:
            page = self._orthanc.changes(position)
            self.receive(change.orthanc_id for change in page.changes if change.kind == NEW_INSTANCE)
            self._settle(change.orthanc_id for change in page.changes if change.kind == STABLE_STUDY)
            self._cursors.advance(FEED, page.last)
            lines += len(page.changes)
            if page.done or page.last <= position:
                return lines
            position = page.last

    def _settle(self, orthanc_studies: Iterable[str]) -> None:
        for orthanc_id in orthanc_studies:
            study = self._orthanc.stable_study(orthanc_id)
            if study is not None:
                self._planner.plan_stable(StudyInstanceUID(study))

    def _position(self) -> int:
        """Where the feed was left, or its start if Orthanc began a new one (its index was replaced)."""
        position = self._cursors.position(FEED)
        if position and self._orthanc.last_change() < position:
            _log.warning("the change feed began anew", position=position)
            self._cursors.reset(FEED)
            return 0
        return position

    def _receive(self, orthanc_ids: Sequence[str], moments: Mapping[str, datetime]) -> frozenset[StudyInstanceUID]:
        noticed = self._clock()
        receptions = self._orthanc.receptions(orthanc_ids)
        known = self._instances.known(orthanc_ids)
        fresh = {uid: how for uid, how in receptions.items() if known.get(uid) != how.received}
        untold = {uid: how for uid, how in fresh.items() if uid not in moments}
        when = {**self._dated(untold, noticed), **{uid: min(at, noticed) for uid, at in moments.items()}}
        arrived = [item for uid, how in fresh.items() if (item := self._take(uid, how, when[uid]))]
        return self._instances.add(arrived)

    def _dated(self, receptions: Mapping[str, Reception], noticed: datetime) -> Mapping[str, datetime]:
        """The moments of reception on our clock: as long ago as they are on Orthanc's, and at most a second later."""
        if not receptions:
            return {}
        orthanc_now = self._orthanc.now()
        ages = {uid: orthanc_now - (how.received_at or orthanc_now) - _RESOLUTION for uid, how in receptions.items()}
        return {uid: noticed - max(age, timedelta(0)) for uid, age in ages.items()}

    def _take(self, orthanc_id: str, reception: Reception, at: datetime) -> ArrivedInstance | None:
        for _ in range(_TRIES):
            try:
                return self._look_at(orthanc_id, reception, at)
            except _FileGone:
                continue
            except InputRefused as refusal:
                _log.warning("instance set aside", orthanc_id=orthanc_id, code=refusal.code)
                self._instances.set_aside(orthanc_id, reception.received, refusal.code)
                self._quarantine.take([self._held(orthanc_id, reception, refusal)])
                return None
        raise OrthancUnavailable("the file of an instance was gone each time it was to be read", where=orthanc_id)

    def _look_at(self, orthanc_id: str, reception: Reception, at: datetime) -> ArrivedInstance | None:
        """Raises InputRefused; _FileGone where another thread that was told of it too removed what is no input."""
        file = self._files.fetch(orthanc_id)
        if file is None:
            return None
        path = self._files.path(file)
        try:
            instance = self._header(file)
            if arrival.is_input(instance):
                return self._arrived(orthanc_id, reception, file, instance, at)
            self._returned(path, instance)
        except InputRefused:
            if not path.exists():
                raise _FileGone from None
            raise
        self._instances.set_aside(orthanc_id, reception.received, NOT_INPUT)
        self._files.remove(file)
        return None

    def _header(self, file: StoredFile) -> Instance:
        """Who released an object meant it to be used: what the gate says of it again does not count."""
        path = self._files.path(file)
        try:
            return self._read(path)
        except KeptOut:
            if not self._is_released(file.sha256):
                raise
            return self._read(path, released=True)

    def _held(self, orthanc_id: str, reception: Reception, refusal: InputRefused) -> Held:
        """An object that Orthanc holds and we do not read; its bytes stay there."""
        return Held(
            id=content_hash(orthanc_id)[:32],
            code=refusal.code,
            detail=refusal.what,
            way=Way.READER,
            at=self._clock(),
            size=0,
            sha256="",
            calling_aet=reception.calling_aet,
            orthanc_id=orthanc_id,
        )

    def _arrived(
        self, orthanc_id: str, reception: Reception, file: StoredFile, instance: Instance, at: datetime
    ) -> ArrivedInstance:
        return ArrivedInstance(
            orthanc_id=orthanc_id,
            study_instance_uid=StudyInstanceUID(str(instance.attributes["StudyInstanceUID"])),
            series_instance_uid=SeriesInstanceUID(str(instance.attributes["SeriesInstanceUID"])),
            instance=instance,
            file=file,
            origin=Origin(
                received=reception.received,
                calling_aet=reception.calling_aet,
                called_aet=reception.called_aet,
                sender_address=reception.sender_address,
            ),
            arrived_at=at,
        )
