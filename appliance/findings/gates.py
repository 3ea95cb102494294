"""Which findings stop the other analyses of their series, and with which code."""

from collections.abc import Iterable

from appliance.domain.coding import PRESENT
from appliance.domain.errors import ModalityContradicted, QualityInsufficient
from appliance.domain.finding import Evaluation, Finding
from appliance.findings import codes

_STOPS = {
    (codes.MODALITY_CONTRADICTED, PRESENT): ModalityContradicted.code,
    (codes.IMAGE_QUALITY, codes.LIMITED_QUALITY): QualityInsufficient.code,
}


def stop_code(findings: Iterable[Finding]) -> str | None:
    """The error code that a stop gate with these findings refuses its series with; None if nothing stands against it.

    Whether a package is a stop gate at all is its manifest's `role`.
    """
    for finding in findings:
        if isinstance(finding, Evaluation) and (finding.concept, finding.value) in _STOPS:
            return _STOPS[finding.concept, finding.value]
    return None
