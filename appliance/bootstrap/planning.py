"""From what arrives to workitems: Orthanc, headers read in children, rules, plans."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from appliance import __version__
from appliance.bootstrap.limits import read_limits, seconds
from appliance.bootstrap.memory import Memory
from appliance.domain.identifiers import StudyInstanceUID, WorkitemUID
from appliance.domain.model_package import ModelPackage
from appliance.domain.selection import Rule, SeriesChoice
from appliance.domain.study import Instance, Study
from appliance.gate.quarantine import QuarantineFolder
from appliance.pipeline import Plan, ReportOrder, plan
from appliance.services.dispatcher import Dispatcher
from appliance.services.feedback import FeedbackDesk
from appliance.services.instance_files import InstanceFiles
from appliance.services.intake import Intake
from appliance.services.planner import Planner
from appliance.services.quarantine import QuarantineDesk
from appliance.services.receipts.receipt_page import StudyPage, study_page
from appliance.services.roll_call import RollCall
from appliance.services.self_test import PACKAGE as SELF_TEST_PACKAGE
from appliance.services.self_test import RULE as SELF_TEST_RULE
from appliance.services.self_test import is_self_test
from appliance.services.series_chooser import RunOn, SeriesChooser
from appliance.settings import ORTHANC_USER, SecretName
from appliance.store.arrival_gaps import ArrivalGaps
from appliance.store.clock import utc_now
from appliance.store.cursors import Cursors
from appliance.store.feedback import FeedbackBook
from appliance.store.selections import Selections
from appliance.study.arrival import is_input
from appliance.study.children.pool import ChildLimits, Children
from appliance.study.children.source import inspect_in, read_instance_in, tracking_in
from appliance.study.files import open_input
from appliance.study.headers import study_of
from appliance.study.objects import MIB, ReadLimits
from appliance.study.orthanc import OrthancClient
from appliance.study.quiet_time import QuietTime


class Planning(Memory):
    """Everything between Orthanc and the workitems."""

    @cached_property
    def orthanc(self) -> OrthancClient:
        """The node's Orthanc."""
        password = self.settings.secrets.get(SecretName.ORTHANC)
        token = self.settings.secrets.get(SecretName.UPLOADS)
        return OrthancClient(self.settings.orthanc_url, user=ORTHANC_USER, password=password, upload_token=token)

    @cached_property
    def children(self) -> Children:
        """The processes that parse and decode foreign bytes; each starts when it is needed."""
        worker = self.settings.worker
        limits = ChildLimits(memory_bytes=worker.decoding_memory_mib * MIB, cpu_s=worker.decoding_cpu_s)
        return Children(worker.decoding_processes, limits)

    def read_instance(self, path: Path, limits: ReadLimits) -> Instance:
        """The header of one object that passes the gate. Raises InputRefused."""
        return read_instance_in(self.children, path, limits)

    def read_arrived(self, path: Path, *, released: bool = False) -> Instance:
        """The header of an object that Orthanc received; `released`: a person let it past the gate.

        Raises InputRefused.
        """
        return read_instance_in(self.children, path, read_limits(self.settings), released=released)

    @cached_property
    def instance_files(self) -> InstanceFiles:
        """The files of instances, fetched from Orthanc once."""
        limit = self.settings.limits.file_mib * MIB
        return InstanceFiles(self.settings.state / "cache", self.orthanc, limit_bytes=limit)

    @cached_property
    def dispatcher(self) -> Dispatcher:
        """Between ledger and queue."""
        return Dispatcher(self.workitems, self._queue)

    def plan(self, study: Study) -> Plan:
        """What a study needs, by the rules and models of now. Raises RulesInvalid if no rules ever were valid."""
        if is_self_test(study):
            return plan(study, [self.self_test_package()], (SELF_TEST_RULE,), self._report_order(), utc_now())
        rules = self.rulebook.in_force()
        choices = self.series_choices.of_study(study.study_instance_uid)
        return replace(self.plan_by(study, rules.rules, choices), rules_revision=rules.revision)

    def plan_by(
        self, study: Study, rules: Sequence[Rule], choices: Mapping[str, SeriesChoice] = MappingProxyType({})
    ) -> Plan:
        """What a study would need by these rules and choices of series."""
        return plan(study, self.catalogue.active(), rules, self._report_order(), utc_now(), choices)

    def _report_order(self) -> ReportOrder:
        report = self.settings.report
        return ReportOrder(version=__version__, language=report.language, enabled=report.enabled)

    def self_test_package(self) -> ModelPackage:
        """The package that analyses the self-test, active or not. Raises ModelPackageError if it cannot be used."""
        state = self.catalogue.find(SELF_TEST_PACKAGE)
        return self.package(*state.name.split("@"))

    def studies_in(self, folder: Path) -> Sequence[Study]:
        """The studies of a folder as rules see them; nothing is done. Raises InputRefused."""
        with open_input(folder, limits=read_limits(self.settings), read=self.read_instance) as found:
            return [study_of(filter(is_input, _instances(study))) for study in found.studies() if _has_input(study)]

    def images_of(self, uid: StudyInstanceUID) -> Study | None:
        """A study that arrived, as rules see it; None if it has no image. Raises UnknownStudy."""
        self.studies.summary(uid)
        images = [item.instance for item in self.instances.of_study(uid) if is_input(item.instance)]
        return study_of(images) if images else None

    def study(self, uid: StudyInstanceUID) -> Study:
        """A study as it arrived. Raises UnknownStudy."""
        self.studies.summary(uid)
        return study_of(item.instance for item in self.instances.of_study(uid))

    @cached_property
    def planner(self) -> Planner:
        """From complete studies to workitems."""
        arrival = self.settings.arrival
        return Planner(
            plan=self.plan,
            instances=self.instances,
            studies=self.studies,
            selections=Selections(self.ledger),
            workitems=self.workitems,
            dispatcher=self.dispatcher,
            gaps=ArrivalGaps(self.ledger),
            quiet=QuietTime(
                minimum=seconds(arrival.quiet_minimum_s),
                maximum=seconds(arrival.quiet_maximum_s),
                patience=seconds(arrival.patience_s),
            ),
            outstanding=lambda study: RollCall(self.orthanc, self.instances).missing(study),
        )

    @cached_property
    def intake(self) -> Intake:
        """From announcements to the ledger."""
        return Intake(
            orthanc=self.orthanc,
            files=self.instance_files,
            instances=self.instances,
            quarantine=self.quarantine,
            cursors=Cursors(self.ledger),
            planner=self.planner,
            dispatcher=self.dispatcher,
            read=self.read_arrived,
            is_released=lambda sha256: self.quarantine_desk.is_released(sha256),
            returned=self._take_returned,
        )

    @cached_property
    def feedback_book(self) -> FeedbackBook:
        """What readers answered."""
        return FeedbackBook(self.ledger)

    def study_page(self, study: StudyInstanceUID) -> StudyPage:
        """Everything that a page shows of one study. Raises UnknownStudy."""
        return study_page(study, self.studies, self.workitems, self.instances)

    @cached_property
    def feedback_desk(self) -> FeedbackDesk:
        """Takes the answers of readers."""
        return FeedbackDesk(
            page=self.study_page,
            book=self.feedback_book,
            instances=self.instances,
            outbox=self.outbox,
            files=self.result_files,
            tracking=lambda path: tracking_in(self.children, path, read_limits(self.settings)),
            organisation=self.settings.device.institution_name,
        )

    def _take_returned(self, path: Path, instance: Instance) -> None:
        self.feedback_desk.take_returned(path, instance)

    @cached_property
    def quarantine_desk(self) -> QuarantineDesk:
        """Between the folder of what was kept out and the ledger."""
        limit = self.settings.gate.quarantine_mib * MIB
        return QuarantineDesk(
            folder=QuarantineFolder(self.settings.quarantine, limit_bytes=limit),
            quarantine=self.quarantine,
            instances=self.instances,
            store=lambda file: self.orthanc.store(file),
            receive=lambda ids: self.intake.receive(ids),
            addresses={sender.aet: sender.host for sender in self.settings.dicom.modalities},
            inspect=lambda file: inspect_in(self.children, file, self.settings.gate_limits),
        )

    def run_on(self, request: RunOn) -> tuple[WorkitemUID, ...]:
        """Run a model on a series that was not chosen; the workitems that this scheduled.

        Raises UnknownStudy, UsageError for a model or series that is not there, NotApplicable.
        """
        chooser = SeriesChooser(
            packages=self.catalogue.active,
            study=self.images_of,
            choices=self.series_choices,
            workitems=self.workitems,
            planner=self.planner,
        )
        return chooser.run_on(request)


def _instances(study: Study) -> list[Instance]:
    return [instance for series in study.series for instance in series.instances]


def _has_input(study: Study) -> bool:
    return any(is_input(instance) for instance in _instances(study))
