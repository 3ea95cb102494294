"""From workitems to results: runtime, pixels, laboratory, analyst."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from appliance.bootstrap.limits import read_limits
from appliance.bootstrap.places import takes_no_label_map
from appliance.bootstrap.planning import Planning
from appliance.delivery.destinations import Destination, SegmentationType
from appliance.domain.errors import ApplianceError
from appliance.domain.identifiers import SOPInstanceUID, StudyInstanceUID
from appliance.domain.model_package import ModelPackage
from appliance.domain.ports import PixelSource
from appliance.domain.workitem import REPORT_PACKAGE, Workitem
from appliance.inference.golden import run_golden_cases
from appliance.inference.onnx_runtime import OnnxRuntime
from appliance.inference.providers import CPU, CUDA, TENSORRT
from appliance.services.analyst import Analyst
from appliance.services.laboratory import Laboratory
from appliance.services.work import Work
from appliance.store.selections import Selections
from appliance.study.children.source import ChildPixelSource, header_in
from appliance.study.objects import MIB
from appliance.study.volume_cache import SeriesCache


class Analysing(Planning):
    """Everything between a workitem and its result objects."""

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

    def run_golden_cases(self, package: ModelPackage) -> str:
        """Run the golden cases of a package, and say so. Raises GoldenCaseFailed."""
        outcomes = run_golden_cases(package, self.runtime)
        return f"{len(outcomes)} golden outputs reproduced" if outcomes else "no golden case"

    @cached_property
    def _decoded(self) -> SeriesCache:
        return SeriesCache(self.settings.worker.volume_cache_mib * MIB)

    def pixel_source(self, paths: Mapping[SOPInstanceUID, Path]) -> PixelSource:
        """Images from files; all sources share one cache of decoded series."""
        return ChildPixelSource(paths, self.children, limits=read_limits(self.settings), cache=self._decoded)

    def pixels(self, uid: StudyInstanceUID) -> PixelSource:
        """The images of a study."""
        return self.pixel_source(self.instance_files.paths(self.instances.of_study(uid)))

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
            language=self.settings.report.language,
        )

    def _readers(self) -> tuple[Destination, ...]:
        """The destinations as results are to be made for them: a label map only for who is known to take one."""
        states = self.destination_states.all()
        return tuple(
            replace(place, seg_type=SegmentationType.BINARY) if takes_no_label_map(states.get(place.name)) else place
            for place in self.destinations.values()
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
