"""A NIfTI volume written as a DICOM MR series (PS3.3 A.4), so that it can be sent like any other study.

NIfTI affines give RAS+ millimetres, DICOM LPS+. The axes are first put in the order and direction nearest to L, P, S,
which makes axial slices with rows to the patient's left and columns to the back.
"""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
from nibabel.orientations import apply_orientation, axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from appliance.domain.errors import GantryTilt, GeometryMissing, TooFewSlices
from appliance.domain.identifiers import derived_uid
from appliance.domain.image import Affine, Array

_LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_SHEAR = 1e-3
_STORED_MAXIMUM = 4095
_DATE, _TIME = "20260101", "120000"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesText:
    """What the headers say; times in ms, angle in degrees, None where nothing is known."""

    series_description: str
    study_description: str
    patient_name: str
    patient_id: str
    derivation: str
    repetition_time: float | None = None
    echo_time: float | None = None
    flip_angle: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SliceStack:
    """Axial slices: voxels [slice, row, column], and the affine from that index to LPS mm."""

    voxels: Array
    affine: Affine


def write_series(nifti: Path, folder: Path, text: SeriesText) -> tuple[Path, ...]:
    """Write one file per slice to `folder`; the same NIfTI file gives the same files.

    Raises GeometryRefused when the volume has no affine, is sheared, or is not three-dimensional.
    """
    image = nibabel.load(nifti)
    stack = slice_stack(np.asanyarray(image.dataobj), _declared_affine(image))
    stored = _stored(stack.voxels)
    uid = derived_uid("nifti-series", content_sha256(nifti), text.series_description)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index in range(len(stored)):
        path = folder / f"mr-{index + 1:04d}.dcm"
        _slice(stored, stack.affine, index, uid, text).save_as(path, enforce_file_format=True)
        paths.append(path)
    return tuple(paths)


def slice_stack(values: Array, affine: Affine) -> SliceStack:
    """Voxels [i, j, k] with a NIfTI affine (index to RAS mm) as axial slices in LPS.

    A trailing axis of length 1 is dropped. Raises TooFewSlices for another number of axes, GeometryMissing for a
    singular affine, GantryTilt for axes that are not perpendicular.
    """
    volume = values[..., 0] if values.ndim == 4 and values.shape[3] == 1 else values
    if volume.ndim != 3:
        raise TooFewSlices(f"a volume has three axes, this file has {values.ndim}")
    to_lps = _LPS_FROM_RAS @ np.asarray(affine, dtype=np.float64)
    _check_perpendicular(to_lps[:3, :3])
    turn = ornt_transform(io_orientation(affine), axcodes2ornt("LPS"))
    turned = to_lps @ inv_ornt_aff(turn, volume.shape)
    # (i, j, k) are column, row and slice; reversing the axes of the array reverses the columns of the affine
    return SliceStack(apply_orientation(volume, turn).transpose(2, 1, 0), turned[:, [2, 1, 0, 3]])


def _check_perpendicular(axes: npt.NDArray[np.float64]) -> None:
    lengths = np.linalg.norm(axes, axis=0)
    if not np.isfinite(axes).all() or lengths.min() < 1e-6:
        raise GeometryMissing("the affine of the NIfTI file is singular")
    cosines = (axes / lengths).T @ (axes / lengths) - np.eye(3)
    if np.abs(cosines).max() > _SHEAR:
        raise GantryTilt("the axes of the NIfTI volume are not perpendicular")


def _declared_affine(image: nibabel.Nifti1Image) -> Affine:
    if image.header["sform_code"] == 0 and image.header["qform_code"] == 0:
        raise GeometryMissing("the NIfTI file declares no orientation")
    return np.asarray(image.affine, dtype=np.float64)


def _stored(voxels: Array) -> npt.NDArray[np.uint16]:
    """Unsigned 12-bit values; small unsigned integers are kept, anything else is scaled to the full range."""
    if np.issubdtype(voxels.dtype, np.integer) and voxels.min() >= 0 and voxels.max() <= _STORED_MAXIMUM:
        return voxels.astype("<u2")
    low, high = float(voxels.min()), float(voxels.max())
    return np.rint((voxels - low) / max(high - low, 1e-12) * _STORED_MAXIMUM).astype("<u2")


def content_sha256(nifti: Path) -> str:
    """Of the volume itself: distributions compress the same file in different ways."""
    content = nifti.read_bytes()
    return hashlib.sha256(gzip.decompress(content) if nifti.suffix == ".gz" else content).hexdigest()


def _slice(stored: npt.NDArray[np.uint16], affine: Affine, index: int, uid: str, text: SeriesText) -> Dataset:
    dataset = Dataset()
    _identity(dataset, index, uid, text)
    _acquisition(dataset, text)
    _plane(dataset, affine, index)
    _pixels(dataset, stored[index])
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = MRImageStorage, dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    return dataset


def _identity(dataset: Dataset, index: int, uid: str, text: SeriesText) -> None:
    dataset.SOPClassUID = MRImageStorage
    dataset.SOPInstanceUID = derived_uid("nifti-instance", uid, str(index))
    dataset.StudyInstanceUID = derived_uid("nifti-study", uid)
    dataset.SeriesInstanceUID = uid
    dataset.FrameOfReferenceUID = derived_uid("nifti-frame-of-reference", uid)
    dataset.PositionReferenceIndicator = ""
    dataset.PatientName, dataset.PatientID = text.patient_name, text.patient_id
    dataset.PatientBirthDate, dataset.PatientSex = "", ""
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = _DATE
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = _TIME
    dataset.StudyID, dataset.SeriesNumber, dataset.InstanceNumber = "SAMPLE", 1, index + 1
    dataset.AccessionNumber, dataset.ReferringPhysicianName = "", ""
    dataset.StudyDescription, dataset.SeriesDescription = text.study_description, text.series_description
    dataset.Modality, dataset.Manufacturer = "MR", ""
    dataset.BodyPartExamined, dataset.PatientPosition = "BRAIN", ""


def _acquisition(dataset: Dataset, text: SeriesText) -> None:
    dataset.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    dataset.DerivationDescription = text.derivation
    dataset.ScanningSequence, dataset.SequenceVariant, dataset.ScanOptions = "GR", "SP", ""
    dataset.MRAcquisitionType = "3D"
    dataset.RepetitionTime, dataset.EchoTime = text.repetition_time, text.echo_time
    dataset.EchoTrainLength = 1
    if text.flip_angle is not None:
        dataset.FlipAngle = text.flip_angle


def _plane(dataset: Dataset, affine: Affine, index: int) -> None:
    """Image Plane Module (PS3.3 C.7.6.2); columns of the affine: slice, row and column index."""
    between, down, along = affine[:3, :3].T
    dataset.PixelSpacing = _decimals([np.linalg.norm(down), np.linalg.norm(along)])
    direction = np.concatenate([along / np.linalg.norm(along), down / np.linalg.norm(down)])
    dataset.ImageOrientationPatient = _decimals(direction)
    dataset.ImagePositionPatient = _decimals(affine[:3, 3] + index * between)
    dataset.SliceThickness = dataset.SpacingBetweenSlices = _decimals([np.linalg.norm(between)])[0]


def _decimals(values: npt.ArrayLike) -> list[str]:
    """Decimal Strings of at most 16 characters (PS3.5 6.2)."""
    return [f"{float(value) + 0.0:.9f}".rstrip("0").rstrip(".")[:16] for value in np.asarray(values).ravel()]


def _pixels(dataset: Dataset, stored: npt.NDArray[np.uint16]) -> None:
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.LossyImageCompression = "00"
    dataset.PixelData = stored.tobytes()
