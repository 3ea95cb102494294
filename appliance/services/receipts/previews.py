"""Pictures of stored results on the slices that they are said of: made once, kept as files.

Results are read from our own files, whose hash must be the one in the ledger; source frames are decoded in children.
"""

import hashlib
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

from pydicom import Dataset, dcmread

from appliance.domain.dicom_result import ResultKind
from appliance.domain.errors import ResultRefused, UnreadableObject
from appliance.domain.finding import Region
from appliance.domain.identifiers import SeriesInstanceUID, StudyInstanceUID, content_hash
from appliance.domain.image import FrameReference, PlanarImage
from appliance.domain.study import Series
from appliance.results.preview import frame_view, polygon_mask, preview, thumbnail
from appliance.results.stored_segmentation import areas, plane, segments_of, telling_frame
from appliance.results.summary_views import Outline, View
from appliance.services.instance_files import InstanceFiles
from appliance.store.instances import ArrivedInstance, Instances
from appliance.store.results import ResultFiles, ResultRecord, write_durably

OpenFrame = Callable[[Path, Series, int], tuple[PlanarImage, Dataset]]
_REGION_COLOUR = (255, 196, 64)


class Previews:
    """Makes and keeps PNG files below `folder`."""

    def __init__(
        self,
        *,
        folder: Path,
        result_files: ResultFiles,
        instances: Instances,
        instance_files: InstanceFiles,
        frame: OpenFrame,
    ) -> None:
        """frame: (path, series of one instance, index from 0) -> image and header; raises InputRefused."""
        self._folder = folder
        self._result_files = result_files
        self._instances = instances
        self._instance_files = instance_files
        self._frame = frame

    def of_segmentation(self, record: ResultRecord, segment: int | None, language: str) -> Path:
        """The slice that shows most of one segment of a SEG, or of all. Raises InputRefused, ResultRefused."""
        key = ("segmentation", record.sha256, str(segment or ""), language)
        return self._kept(key, lambda: preview(self._segmentation_view(record, segment), language))

    def of_region(self, study: StudyInstanceUID, region: Region, language: str) -> Path:
        """The frame that a region lies on. Raises InputRefused."""
        points = ";".join(f"{column:g},{row:g}" for column, row in region.polygon)
        key = ("region", region.frame.sop_instance_uid, str(region.frame.frame_number), points, language)
        return self._kept(key, lambda: preview(self._region_view(study, region), language))

    def thumbnail(self, study: StudyInstanceUID, results: Sequence[ResultRecord], segment: int | None = None) -> Path:
        """A study with its first segmentation outlined; without one the middle of its longest series.

        results: those that stand, the most important first. Raises InputRefused, ResultRefused.
        """
        found = next((record for record in results if record.kind is ResultKind.SEG), None)
        if found is not None:
            key = ("thumbnail", found.sha256, str(segment or ""))
            return self._kept(key, lambda: thumbnail(self._segmentation_view(found, segment)))
        frame = self._middle(study)
        return self._kept(("thumbnail", frame.sop_instance_uid), lambda: thumbnail(self._view(study, frame)))

    def dataset(self, record: ResultRecord) -> Dataset:
        """A stored result, read from its file. Raises ResultRefused where that is not the one that was written."""
        content = self._result_files.path(record.path).read_bytes()
        if hashlib.sha256(content).hexdigest() != record.sha256:
            raise ResultRefused("its file is not the one that was written", where=record.sop_instance_uid)
        return dcmread(BytesIO(content))

    def _kept(self, key: tuple[str, ...], make: Callable[[], bytes]) -> Path:
        name = content_hash(*key)
        file = self._folder / name[:2] / f"{name}.png"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_durably(file, make())
        return file

    def _segmentation_view(self, record: ResultRecord, segment: int | None) -> View:
        dataset = self.dataset(record)
        frame = telling_frame(areas(dataset), segment)
        if frame is None:  # it was looked for and not found: an image without outlines says so
            return self._view(record.study_instance_uid, self._any_frame(dataset))
        stored = plane(dataset, frame)
        outlines = tuple(
            Outline(segment=(0, item.number), name=item.label, colour=item.colour, mask=stored.masks[item.number])
            for item in segments_of(dataset)
            if item.number in stored.masks and segment in (None, item.number)
        )
        return self._view(record.study_instance_uid, frame, outlines, _geometry(dataset))

    def _region_view(self, study: StudyInstanceUID, region: Region) -> View:
        image, header = self._read(study, region.frame)
        rows, columns = image.pixels.shape[:2]
        mask = polygon_mask(region.polygon, (int(rows), int(columns)))
        outline = Outline(segment=(0, 0), name=region.concept.meaning, colour=_REGION_COLOUR, mask=mask)
        return frame_view(image, header, None, (outline,))

    def _view(
        self,
        study: StudyInstanceUID,
        frame: FrameReference,
        outlines: tuple[Outline, ...] = (),
        geometry: Dataset | None = None,
    ) -> View:
        image, header = self._read(study, frame)
        if any(outline.mask.shape != image.pixels.shape[:2] for outline in outlines):
            raise ResultRefused("the segmentation has another matrix than its source", where=frame.sop_instance_uid)
        return frame_view(image, header, geometry, outlines)

    def _read(self, study: StudyInstanceUID, frame: FrameReference) -> tuple[PlanarImage, Dataset]:
        arrived = self._instances.of_study(study)
        item = next((each for each in arrived if each.instance.sop_instance_uid == frame.sop_instance_uid), None)
        if item is None:
            raise UnreadableObject("the source image is not here", where=frame.sop_instance_uid)
        path = self._instance_files.paths([item])[item.instance.sop_instance_uid]
        return self._frame(path, _series_of(item), (frame.frame_number or 1) - 1)

    def _middle(self, study: StudyInstanceUID) -> FrameReference:
        series: dict[SeriesInstanceUID, list[ArrivedInstance]] = {}
        for item in self._instances.of_study(study):
            series.setdefault(item.series_instance_uid, []).append(item)
        if not series:
            raise UnreadableObject("nothing of the study is here", where=study)
        longest = max(series, key=lambda uid: len(series[uid]))
        ordered = sorted(series[longest], key=_order)
        middle_one = ordered[len(ordered) // 2].instance
        frames = middle_one.number_of_frames
        number = frames // 2 + 1 if frames > 1 else None
        return FrameReference(middle_one.sop_instance_uid, middle_one.sop_class_uid, number)

    def _any_frame(self, dataset: Dataset) -> FrameReference:
        middle = dataset.PerFrameFunctionalGroupsSequence[len(dataset.PerFrameFunctionalGroupsSequence) // 2]
        source = middle.DerivationImageSequence[0].SourceImageSequence[0]
        number = source.get("ReferencedFrameNumber")
        uid, sop_class = source.ReferencedSOPInstanceUID, source.ReferencedSOPClassUID
        return FrameReference(uid, str(sop_class), int(number) if number else None)


def _geometry(dataset: Dataset) -> Dataset:
    """Orientation and spacing as the SEG itself states them, for sources that keep them in functional groups."""
    groups = Dataset()
    shared = dataset.SharedFunctionalGroupsSequence[0]
    for name in ("PlaneOrientationSequence", "PixelMeasuresSequence"):
        for item in shared.get(name) or ():
            groups.update(item)
    return groups


def _series_of(item: ArrivedInstance) -> Series:
    modality = str(item.instance.attributes.get("Modality", ""))
    return Series(series_instance_uid=item.series_instance_uid, modality=modality, instances=(item.instance,))


def _order(item: ArrivedInstance) -> tuple[float, str]:
    number = item.instance.attributes.get("InstanceNumber")
    return float(number) if isinstance(number, (int, float)) else 0.0, item.instance.sop_instance_uid
