"""The pictures that destinations get which ask for a summary, in the language of each."""

from collections.abc import Sequence

from appliance.delivery.destinations import Destination
from appliance.domain.dicom_result import DeviceIdentity, DicomResult
from appliance.domain.image import SeriesImages
from appliance.domain.model_package import ModelPackage
from appliance.domain.workitem import Analysis
from appliance.findings.consistency import check, marked
from appliance.findings.languages import phrases_for
from appliance.findings.report_writer import write_report
from appliance.results import build_summary
from appliance.services.editions import Addressed, addressed, by_edition


def summaries(
    analysis: Analysis,
    images: SeriesImages,
    package: ModelPackage,
    device: DeviceIdentity,
    places: Sequence[Destination],
    language: str,
) -> tuple[Addressed, ...]:
    """One summary for each language that is read at `places`, which take summaries; the node itself gets none.

    language: where neither the destination nor the workitem names one. Raises ResultRefused, SettingsError.
    """

    def language_of(place: Destination | None) -> str:
        return (place.language or analysis.workitem.language or language) if place else ""

    def build(wanted: str) -> tuple[DicomResult, ...]:
        if not wanted:
            return ()
        narrative = write_report((analysis,), (), (), wanted)
        narrative = marked(narrative, check(narrative, (analysis,)))
        return build_summary(analysis, narrative, images, package, device, phrases_for(wanted).name_of)

    editions = by_edition(places, language_of)
    return addressed((build(wanted), readers) for wanted, readers in editions.items())
