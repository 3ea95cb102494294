"""Who made a result and how: TID 4019, TID 1004, General Equipment, Contributing Equipment, Software Versions.

A result must be traceable to the exact files that produced it: model name and version, sha256 of manifest and weights,
the thresholds decisions were made at, and the software that ran them.
"""

from collections.abc import Mapping
from datetime import datetime

from highdicom import AlgorithmIdentificationSequence, ContributingEquipment
from highdicom.sr import (
    AlgorithmIdentification,
    DeviceObserverIdentifyingAttributes,
    ObservationContext,
    ObserverContext,
)
from pydicom import Dataset
from pydicom.sr.codedict import codes

from appliance.domain.dicom_result import DeviceIdentity
from appliance.domain.finding import OperatingPoint
from appliance.domain.model_package import ModelPackage, Option
from appliance.results.uids import device_uid

UNVERIFIED = "AI, unverified"
_LONG_STRING = 64


def algorithm_parameters(package: ModelPackage) -> Mapping[str, str]:
    """What must be known to run the algorithm again the same way: name -> value, in a stable order."""
    parameters = {"status": str(package.status)}
    if package.manifest_sha256:
        parameters["manifest sha256"] = package.manifest_sha256
    for key, file in sorted(package.files.items()):
        parameters[f"file {key} sha256"] = file.sha256
    for point in package.operating_points:
        parameters[f"operating point {point.name}"] = operating_point_text(point)
    for name, value in sorted(package.options.items()):
        parameters[f"option {name}"] = _option_text(value)
    if package.udi:
        parameters["UDI"] = package.udi
    return parameters


def operating_point_text(point: OperatingPoint) -> str:
    """The threshold, and the sensitivity and specificity that the model card claims at it."""
    claims = [("threshold", point.threshold), ("sensitivity", point.sensitivity), ("specificity", point.specificity)]
    return ", ".join(f"{name} {value:g}" for name, value in claims if value is not None)


def algorithm_identification(package: ModelPackage, *, brief: bool = False) -> AlgorithmIdentification:
    """TID 4019 for SR content; `brief` leaves the parameters to the groups that have them."""
    return AlgorithmIdentification(
        name=package.name,
        version=package.version,
        parameters=None if brief else [f"{name}: {value}" for name, value in algorithm_parameters(package).items()],
        family=codes.DCM.ArtificialIntelligence,
        manufacturer=shortened(package.manufacturer),
    )


def algorithm_identification_sequence(package: ModelPackage) -> AlgorithmIdentificationSequence:
    """Algorithm Identification Macro (PS3.3 10.16) for segments."""
    return AlgorithmIdentificationSequence(
        name=shortened(package.name),
        family=codes.DCM.ArtificialIntelligence,
        version=shortened(package.version),
        source=shortened(package.manufacturer),
        parameters=dict(algorithm_parameters(package)),
    )


def observer_context(device: DeviceIdentity) -> ObserverContext:
    """TID 1002 with the appliance as the device that observed (TID 1004); no person has."""
    attributes = DeviceObserverIdentifyingAttributes(
        uid=device_uid(device),
        name=device.station_name or device.model_name,
        manufacturer_name=device.manufacturer,
        model_name=device.model_name,
        serial_number=device.serial_number,
    )
    return ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=attributes)


def observation_context(device: DeviceIdentity) -> ObservationContext:
    """TID 1001 with the `observer_context`."""
    return ObservationContext(observer_device_context=observer_context(device))


def add_equipment(dataset: Dataset, device: DeviceIdentity) -> None:
    """General Equipment Module: the appliance made this object."""
    dataset.Manufacturer = device.manufacturer
    dataset.ManufacturerModelName = device.model_name
    dataset.DeviceSerialNumber = device.serial_number
    dataset.SoftwareVersions = device.software_version
    if device.station_name:
        dataset.StationName = device.station_name[:16]
    if device.institution_name:
        dataset.InstitutionName = shortened(device.institution_name)


def contributing_equipment(
    source: Dataset, device: DeviceIdentity, packages: tuple[ModelPackage, ...], moment: datetime
) -> list[ContributingEquipment]:
    """Contributing Equipment Sequence (0018,A001): the scanner (CID 7005 acquisition), each model and the appliance
    (CID 7005 processing).
    """
    items = [_acquisition(source)] if source.get("Manufacturer") else []
    items += [_processing_model(package, moment) for package in packages]
    items.append(
        ContributingEquipment(
            manufacturer=device.manufacturer,
            purpose_of_reference=codes.DCM.ProcessingEquipment,
            manufacturer_model_name=device.model_name,
            software_versions=device.software_version,
            device_serial_number=device.serial_number,
            institution_name=device.institution_name or None,
            station_name=device.station_name[:16] or None,
            contribution_datetime=moment,
            contribution_description="Clinical inference appliance",
        )
    )
    return items


def shortened(text: str) -> str:
    """As much as LO holds: 64 characters (PS3.5 6.2), counted in bytes since many readers do so."""
    return _cut(text, _LONG_STRING)


def series_description(title: str, subject: str = "") -> str:
    """What a worklist shows of the series; it always says that a machine made it and nobody has checked it."""
    mark = f" ({UNVERIFIED})"
    lead = f"{subject}: {title}" if subject else title
    return _cut(lead, _LONG_STRING - len(mark)) + mark


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")


def _acquisition(source: Dataset) -> ContributingEquipment:
    return ContributingEquipment(
        manufacturer=str(source.Manufacturer),
        purpose_of_reference=codes.DCM.AcquisitionEquipment,
        manufacturer_model_name=source.get("ManufacturerModelName"),
        software_versions=source.get("SoftwareVersions"),
        device_serial_number=source.get("DeviceSerialNumber"),
        institution_name=source.get("InstitutionName"),
        station_name=source.get("StationName"),
    )


def _processing_model(package: ModelPackage, moment: datetime) -> ContributingEquipment:
    item = ContributingEquipment(
        manufacturer=shortened(package.manufacturer),
        purpose_of_reference=codes.DCM.ProcessingEquipment,
        manufacturer_model_name=shortened(package.name),
        software_versions=shortened(package.version),
        contribution_datetime=moment,
        contribution_description=f"{package.title} ({package.status}); manifest sha256 {package.manifest_sha256}",
    )
    if package.udi:
        identifier = Dataset()
        identifier.UniqueDeviceIdentifier = package.udi
        item.UDISequence = [identifier]
    return item


def _option_text(value: Option) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_option_text(item)}" for key, item in sorted(value.items()))
    if isinstance(value, tuple):
        return " ".join(_option_text(item) for item in value)
    return str(value)
