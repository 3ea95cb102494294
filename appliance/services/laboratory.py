"""One workitem from the ledger through the pipeline to result objects: what an attempt does between claim and end."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from appliance.delivery.destinations import Destination, asked_for
from appliance.domain.dicom_result import USUAL_KINDS, DeviceIdentity, DicomResult, ResultKind
from appliance.domain.errors import UnreadableObject
from appliance.domain.finding import Finding, Narrative, Segment
from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.ports import PixelSource, Runtime
from appliance.domain.workitem import Analysis, Workitem
from appliance.findings.consistency import check, marked
from appliance.findings.report_writer import write_report
from appliance.pipeline import analyse
from appliance.results import (
    DocumentReference,
    ReportedAnalysis,
    ResultOptions,
    SegmentationEncoding,
    build_report,
    build_results,
    build_superseded_note,
    effective,
)
from appliance.services.editions import Addressed, ReportEdition, addressed, by_edition, edition_name
from appliance.services.instance_files import InstanceFiles
from appliance.services.left_out import LeftOut, Packages
from appliance.services.summaries import summaries
from appliance.store.deliveries import ORTHANC
from appliance.store.instances import ArrivedInstance, Instances
from appliance.store.results import ResultFiles, ResultRecord, Results
from appliance.store.selections import Selections
from appliance.store.workitems import Workitems
from appliance.study.headers import series_of

PixelSources = Callable[[Mapping[SOPInstanceUID, Path]], PixelSource]


@dataclass(frozen=True, slots=True, kw_only=True)
class Produced:
    """What an attempt brings: the analysis, and the objects that say it, each with who gets it."""

    analysis: Analysis
    results: tuple[Addressed, ...]


class Laboratory:
    """Runs workitems. Knows nothing of claims: who asks twice gets the same objects twice."""

    def __init__(
        self,
        *,
        packages: Packages,
        pixels: PixelSources,
        header: Callable[[Path], Any],
        runtime: Runtime,
        device: DeviceIdentity,
        instances: Instances,
        files: InstanceFiles,
        workitems: Workitems,
        selections: Selections,
        results: Results,
        result_files: ResultFiles,
        destinations: Callable[[], Sequence[Destination]] = tuple,
        language: str = "en",
    ) -> None:
        self._packages = packages
        self._pixels = pixels
        self._header = header
        self._runtime = runtime
        self._device = device
        self._instances = instances
        self._files = files
        self._workitems = workitems
        self._left_out = LeftOut(packages=packages, workitems=workitems, selections=selections)
        self._results = results
        self._result_files = result_files
        self._destinations = destinations
        self._language = language

    def produce(self, workitem: Workitem) -> Produced:
        """Analyse a series, or write the report of a study.

        Raises InputRefused, ModelPackageError, ResultRefused, TransientError.
        """
        produced = self._report(workitem) if workitem.series_instance_uid is None else self._analysis(workitem)
        return replace(produced, results=(*produced.results, *self._rejections(workitem)))

    def _analysis(self, workitem: Workitem) -> Produced:
        package = self._packages(workitem.package, workitem.version)
        arrived = self._inputs(workitem)
        series = series_of(item.instance for item in arrived)
        analysed = analyse(workitem, series, package, self._pixels(self._files.paths(arrived)), self._runtime)
        started = time.perf_counter()
        analysis = replace(analysed.analysis, findings=self._checked(analysed.analysis))
        segments = [item for item in analysis.findings if isinstance(item, Segment)]
        segments = segments if ResultKind.SEG in package.results else []
        places = self._readers(workitem, package.results)
        editions = by_edition(places, lambda place: effective(self._analysis_options(workitem, place), segments))
        results = addressed(
            (build_results(analysis, analysed.images, package, self._device, options=options), readers)
            for options, readers in editions.items()
        )
        takers = self._readers(workitem, (ResultKind.SUMMARY,))
        results += summaries(analysis, analysed.images, package, self._device, takers, self._language)
        seconds = (*analysis.seconds, ("results", time.perf_counter() - started))
        return Produced(analysis=replace(analysis, seconds=seconds), results=results)

    def _readers(self, workitem: Workitem, kinds: Iterable[str]) -> tuple[Destination, ...]:
        """The destinations of the workitem that read any of `kinds`."""
        places = asked_for(workitem.destinations, self._destinations())
        return tuple(place for place in places if not place.accepts.isdisjoint(kinds))

    def _analysis_options(self, workitem: Workitem, place: Destination | None) -> ResultOptions:
        """How the objects of an analysis are made for a destination, or for the node itself (None)."""
        own = self._predecessors(workitem, ResultKind.SR, None)
        if place is None:
            return ResultOptions(predecessors=own)
        theirs = self._predecessors(workitem, ResultKind.SR, place)
        return ResultOptions(
            segmentation=SegmentationEncoding(place.seg_type) if ResultKind.SEG in place.accepts else None,
            largest_segment_count=place.largest_segment_count,
            predecessors=theirs,
            edition="" if theirs == own else edition_name("predecessors", *(item.sop_instance_uid for item in theirs)),
        )

    def _checked(self, analysis: Analysis) -> tuple[Finding, ...]:
        """The findings, with every sentence of a narrative marked that contradicts what the study's models found."""
        if not any(isinstance(finding, Narrative) for finding in analysis.findings):
            return analysis.findings
        others = (*self._workitems.analyses(analysis.workitem.study_instance_uid), analysis)
        return tuple(
            marked(finding, check(finding, others)) if isinstance(finding, Narrative) else finding
            for finding in analysis.findings
        )

    def _report(self, workitem: Workitem) -> Produced:
        started = time.perf_counter()
        analyses = self._workitems.analyses_of(workitem.waits_for)
        own = self._report_edition(workitem, analyses, None)
        places = self._readers(workitem, (ResultKind.REPORT, ResultKind.PDF))
        editions = by_edition(places, lambda place: self._report_edition(workitem, analyses, place))
        left_out = self._left_out.refused(workitem), self._left_out.not_applicable(workitem)
        narratives = {}
        for language in {edition.language for edition in editions}:
            written = write_report(analyses, *left_out, language)
            narratives[language] = marked(written, check(written, analyses))
        headers = self._headers(workitem)

        def build(edition: ReportEdition) -> tuple[DicomResult, ...]:
            name = "" if edition == own else edition.name
            options = ResultOptions(predecessors=edition.predecessors, edition=name)
            reported = [self._reported(item, cited) for item, cited in zip(analyses, edition.cited, strict=True)]
            narrative = narratives[edition.language]
            return build_report(narrative, reported, headers, self._device, workitem, options=options)

        results = addressed((build(edition), readers) for edition, readers in editions.items())
        analysis = Analysis(
            workitem=workitem,
            findings=(narratives[own.language],),
            seconds=(("report", time.perf_counter() - started),),
        )
        return Produced(analysis=analysis, results=results)

    def _report_edition(
        self, workitem: Workitem, analyses: Sequence[Analysis], place: Destination | None
    ) -> ReportEdition:
        destination = ORTHANC if place is None else place.name
        return ReportEdition(
            language=(place and place.language) or workitem.language,
            cited=tuple(self._findings_of(analysis.workitem, destination) for analysis in analyses),
            predecessors=self._predecessors(workitem, ResultKind.REPORT, place),
        )

    def _findings_of(self, workitem: Workitem, destination: str) -> tuple[ResultRecord, ...]:
        """The results of an analysis that a destination was sent; a rejection note says nothing of the patient."""
        records = self._results.of_workitem(workitem.uid, destination)
        return tuple(record for record in records if record.kind in USUAL_KINDS)

    def _inputs(self, workitem: Workitem) -> tuple[ArrivedInstance, ...]:
        """The instances of a workitem, each once. Raises UnreadableObject if the ledger lacks one."""
        wanted = set(workitem.sop_instance_uids)
        arrived = self._instances.of_study(workitem.study_instance_uid, workitem.series_instance_uid)
        found = {item.instance.sop_instance_uid: item for item in arrived if item.instance.sop_instance_uid in wanted}
        if len(found) < len(wanted):
            raise UnreadableObject(f"{len(wanted) - len(found)} instances are no longer known", where=workitem.uid)
        return tuple(found.values())

    def _headers(self, workitem: Workitem) -> list[Any]:
        """One header of each series that the report rests on."""
        first = {item.series_instance_uid: item for item in reversed(self._inputs(workitem))}
        return [self._header(path) for path in self._files.paths(first.values()).values()]

    def _reported(self, analysis: Analysis, cited: Sequence[ResultRecord]) -> ReportedAnalysis:
        workitem = analysis.workitem
        return ReportedAnalysis(
            analysis=analysis,
            package=self._packages(workitem.package, workitem.version),
            results=tuple(self._result_files.read(record) for record in cited),
        )

    def _predecessors(
        self, workitem: Workitem, kind: ResultKind, place: Destination | None
    ) -> tuple[DocumentReference, ...]:
        """The documents that the new one replaces, of those that its reader was sent."""
        replaced = self._results.predecessors(workitem.uid, ORTHANC if place is None else place.name)
        return tuple(
            DocumentReference.to(self._result_files.read(record)) for record in replaced if record.kind is kind
        )

    def _rejections(self, workitem: Workitem) -> tuple[Addressed, ...]:
        """A note for each destination that takes one, of those results there that the new ones replace."""

        def replaced(place: Destination | None) -> tuple[ResultRecord, ...]:
            return self._results.predecessors(workitem.uid, place.name) if place else ()

        def note(records: Sequence[ResultRecord]) -> tuple[DicomResult, ...]:
            edition = edition_name(*(record.sop_instance_uid for record in records))
            stored = [self._result_files.read(record) for record in records]
            return (build_superseded_note(stored, self._device, workitem, edition),) if records else ()

        editions = by_edition(self._readers(workitem, (ResultKind.REJECTION,)), replaced)
        return addressed((note(records), readers) for records, readers in editions.items())
