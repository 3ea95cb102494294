"""Settings in, wired appliance out: the only module that knows every adapter."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from appliance import __version__
from appliance.catalogue.manifest import Vocabulary, parse_manifest
from appliance.catalogue.packages import Catalogue
from appliance.catalogue.rules_file import RuleVocabulary
from appliance.delivery.destinations import Destination, Protocol, SegmentationType
from appliance.delivery.echo import echo
from appliance.delivery.probe import LABEL_MAP, probe
from appliance.delivery.senders import sender_for
from appliance.delivery.visibility import finder_for
from appliance.domain.dicom_result import MANUFACTURER, MODEL_NAME, DeviceIdentity, ResultKind
from appliance.domain.errors import ApplianceError, SettingsError
from appliance.domain.identifiers import SOPInstanceUID, StudyInstanceUID, WorkitemUID
from appliance.domain.model_package import ModelPackage
from appliance.domain.ports import PixelSource
from appliance.domain.selection import Rule, SeriesChoice
from appliance.domain.study import Instance, Study
from appliance.domain.workitem import REPORT_PACKAGE, Workitem
from appliance.findings import FAMILY_OPTIONS
from appliance.findings.burnt_in_text import FAMILY as BURNT_IN_TEXT
from appliance.gate.quarantine import QuarantineFolder
from appliance.inference.golden import run_golden_cases
from appliance.inference.onnx_runtime import OnnxRuntime
from appliance.inference.providers import CPU, CUDA, TENSORRT
from appliance.inference.strategies import STRATEGY_OPTIONS
from appliance.pipeline import Plan, ReportOrder, plan
from appliance.preprocessing import FOCUS_OPTIONS, STEP_OPTIONS
from appliance.selection import patterns
from appliance.selection.facts import ARRIVAL_KEYWORDS, COUNTED_KEYWORDS
from appliance.services.analyst import Analyst
from appliance.services.burnt_in_text import BurntInText
from appliance.services.courier import DELIVERY, Courier
from appliance.services.destination_test import Step, try_destination
from appliance.services.dispatcher import Dispatcher
from appliance.services.instance_files import InstanceFiles
from appliance.services.intake import Intake
from appliance.services.laboratory import Laboratory
from appliance.services.planner import Planner
from appliance.services.ports import NoQueue, Queue
from appliance.services.quarantine import QuarantineDesk
from appliance.services.roll_call import RollCall
from appliance.services.rulebook import Rulebook
from appliance.services.self_test import PACKAGE as SELF_TEST_PACKAGE
from appliance.services.self_test import RULE as SELF_TEST_RULE
from appliance.services.self_test import is_self_test
from appliance.services.series_chooser import RunOn, SeriesChooser
from appliance.services.sweeper import Sweeper
from appliance.services.withdrawal import Withdrawal
from appliance.services.witness import Witness
from appliance.services.work import Work
from appliance.settings import ORTHANC_USER, DestinationSettings, SecretName, Settings
from appliance.store.arrival_gaps import ArrivalGaps
from appliance.store.claims import Claims
from appliance.store.clock import utc_now
from appliance.store.cursors import Cursors
from appliance.store.destinations import DestinationState, DestinationStates
from appliance.store.engine import Ledger, open_ledger
from appliance.store.instances import Instances
from appliance.store.outbox import ORTHANC, Outbox
from appliance.store.quarantine import Quarantine
from appliance.store.results import ResultFiles, Results
from appliance.store.rule_revisions import RuleRevisions
from appliance.store.selections import Selections
from appliance.store.series_choices import SeriesChoices
from appliance.store.studies import Studies
from appliance.store.workitems import Workitems
from appliance.study.arrival import is_input
from appliance.study.children.pool import ChildLimits, Children
from appliance.study.children.source import ChildPixelSource, header_in, read_instance_in
from appliance.study.files import open_input
from appliance.study.headers import study_of
from appliance.study.keywords import DERIVED_KEYWORDS, READ_KEYWORDS
from appliance.study.objects import MIB, ReadLimits
from appliance.study.orthanc import OrthancClient
from appliance.study.quiet_time import QuietTime
from appliance.study.volume_cache import SeriesCache

VOCABULARY = Vocabulary(
    steps=STEP_OPTIONS,
    strategies=STRATEGY_OPTIONS,
    families=FAMILY_OPTIONS,
    focus=FOCUS_OPTIONS,
    pattern_problem=patterns.problem,
)
"""Every name that a manifest may use, with its options."""


def read_limits(settings: Settings) -> ReadLimits:
    """The bounds on what is read, in bytes."""
    limits = settings.limits
    return ReadLimits(
        file_bytes=limits.file_mib * MIB,
        frame_pixels=limits.frame_pixels,
        series_bytes=limits.series_mib * MIB,
        archive_members=limits.archive_members,
        gate=settings.gate_limits,
    )


class Appliance:
    """Everything, made when it is first asked for, so that a command opens only what it needs.

    queue: where messages go; without services they go nowhere. choices: which model versions are active; that of the
    state folder unless another is named.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        queue: Queue | None = None,
        choices: Path | None = None,
        stuck: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings
        self._stuck = stuck
        self._queue = queue or NoQueue()
        self._choices = choices or settings.state / "models.json"

    def close(self) -> None:
        """Let go of the ledger, of Orthanc and of the children."""
        if "ledger" in self.__dict__:
            self.ledger.close()
        if "orthanc" in self.__dict__:
            self.orthanc.close()
        if "children" in self.__dict__:
            self.children.close()

    # what is known: models, rules, destinations, ourselves

    @cached_property
    def catalogue(self) -> Catalogue:
        """The model packages."""
        return Catalogue(self.settings.models, VOCABULARY, self._choices)

    def read_package(self, folder: Path) -> ModelPackage:
        """A package folder anywhere. Raises ManifestInvalid."""
        return parse_manifest(folder / "manifest.toml", VOCABULARY)

    def package(self, name: str, version: str) -> ModelPackage:
        """The package of a workitem. Raises ModelPackageError if it is not here (any more)."""
        state = self.catalogue.find(f"{name}@{version}")
        if state.package is None or state.problem:
            raise state.problem or SettingsError("the package cannot be read", where=name)
        return state.package

    def run_golden_cases(self, package: ModelPackage) -> str:
        """Run the golden cases of a package, and say so. Raises GoldenCaseFailed."""
        outcomes = run_golden_cases(package, self.runtime)
        return f"{len(outcomes)} golden outputs reproduced" if outcomes else "no golden case"

    @cached_property
    def rulebook(self) -> Rulebook:
        """The rules in force, and how they change."""
        return Rulebook(
            file=self.settings.rules,
            revisions=self.rule_revisions,
            vocabulary=self.rule_vocabulary,
            explicit=self.settings.rules_activation == "explicit",
        )

    @cached_property
    def series_choices(self) -> SeriesChoices:
        """The series that people chose for packages."""
        return SeriesChoices(self.ledger)

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

    @cached_property
    def rule_revisions(self) -> RuleRevisions:
        """Every text of rules that was ever in force."""
        return RuleRevisions(self.ledger)

    def rule_vocabulary(self) -> RuleVocabulary:
        """What rules may name on this node. Raises SettingsError."""
        return RuleVocabulary(
            pattern_problem=patterns.problem,
            models={state.name.split("@")[0] for state in self.catalogue.states()},
            destinations=self.destinations.keys(),
            keywords=READ_KEYWORDS | DERIVED_KEYWORDS | ARRIVAL_KEYWORDS | COUNTED_KEYWORDS,
        )

    @cached_property
    def destinations(self) -> Mapping[str, Destination]:
        """The destinations by name, Orthanc not among them."""
        return {place.name: _destination(place, self.settings) for place in self.settings.destinations}

    def destination_settings(self, name: str) -> DestinationSettings:
        """The settings of one destination. Raises SettingsError."""
        for place in self.settings.destinations:
            if place.name == name:
                return place
        raise SettingsError("there is no such destination", where=name)

    def echo(self, name: str) -> None:
        """Ask a destination whether it is there. Raises SettingsError, DestinationUnavailable."""
        echo(self.destinations[self.destination_settings(name).name])

    @cached_property
    def device(self) -> DeviceIdentity:
        """How results name us."""
        device = self.settings.device
        return DeviceIdentity(
            manufacturer=MANUFACTURER,
            model_name=MODEL_NAME,
            serial_number=device.serial_number,
            software_version=__version__,
            station_name=device.station_name,
            institution_name=device.institution_name,
        )

    # what is remembered: the ledger and its views

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, migrated to the newest schema. Raises SettingsError, LedgerUnavailable."""
        try:
            self.settings.state.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"the state folder cannot be made: {error.strerror}", where="state_dir") from error
        return open_ledger(self.settings.ledger_url)

    @cached_property
    def studies(self) -> Studies:
        """Studies and their receipts."""
        return Studies(self.ledger)

    @cached_property
    def instances(self) -> Instances:
        """What arrived."""
        return Instances(self.ledger)

    @cached_property
    def quarantine(self) -> Quarantine:
        """What was kept out."""
        return Quarantine(self.ledger)

    @cached_property
    def workitems(self) -> Workitems:
        """The work."""
        return Workitems(self.ledger)

    @cached_property
    def results(self) -> Results:
        """The result objects."""
        return Results(self.ledger)

    @cached_property
    def outbox(self) -> Outbox:
        """What is under way to where."""
        return Outbox(self.ledger)

    @cached_property
    def result_files(self) -> ResultFiles:
        """The files of the result objects."""
        return ResultFiles(self.settings.state / "results")

    # what does the work

    @cached_property
    def orthanc(self) -> OrthancClient:
        """The node's Orthanc."""
        password = self.settings.secrets.get(SecretName.ORTHANC)
        token = self.settings.secrets.get(SecretName.UPLOADS)
        return OrthancClient(self.settings.orthanc_url, user=ORTHANC_USER, password=password, upload_token=token)

    @cached_property
    def runtime(self) -> OnnxRuntime:
        """ONNX Runtime with the providers that this node may use."""
        worker = self.settings.worker
        return OnnxRuntime(
            memory_budget_mib=worker.memory_budget_mib,
            cache=self.settings.state / "engines",
            providers=(TENSORRT, CUDA, CPU) if worker.gpu else (CPU,),
            threads=worker.network_threads,
        )

    @cached_property
    def _decoded(self) -> SeriesCache:
        return SeriesCache(self.settings.worker.volume_cache_mib * MIB)

    def pixel_source(self, paths: Mapping[SOPInstanceUID, Path]) -> PixelSource:
        """Images from files; all sources share one cache of decoded series."""
        return ChildPixelSource(paths, self.children, limits=read_limits(self.settings), cache=self._decoded)

    @cached_property
    def children(self) -> Children:
        """The processes that parse and decode foreign bytes; each starts when it is needed."""
        worker = self.settings.worker
        limits = ChildLimits(memory_bytes=worker.decoding_memory_mib * MIB, cpu_s=worker.decoding_cpu_s)
        return Children(worker.decoding_processes, limits)

    def read_instance(self, path: Path, limits: ReadLimits) -> Instance:
        """The header of one object that passes the gate. Raises InputRefused."""
        return read_instance_in(self.children, path, limits)

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
                minimum=_seconds(arrival.quiet_minimum_s),
                maximum=_seconds(arrival.quiet_maximum_s),
                patience=_seconds(arrival.patience_s),
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
            read=lambda path: self.read_instance(path, read_limits(self.settings)),
        )

    @cached_property
    def claims(self) -> Claims:
        """Attempts at workitems."""
        worker = self.settings.worker
        return Claims(self.ledger, lease=_seconds(worker.lease_s), max_attempts=worker.maximum_attempts)

    @cached_property
    def laboratory(self) -> Laboratory:
        """From a workitem to result objects."""
        return Laboratory(
            packages=self.package,
            pixels=self.pixel_source,
            header=lambda path: header_in(self.children, path, read_limits(self.settings)),
            runtime=self.runtime,
            device=self.device,
            instances=self.instances,
            files=self.instance_files,
            workitems=self.workitems,
            selections=Selections(self.ledger),
            results=self.results,
            result_files=self.result_files,
            destinations=self._readers,
        )

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
            limits=self.settings.gate_limits,
        )

    @cached_property
    def analyst(self) -> Analyst:
        """Runs workitems."""
        return Analyst(
            claims=self.claims,
            produce=self.laboratory.produce,
            files=self.result_files,
            dispatcher=self.dispatcher,
            time_limit_s=self.settings.worker.time_limit_s,
            stuck=self._stuck,
        )

    @cached_property
    def work(self) -> Work:
        """Runs workitems by their messages, long ones with room left for short ones."""
        threads = self.settings.worker.inference_threads
        return Work(analyst=self.analyst, workitems=self.workitems, is_long=self._is_long, threads=threads)

    def _is_long(self, workitem: Workitem) -> bool:
        if workitem.package == REPORT_PACKAGE:
            return False
        try:
            package = self.package(workitem.package, workitem.version)
        except ApplianceError:
            return False  # it will not take long to say so
        return package.runtime.expected_seconds >= self.settings.worker.long_work_s

    @cached_property
    def courier(self) -> Courier:
        """Delivers results."""
        node = Destination(name=ORTHANC, kind=Protocol.ORTHANC)
        places = [node, *self.destinations.values()]
        senders = {place.name: (lambda place=place: sender_for(place, self.orthanc)) for place in places}
        text = BurntInText(self.workitems, self._burnt_in_text_checks)
        objections = {place.name: text.objection for place in places if place.refuse_burnt_in_text}
        finders = {place.name: (lambda found=found: found) for place in places if (found := finder_for(place))}
        return Courier(
            outbox=self.outbox,
            files=self.result_files,
            senders=senders,
            states=self.destination_states,
            witness=Witness(self.outbox, finders, resend=DELIVERY),
            objections=objections,
            hold=_seconds(self.settings.worker.lease_s),
        )

    @cached_property
    def destination_states(self) -> DestinationStates:
        """How the destinations stand."""
        return DestinationStates(self.ledger)

    def _readers(self) -> tuple[Destination, ...]:
        """The destinations as results are to be made for them: a label map only for who is known to take one."""
        states = self.destination_states.all()
        return tuple(
            replace(place, seg_type=SegmentationType.BINARY) if _takes_no_label_map(states.get(place.name)) else place
            for place in self.destinations.values()
        )

    def try_destination(self, name: str) -> Iterator[Step]:
        """Send a study that belongs to nobody to a destination, find it, and withdraw it. Raises SettingsError."""
        place = self.destinations[self.destination_settings(name).name]
        return try_destination(place, sender_for(place, self.orthanc), finder_for(place), utc_now())

    def probe(self, name: str) -> Mapping[str, tuple[str, ...]]:
        """Ask a destination what it accepts, and keep the answer. Raises SettingsError, DestinationUnavailable."""
        accepted = probe(self.destinations[self.destination_settings(name).name])
        self.destination_states.probed(name, accepted)
        return accepted

    def _burnt_in_text_checks(self) -> frozenset[str]:
        packages = (state.package for state in self.catalogue.states())
        return frozenset(package.name for package in packages if package and package.family == BURNT_IN_TEXT.name)

    @cached_property
    def withdrawal(self) -> Withdrawal:
        """Takes superseded results out of the node."""
        return Withdrawal(self.outbox, self.orthanc)

    @cached_property
    def sweeper(self) -> Sweeper:
        """Rebuilds the queue from the ledger."""
        return Sweeper(planner=self.planner, dispatcher=self.dispatcher, outbox=self.outbox)

    def study(self, uid: StudyInstanceUID) -> Study:
        """A study as it arrived. Raises UnknownStudy."""
        self.studies.summary(uid)
        return study_of(item.instance for item in self.instances.of_study(uid))

    def pixels(self, uid: StudyInstanceUID) -> PixelSource:
        """The images of a study."""
        return self.pixel_source(self.instance_files.paths(self.instances.of_study(uid)))


def _destination(place: DestinationSettings, settings: Settings) -> Destination:
    rejections = {ResultKind.REJECTION} if place.accepts_rejection_notes else set()
    return Destination(
        name=place.name,
        kind=Protocol(place.kind),
        host=place.host,
        port=place.port,
        aet=place.aet,
        calling_aet=settings.dicom.aet,
        url=place.url,
        user=place.user,
        password=_password(place),
        accepts=frozenset(ResultKind(kind) for kind in place.accepts) | rejections,
        seg_type=SegmentationType(place.seg_type),
        language=place.language,
        refuse_burnt_in_text=place.refuse_burnt_in_text,
        largest_segment_count=place.largest_segment_count,
        transfer_syntaxes=place.transfer_syntaxes,
        character_set=place.character_set,
        query_aet=place.query_aet or "",
        query_port=place.query_port or 0,
        qido_url=place.qido_url,
    )


def _takes_no_label_map(state: DestinationState | None) -> bool:
    return state is not None and state.accepted is not None and not state.accepted.get(LABEL_MAP)


def _password(place: DestinationSettings) -> str:
    if place.password_file is None:
        return ""
    try:
        return place.password_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError("the password file cannot be read", where=f"destinations.{place.name}") from error


def _instances(study: Study) -> list[Instance]:
    return [instance for series in study.series for instance in series.instances]


def _has_input(study: Study) -> bool:
    return any(is_input(instance) for instance in _instances(study))


def _seconds(value: float) -> timedelta:
    return timedelta(seconds=value)
