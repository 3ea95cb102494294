"""Instances that arrived, as their headers describe them, and where their files are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID
from appliance.domain.study import AttributeValue, Instance
from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.events import EventKind, lock, record
from appliance.store.faults import retried
from appliance.store.results import StoredFile
from appliance.store.schema import InstanceRow, SetAsideRow, StudyRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """How an instance came to Orthanc. `received` is Orthanc's own word for when, compared and never parsed."""

    received: str = ""
    calling_aet: str = ""
    called_aet: str = ""
    sender_address: str = ""

    def as_attributes(self) -> dict[str, AttributeValue]:
        """What rules may ask of the arrival, by the names of `selection.facts`."""
        named = {
            "CallingAETitle": self.calling_aet,
            "CalledAETitle": self.called_aet,
            "SenderAddress": self.sender_address,
        }
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedInstance:
    """One instance that Orthanc holds: its header, its file in the cache, and when it was received."""

    orthanc_id: str
    study_instance_uid: StudyInstanceUID
    series_instance_uid: SeriesInstanceUID
    instance: Instance
    file: StoredFile
    origin: Origin
    arrived_at: datetime


class Instances:
    """What arrived."""

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    @retried
    def add(self, arrived: Sequence[ArrivedInstance]) -> frozenset[StudyInstanceUID]:
        """Keep what is new or changed; the studies that this touched, which owe a plan from now on.

        Telling it again changes nothing.
        """
        touched: dict[StudyInstanceUID, int] = {}
        with self._ledger.write() as session:
            for item in sorted(arrived, key=lambda item: item.study_instance_uid):
                if self._keep(session, item):
                    study = item.study_instance_uid
                    touched[study] = touched.get(study, 0) + 1
            for study, count in touched.items():
                record(session, study, EventKind.ARRIVED, self._clock(), instances=count)
        return frozenset(touched)

    def _keep(self, session: Session, item: ArrivedInstance) -> bool:
        lock(session, item.study_instance_uid)
        known = session.get(InstanceRow, item.orthanc_id)
        if known is not None and known.sha256 == item.file.sha256:
            known.received = item.origin.received
            return False
        now = self._clock()
        _touch_study(session, item.study_instance_uid, now)
        session.execute(delete(SetAsideRow).where(SetAsideRow.orthanc_id == item.orthanc_id))
        if known is not None:
            session.delete(known)
            session.flush()
            record(
                session,
                item.study_instance_uid,
                EventKind.INSTANCE_CHANGED,
                now,
                series=item.series_instance_uid,
                instance=item.instance.sop_instance_uid,
            )
        session.add(_row(item))
        return True

    @retried
    def set_aside(self, orthanc_id: str, received: str, code: str) -> None:
        """Orthanc holds an object that is no input; remember it, so that it is not fetched for ever."""
        with self._ledger.write() as session:
            session.merge(SetAsideRow(orthanc_id=orthanc_id, received=received, code=code, at=self._clock()))

    @retried
    def take_up_again(self, orthanc_id: str) -> None:
        """Forget that an object was set aside, so that it is read again."""
        with self._ledger.write() as session:
            session.execute(delete(SetAsideRow).where(SetAsideRow.orthanc_id == orthanc_id))

    def known(self, orthanc_ids: Iterable[str]) -> Mapping[str, str]:
        """When Orthanc received those of `orthanc_ids` that we have dealt with, by id."""
        ids = list(orthanc_ids)
        with self._ledger.read() as session:
            kept = session.execute(
                select(InstanceRow.orthanc_id, InstanceRow.received).where(InstanceRow.orthanc_id.in_(ids))
            )
            found = {row.orthanc_id: row.received for row in kept}
            aside = session.execute(
                select(SetAsideRow.orthanc_id, SetAsideRow.received).where(SetAsideRow.orthanc_id.in_(ids))
            )
            return found | {row.orthanc_id: row.received for row in aside}

    def aside(self) -> Mapping[str, str]:
        """Why each object that was set aside is no input, by Orthanc's id."""
        with self._ledger.read() as session:
            return {row.orthanc_id: row.code for row in session.scalars(select(SetAsideRow))}

    def of_study(self, study: StudyInstanceUID, series: SeriesInstanceUID | None = None) -> tuple[ArrivedInstance, ...]:
        """What arrived of a study, or of one series of it."""
        query = select(InstanceRow).where(InstanceRow.study_instance_uid == study)
        if series is not None:
            query = query.where(InstanceRow.series_instance_uid == series)
        query = query.order_by(InstanceRow.series_instance_uid, InstanceRow.sop_instance_uid, InstanceRow.orthanc_id)
        with self._ledger.read() as session:
            return tuple(_arrived(row) for row in session.scalars(query))


def _touch_study(session: Session, study: str, now: datetime) -> None:
    """What arrives owes a plan from the same transaction on: whoever dies after it loses nothing."""
    row = session.get(StudyRow, study, with_for_update=True)
    if row is None:
        session.add(StudyRow(study_instance_uid=study, first_arrival_at=now, last_arrival_at=now, plan_due_at=now))
    else:
        row.last_arrival_at = row.plan_due_at = now
    session.flush()


def _row(item: ArrivedInstance) -> InstanceRow:
    return InstanceRow(
        orthanc_id=item.orthanc_id,
        study_instance_uid=item.study_instance_uid,
        series_instance_uid=item.series_instance_uid,
        sop_instance_uid=item.instance.sop_instance_uid,
        sop_class_uid=item.instance.sop_class_uid,
        transfer_syntax_uid=item.instance.transfer_syntax_uid,
        number_of_frames=item.instance.number_of_frames,
        attributes=dict(item.instance.attributes),
        path=item.file.path,
        sha256=item.file.sha256,
        size=item.file.size,
        received=item.origin.received,
        calling_aet=item.origin.calling_aet,
        called_aet=item.origin.called_aet,
        sender_address=item.origin.sender_address,
        arrived_at=item.arrived_at,
    )


def _arrived(row: InstanceRow) -> ArrivedInstance:
    origin = Origin(
        received=row.received,
        calling_aet=row.calling_aet,
        called_aet=row.called_aet,
        sender_address=row.sender_address,
    )
    return ArrivedInstance(
        orthanc_id=row.orthanc_id,
        study_instance_uid=StudyInstanceUID(row.study_instance_uid),
        series_instance_uid=SeriesInstanceUID(row.series_instance_uid),
        instance=Instance(
            sop_instance_uid=SOPInstanceUID(row.sop_instance_uid),
            sop_class_uid=row.sop_class_uid,
            transfer_syntax_uid=row.transfer_syntax_uid,
            number_of_frames=row.number_of_frames,
            attributes=MappingProxyType(
                {key: _value(value) for key, value in row.attributes.items()} | origin.as_attributes()
            ),
        ),
        file=StoredFile(path=row.path, sha256=row.sha256, size=row.size),
        origin=origin,
        arrived_at=row.arrived_at,
    )


def _value(value: Any) -> AttributeValue:
    return tuple(value) if isinstance(value, list) else value
