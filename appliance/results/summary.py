"""A Secondary Capture (PS3.3 A.8.1) that shows what an analysis found, for systems that read neither SR nor SEG.

It is a picture of the other results and nothing that they do not say. It goes only where a destination names it, and
not into the node's own archive: its viewers read SEG and SR, and a picture beside these would be read as another image
of the patient. Gates get none, since they judge images and not patients; nor does what consists of text alone, which
the report has. An analysis that outlines nothing gets a page of text.
"""

from collections.abc import Callable

from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from appliance.domain.dicom_result import DeviceIdentity, DicomResult, ResultKind
from appliance.domain.finding import Narrative, Segment
from appliance.domain.image import FrameReference, PlanarImage, SeriesImages
from appliance.domain.model_package import ModelPackage, Role
from appliance.domain.workitem import Analysis, Workitem
from appliance.results import codes, provenance, readback, uids
from appliance.results.encoding import as_result, encode, guarded, local_time, stamp
from appliance.results.plain_text import model_text
from appliance.results.source_header import equipment, patient_and_study, storable
from appliance.results.summary_page import SummaryText, render
from appliance.results.summary_views import View, views_of
from appliance.results.summary_window import Shown
from appliance.results.wording import Wording, wording

_DERIVATION = "Picture of AI findings: frames with outlines, and text. Not for measuring, not verified."


def build_summary(
    analysis: Analysis,
    narrative: Narrative,
    images: SeriesImages,
    package: ModelPackage,
    device: DeviceIdentity,
    name_of: Callable[[Segment], str],
) -> tuple[DicomResult, ...]:
    """The summary of one analysis, in the language of `narrative`; nothing for what has none (see above).

    narrative: what `analysis` found, in sentences. name_of: a segment in that language. Raises ResultRefused when the
    summary cannot be built or does not survive read-back.
    """
    if package.role is not Role.ANALYSIS or all(isinstance(finding, Narrative) for finding in analysis.findings):
        return ()
    return (guarded(lambda: _build(analysis, narrative, images, package, device, name_of)),)


def _build(
    analysis: Analysis,
    narrative: Narrative,
    images: SeriesImages,
    package: ModelPackage,
    device: DeviceIdentity,
    name_of: Callable[[Segment], str],
) -> DicomResult:
    words = wording(narrative.language)
    segments = [item for item in analysis.findings if isinstance(item, Segment) and item.mask.any()]
    views = views_of(segments, images, name_of)
    outlined = {outline.segment for view in views for outline in view.outlines}
    page = render(
        views,
        SummaryText(
            title=package.title,
            sentences=narrative.findings,
            model=model_text(package, words),
            software=f"{device.model_name} {device.software_version}",
            words=words,
            not_shown=len(segments) - len(outlined),
        ),
    )
    dataset = _dataset(page, views, images, package, device, analysis.workitem, narrative.language)
    content = encode(dataset, ExplicitVRLittleEndian)
    readback.check_picture(content, page)
    text = _text(narrative, package, words)
    return as_result(dataset, content, kind=ResultKind.SUMMARY, workitem=analysis.workitem.uid, text=text)


def _dataset(
    page: Shown,
    views: tuple[View, ...],
    images: SeriesImages,
    package: ModelPackage,
    device: DeviceIdentity,
    workitem: Workitem,
    language: str,
) -> Dataset:
    header = images.headers[0]
    moment = local_time(workitem.created_at, header)
    dataset = patient_and_study(header)
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = uids.instance_uid(workitem.uid, ResultKind.SUMMARY, edition=language)
    dataset.SeriesInstanceUID = uids.series_uid(workitem.uid, ResultKind.SUMMARY, language)
    dataset.Modality, dataset.InstanceNumber, dataset.ConversionType = "OT", 1, "WSD"
    dataset.Laterality = storable(header, "Laterality")  # type 2C
    dataset.SeriesNumber = uids.series_number(package.name, ResultKind.SUMMARY)
    dataset.SeriesDescription = provenance.series_description(package.title, "Summary")
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.DerivationDescription = _DERIVATION
    dataset.SourceImageSequence = [_reference(frame) for frame in [view.frame for view in views] or _frames(images)]
    dataset.PatientOrientation = _orientation(views)
    _annotation(dataset, views, images)
    _compression(dataset, views, images)
    dataset.DateOfSecondaryCapture = moment.strftime("%Y%m%d")
    dataset.TimeOfSecondaryCapture = moment.strftime("%H%M%S")
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.Rows, dataset.Columns = page.shape[:2]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.PixelData = page.tobytes()
    provenance.add_equipment(dataset, device)
    dataset.ContributingEquipmentSequence = provenance.contributing_equipment(
        equipment(header), device, (package,), moment
    )
    stamp(dataset, moment)
    return dataset


def _reference(frame: FrameReference) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = frame.sop_class_uid
    item.ReferencedSOPInstanceUID = frame.sop_instance_uid
    if frame.frame_number is not None:
        item.ReferencedFrameNumber = frame.frame_number
    item.PurposeOfReferenceCodeSequence = [codes.concept(codes.SOURCE_IMAGE)]
    return item


def _frames(images: SeriesImages) -> list[FrameReference]:
    """Every frame that was analysed."""
    return [
        frame
        for source in images.sources
        for frame in ((source.frame,) if isinstance(source, PlanarImage) else source.frames)
    ]


def _orientation(views: tuple[View, ...]) -> list[str]:
    """Patient Orientation where all frames on the page lie the same way; else empty, as for a page of text."""
    ways = {view.directions for view in views}
    way = ways.pop() if len(ways) == 1 else None
    return list(way) if way is not None else []


def _headers_of(views: tuple[View, ...], images: SeriesImages) -> list[Dataset]:
    shown = {view.frame.sop_instance_uid for view in views}
    return [header for header in images.headers if str(header.SOPInstanceUID) in shown]


def _annotation(dataset: Dataset, views: tuple[View, ...], images: SeriesImages) -> None:
    """Burned In Annotation: we write no identity onto the page; a frame brings along what is burnt into it, and where
    the header of a planar image does not say whether there is any, neither do we.
    """
    stated = {str(header.get("BurnedInAnnotation") or "") for header in _headers_of(views, images)}
    if "YES" in stated:
        dataset.BurnedInAnnotation = "YES"
    elif "" not in stated or not any(isinstance(source, PlanarImage) for source in images.sources):
        dataset.BurnedInAnnotation = "NO"


def _compression(dataset: Dataset, views: tuple[View, ...], images: SeriesImages) -> None:
    """Lossy Image Compression, once done, stays with what is derived (PS3.3 C.7.6.1.1.5)."""
    lossy = [h for h in _headers_of(views, images) if str(h.get("LossyImageCompression")) == "01"]
    dataset.LossyImageCompression = "01" if lossy else "00"
    for keyword in ("LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        if lossy and lossy[0].get(keyword):
            setattr(dataset, keyword, lossy[0].get(keyword))


def _text(narrative: Narrative, package: ModelPackage, words: Wording) -> str:
    lines = [words.unverified, package.title, *(f"- {sentence.text}" for sentence in narrative.findings)]
    return "\n".join([*lines, model_text(package, words)]) + "\n"
