"""A study that a tiny model has analysed, on a node without services: what pages about studies show."""

from pathlib import Path
from typing import Any

from appliance.bootstrap import Appliance
from appliance.domain.identifiers import StudyInstanceUID
from tests.helpers.dicom_builder import blob_phantom, ct_series
from tests.helpers.node import process
from tests.helpers.people import appliance_in
from tests.helpers.tiny_models import write_threshold_package

PATIENT = "Phantom^Blob"


def analysed(home: Path, **settings: Any) -> tuple[Appliance, StudyInstanceUID]:
    """A node in `home` whose one model has outlined the bright blob of a CT of 14 slices. Close the node."""
    write_threshold_package(home / "models_onnx")
    node = appliance_in(home, **settings)
    headers = {"StudyDescription": "CT abdomen", "SeriesDescription": "Axial 2 mm", "PatientName": PATIENT}
    scanner = {"Manufacturer": "Scanner Works", "ManufacturerModelName": "S1"}
    return node, process(node, ct_series(blob_phantom(), **headers, **scanner), home / "in")
