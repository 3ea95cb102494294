"""A rendered phantom as a study: one Digital X-Ray Image (PS3.3 A.26) that says on itself what it is."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from appliance.domain.identifiers import derived_uid
from appliance.node.samples.phantom import SHAPE, render
from appliance.node.samples.phantom_findings import PhantomFindings, report_text
from appliance.services.self_test import RENDERER

MODEL_NAME = RENDERER
"""Manufacturer's Model Name by which the demonstration report generator knows the renderings."""

PIXEL_MM = 1.5
_STORED_MAXIMUM = 4095
_DATE, _TIME = "20260101", "120000"


def write_phantom(folder: Path, findings: PhantomFindings, seed: int) -> Path:
    """Render a phantom and write it to `folder` as a DICOM file; the same arguments give the same file.

    Returns the path of the file. The ground-truth report is in Image Comments.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "phantom.dcm"
    phantom_dataset(findings, seed).save_as(path, enforce_file_format=True)
    return path


def phantom_dataset(findings: PhantomFindings, seed: int) -> Dataset:
    """The rendered phantom as a dataset with file meta information."""
    text = report_text(findings)
    dataset = Dataset()
    _identity(dataset, derived_uid("phantom", text, str(seed)), text)
    _acquisition(dataset)
    _pixels(dataset, np.rint(render(findings, seed) * _STORED_MAXIMUM).astype("<u2"))
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    return dataset


def _identity(dataset: Dataset, uid: str, text: str) -> None:
    """Patient, study, series, equipment and SOP common."""
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = derived_uid("phantom-instance", uid)
    dataset.StudyInstanceUID = derived_uid("phantom-study", uid)
    dataset.SeriesInstanceUID = derived_uid("phantom-series", uid)
    dataset.PatientName, dataset.PatientID = "PHANTOM^REPORT", "PHANTOM-REPORT"
    dataset.PatientBirthDate, dataset.PatientSex = "", "O"
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = dataset.AcquisitionDate = _DATE
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = dataset.AcquisitionTime = _TIME
    dataset.StudyID, dataset.SeriesNumber, dataset.InstanceNumber = "PHANTOM", 1, 1
    dataset.AccessionNumber, dataset.ReferringPhysicianName = "", ""
    dataset.Modality, dataset.PresentationIntentType = "DX", "FOR PRESENTATION"
    dataset.StudyDescription, dataset.SeriesDescription = "Rendered chest phantom", "RENDERED PHANTOM"
    dataset.Manufacturer, dataset.ManufacturerModelName = "appliance", MODEL_NAME
    dataset.DeviceSerialNumber, dataset.SoftwareVersions = "0", "1.0.0"
    dataset.ImageComments = text
    dataset.QualityControlImage = "YES"


def _acquisition(dataset: Dataset) -> None:
    """DX anatomy, positioning and detector, as far as a drawing has them."""
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.DerivationDescription = "Rendered by a computer program; no patient was exposed"
    dataset.BodyPartExamined, dataset.ImageLaterality = "CHEST", "U"
    dataset.AnatomicRegionSequence = [_code("816094009", "SCT", "Chest")]
    dataset.PatientOrientation, dataset.ViewPosition = ["L", "F"], "PA"
    view = _code("399348003", "SCT", "postero-anterior")
    view.ViewModifierCodeSequence = []
    dataset.ViewCodeSequence = [view]
    dataset.PositionerType = ""
    dataset.DetectorType, dataset.DetectorConfiguration = "DIRECT", "AREA"
    dataset.ImagerPixelSpacing = [PIXEL_MM, PIXEL_MM]
    dataset.PixelSpacing = [PIXEL_MM, PIXEL_MM]
    dataset.PixelSpacingCalibrationType = "GEOMETRY"
    dataset.PixelSpacingCalibrationDescription = "Scale of the drawing"
    dataset.AcquisitionContextSequence = []


def _pixels(dataset: Dataset, stored: np.ndarray) -> None:
    """Image pixel, DX image and VOI."""
    dataset.Rows, dataset.Columns = SHAPE
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelIntensityRelationship, dataset.PixelIntensityRelationshipSign = "LOG", 1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = 0, 1, "US"
    dataset.PresentationLUTShape, dataset.LossyImageCompression = "IDENTITY", "00"
    dataset.BurnedInAnnotation = "NO"
    dataset.WindowCenter, dataset.WindowWidth = (_STORED_MAXIMUM + 1) // 2, _STORED_MAXIMUM + 1
    dataset.PixelData = stored.tobytes()


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item
