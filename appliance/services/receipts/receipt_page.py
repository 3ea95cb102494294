"""Everything that the page of a study shows, gathered from the ledger as of one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from appliance.domain.dicom_result import ResultKind
from appliance.domain.finding import Narrative
from appliance.domain.identifiers import SeriesInstanceUID, StudyInstanceUID, WorkitemUID
from appliance.domain.selection import Considered, Selection
from appliance.domain.study import AttributeValue
from appliance.domain.workitem import REPORT_PACKAGE, Analysis, ProcedureStepState
from appliance.services.receipts.explained import Explained, explained
from appliance.services.receipts.findings import URGENCY, FindingCard, cards, evidence, narrative_of
from appliance.services.receipts.waterfall import Waterfall, Worked, waterfall
from appliance.store.deliveries import Delivery, DeliveryState
from appliance.store.events import EventKind
from appliance.store.instances import ArrivedInstance, Instances
from appliance.store.results import ResultRecord
from appliance.store.studies import Receipt, Studies
from appliance.store.transitions import SUPERSEDED
from appliance.store.workitem_rows import WorkitemStatus
from appliance.store.workitems import Workitems

_NOTHING: Mapping[str, AttributeValue] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedSeries:
    """What came of one series. expected: as its header counts, None where it does not."""

    uid: SeriesInstanceUID
    number: str
    description: str
    modality: str
    instances: int
    frames: int
    expected: int | None
    senders: tuple[str, ...]
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A workitem that stands, with what it found, the objects that say so, and why it ended as it did."""

    status: WorkitemStatus
    cards: tuple[FindingCard, ...]
    results: tuple[ResultRecord, ...]
    reason: Explained | None
    withdrawn: bool

    @property
    def is_report(self) -> bool:
        """Whether this wrote the report of the study."""
        return self.status.workitem.package == REPORT_PACKAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was chosen for one package."""

    selection: Selection
    chosen: tuple[Considered, ...]
    others: tuple[Considered, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """How one result stands at one destination."""

    delivery: Delivery
    reason: Explained | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPage:
    """The page. attributes: of the patient and the study, as the first image has them; patient data."""

    receipt: Receipt
    attributes: Mapping[str, AttributeValue]
    series: tuple[ArrivedSeries, ...]
    complete_because: str
    failures: tuple[Explained, ...]
    choices: tuple[Choice, ...]
    works: tuple[Work, ...]
    sent: tuple[tuple[str, tuple[Sent, ...]], ...]
    narrative: Narrative | None
    evidence: Mapping[tuple[str, int], str]
    waterfall: Waterfall | None

    @property
    def uid(self) -> StudyInstanceUID:
        """Study Instance UID."""
        return self.receipt.summary.study_instance_uid

    @property
    def version(self) -> int:
        """Grows with everything that happens to the study."""
        return self.receipt.events[-1].sequence if self.receipt.events else 0

    def card(self, tracking_uid: str) -> tuple[Work, FindingCard] | None:
        """A finding of the study, and the work that found it."""
        for work in self.works:
            for card in work.cards:
                if card.tracking_uid == tracking_uid:
                    return work, card
        return None

    def series_of(self, uid: str | None) -> ArrivedSeries | None:
        """A series that arrived."""
        return next((item for item in self.series if item.uid == uid), None)


def study_page(study: StudyInstanceUID, studies: Studies, workitems: Workitems, instances: Instances) -> StudyPage:
    """Gather it. Raises UnknownStudy."""
    receipt = studies.receipt(study)
    analyses = {analysis.workitem.uid: analysis for analysis in workitems.analyses(study)}
    arrived = instances.of_study(study)
    works = _works(receipt, analyses)
    report = next((analyses[w.status.workitem.uid] for w in works if w.is_report and _has(analyses, w)), None)
    worked = [
        Worked(
            uid=work.status.workitem.uid,
            package=work.status.workitem.package,
            seconds=analyses[work.status.workitem.uid].seconds if _has(analyses, work) else (),
            waits_for=work.status.workitem.waits_for,
        )
        for work in works
    ]
    planned = [event for event in receipt.events if event.kind is EventKind.PLANNED]
    return StudyPage(
        receipt=receipt,
        attributes=arrived[0].instance.attributes if arrived else _NOTHING,
        series=_series(arrived),
        complete_because=next((str(e.detail["because"]) for e in reversed(planned) if e.detail.get("because")), ""),
        failures=tuple(found for code in receipt.summary.failures if (found := explained(code))),
        choices=tuple(_choice(selection) for selection in receipt.selections),
        works=works,
        sent=_sent(receipt.deliveries),
        narrative=narrative_of(report) if report else None,
        evidence=evidence(list(analyses.values())),
        waterfall=waterfall([item.arrived_at for item in arrived], receipt.events, worked, receipt.deliveries),
    )


def _has(analyses: Mapping[WorkitemUID, Analysis], work: Work) -> bool:
    return work.status.workitem.uid in analyses


def _works(receipt: Receipt, analyses: Mapping[WorkitemUID, Analysis]) -> tuple[Work, ...]:
    """The workitems that stand: those with the most urgent findings first, then what failed, the report last."""
    replaced = {status.supersedes for status in receipt.workitems if status.supersedes}
    standing = [
        status
        for status in receipt.workitems
        if status.reason_code != SUPERSEDED
        and status.workitem.uid not in replaced
        and not (status.state is ProcedureStepState.COMPLETED and status.workitem.uid not in analyses)
    ]
    return tuple(sorted((_work(status, receipt, analyses) for status in standing), key=_urgency))


def _work(status: WorkitemStatus, receipt: Receipt, analyses: Mapping[WorkitemUID, Analysis]) -> Work:
    uid = status.workitem.uid
    own = [record for record in receipt.results if record.workitem_uid == uid]
    return Work(
        status=status,
        cards=cards(analyses[uid]) if uid in analyses else (),
        results=tuple(record for record in own if record.superseded_by is None),
        reason=explained(status.stopped or status.reason_code),
        withdrawn=bool(own)
        and all(record.superseded_by == uid or record.kind is ResultKind.REJECTION for record in own),
    )


def _urgency(work: Work) -> tuple[bool, int, str]:
    first = URGENCY.index(work.cards[0].outcome) if work.cards else len(URGENCY)
    return work.is_report, first, work.status.workitem.package


def _series(arrived: Sequence[ArrivedInstance]) -> tuple[ArrivedSeries, ...]:
    groups: dict[SeriesInstanceUID, list[ArrivedInstance]] = {}
    for item in arrived:
        groups.setdefault(item.series_instance_uid, []).append(item)
    found = [_one_series(uid, members) for uid, members in groups.items()]
    return tuple(sorted(found, key=lambda item: (item.number.zfill(8), item.uid)))


def _one_series(uid: SeriesInstanceUID, members: Sequence[ArrivedInstance]) -> ArrivedSeries:
    header = members[0].instance.attributes
    expected = header.get("NumberOfSeriesRelatedInstances")
    moments = [item.arrived_at for item in members]
    return ArrivedSeries(
        uid=uid,
        number=_text(header, "SeriesNumber"),
        description=_text(header, "SeriesDescription"),
        modality=_text(header, "Modality"),
        instances=len(members),
        frames=sum(item.instance.number_of_frames for item in members),
        expected=int(expected) if isinstance(expected, int | float) else None,
        senders=tuple(sorted({item.origin.calling_aet for item in members if item.origin.calling_aet})),
        first_at=min(moments),
        last_at=max(moments),
    )


def _text(header: Mapping[str, AttributeValue], keyword: str) -> str:
    value = header.get(keyword, "")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def _choice(selection: Selection) -> Choice:
    chosen = tuple(item for item in selection.considered if item.series_instance_uid in selection.chosen)
    return Choice(
        selection=selection,
        chosen=chosen,
        others=tuple(item for item in selection.considered if item not in chosen),
    )


def _sent(deliveries: Sequence[Delivery]) -> tuple[tuple[str, tuple[Sent, ...]], ...]:
    places: dict[str, list[Sent]] = {}
    for delivery in deliveries:
        if delivery.state is not DeliveryState.SUPERSEDED:
            item = Sent(delivery=delivery, reason=explained(delivery.code))
            places.setdefault(delivery.destination, []).append(item)
    return tuple((place, tuple(items)) for place, items in places.items())
