"""Synthetic studies: a phantom with a known place in patient space, stored in any way DICOM knows.

    phantom = blob_phantom()                     # int16 values [slice, row, column] and an affine to LPS mm
    ct_series(phantom)                           # one CT Image dataset per slice
    ct_series(phantom.stored(axes=(2, 0, 1)))    # the same body, stored along another axis
    enhanced_ct(phantom)                         # the same body as one Enhanced CT object
    [compressed(item, JPEGLSLossless) for item in ct_series(phantom)]
    projection(pixels, modality="DX")            # one X-ray
    save(datasets, folder)                       # -> {SOPInstanceUID: Path}

Everything is deterministic: the same arguments give the same UIDs and bytes. The phantom has no symmetry, so a swapped
or mirrored axis cannot go unnoticed. Every dataset has the modules that result objects copy (Patient, Study,
Equipment).
"""

import copy
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import numpy.typing as npt
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    MRImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
)

from appliance.domain.identifiers import SOPInstanceUID, derived_uid

Floats = npt.NDArray[np.float64]

SOP_CLASSES = {
    "CT": CTImageStorage,
    "MR": MRImageStorage,
    "DX": DigitalXRayImageStorageForPresentation,
    "US": UltrasoundImageStorage,
    "OT": SecondaryCaptureImageStorage,
}


@dataclass(frozen=True, slots=True)
class Phantom:
    """Stored values [slice, row, column] (int16) and the affine from array index to LPS mm."""

    values: npt.NDArray[np.int16]
    affine: Floats

    def stored(self, axes: Sequence[int] = (0, 1, 2), flips: Sequence[bool] = (False, False, False)) -> "Phantom":
        """The same body on a grid whose index axes are permuted (new axis i = old axis axes[i]), then mirrored."""
        values = np.transpose(self.values, axes)
        affine = self.affine[:, [*axes, 3]].copy()
        for axis, flip in enumerate(flips):
            if flip:
                values = np.flip(values, axis)
                affine[:3, 3] += affine[:3, axis] * (values.shape[axis] - 1)
                affine[:3, axis] *= -1
        return Phantom(np.ascontiguousarray(values), affine)

    def sample(self, points: Floats) -> npt.NDArray[np.float64]:
        """Values at LPS points [n, 3]; the nearest voxel, nan outside."""
        return sample(self.values, self.affine, points)


def sample(values: npt.NDArray[Any], affine: Floats, points: Floats) -> npt.NDArray[np.float64]:
    """Values [slice, row, column] at LPS points [n, 3] by the nearest voxel; nan outside the grid."""
    homogeneous = np.c_[points, np.ones(len(points))]
    index = np.floor((np.linalg.inv(affine) @ homogeneous.T)[:3].T + 0.5).astype(int)
    inside = np.all((index >= 0) & (index < np.array(values.shape)), axis=1)
    found = np.full(len(points), np.nan)
    found[inside] = values[tuple(index[inside].T)]
    return found


def axial_affine(spacing: Sequence[float] = (2.0, 1.0, 0.8), origin: Sequence[float] = (-10.0, -20.0, 30.0)) -> Floats:
    """Axial supine head-first: slice index goes to the head (S), rows to the back (P), columns to the left (L)."""
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, spacing[2]], [0, spacing[1], 0], [spacing[0], 0, 0]])
    affine[:3, 3] = origin
    return affine


def rotated(affine: Floats, degrees: Sequence[float]) -> Floats:
    """`affine` after rotations about the L, P and S axes of the patient, in that order."""
    turn = np.eye(4)
    for axis, angle in enumerate(np.radians(degrees)):
        first, second = [(1, 2), (0, 2), (0, 1)][axis]
        step = np.eye(4)
        step[first, first] = step[second, second] = np.cos(angle)
        step[first, second], step[second, first] = -np.sin(angle), np.sin(angle)
        turn = step @ turn
    return turn @ affine


def blob_phantom(shape: Sequence[int] = (14, 20, 24), affine: Floats | None = None) -> Phantom:
    """Air (-1000) around a body (40) with a bright off-centre blob (300), a dark one (-100) and a faint noise."""
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij"), axis=-1)

    def inside(centre: Sequence[float], radii: Sequence[float]) -> npt.NDArray[np.bool_]:
        return np.asarray(np.sum(((grid - centre) / radii) ** 2, axis=-1) < 1)

    values = np.full(shape, -1000, np.int16)
    values[inside((0, 0, 0), (0.95, 0.8, 0.9))] = 40
    values[inside((0.4, -0.3, 0.35), (0.35, 0.3, 0.3))] = 300
    values[inside((-0.5, 0.2, -0.4), (0.3, 0.35, 0.25))] = -100
    noise = np.random.default_rng(7).integers(-5, 6, shape)
    return Phantom((values + noise).astype(np.int16), axial_affine() if affine is None else affine)


def _base(seed: str, sop_class: str, instance: int, modality: str) -> Dataset:
    item = Dataset()
    item.SpecificCharacterSet = "ISO_IR 192"
    item.SOPClassUID = sop_class
    item.SOPInstanceUID = derived_uid("test", seed, "instance", str(instance))
    item.StudyInstanceUID = derived_uid("test", seed.split("/")[0], "study")
    item.SeriesInstanceUID = derived_uid("test", seed, "series")
    item.FrameOfReferenceUID = derived_uid("test", seed.split("/")[0], "frame-of-reference")
    item.StudyDate = item.SeriesDate = item.AcquisitionDate = item.ContentDate = "20260101"
    item.StudyTime = item.SeriesTime = item.AcquisitionTime = item.ContentTime = "101500"
    item.AccessionNumber, item.StudyID, item.SeriesNumber = "A1", "1", 1
    item.ReferringPhysicianName = ""
    item.StudyDescription, item.SeriesDescription = "Synthetic study", f"Synthetic {modality}"
    item.PatientName, item.PatientID = "Phantom^Synthetic", "PHANTOM-1"
    item.PatientBirthDate, item.PatientSex, item.PatientAge = "19700101", "O", "056Y"
    item.Modality, item.Manufacturer, item.ManufacturerModelName = modality, "Synthetic", "Builder"
    item.PositionReferenceIndicator = ""
    item.InstanceNumber, item.AcquisitionNumber = instance, 1
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = item.SOPClassUID, item.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item.file_meta = meta
    return item


def set_pixels(item: Dataset, pixels: npt.NDArray[Any], photometric: str = "MONOCHROME2") -> None:
    """Store `pixels` ([frame,] row, column [, 3]) uncompressed with the matching Image Pixel Module."""
    colour = pixels.ndim >= 3 and pixels.shape[-1] == 3
    rows, columns = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
    item.Rows, item.Columns = rows, columns
    item.SamplesPerPixel, item.PhotometricInterpretation = (3 if colour else 1), photometric
    if colour:
        item.PlanarConfiguration = 0
    item.BitsAllocated = item.BitsStored = 8 * pixels.dtype.itemsize
    item.HighBit = item.BitsStored - 1
    item.PixelRepresentation = int(np.issubdtype(pixels.dtype, np.signedinteger))
    data = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder("<"))).tobytes()
    item.add_new("PixelData", "OB" if item.BitsAllocated == 8 else "OW", data + b"\0" * (len(data) % 2))


def _numbers(values: Iterable[float]) -> list[float]:
    return [float(f"{value:.10g}") for value in values]


def _plane(phantom: Phantom, index: int) -> tuple[list[float], list[float], list[float]]:
    """Image Position, Image Orientation and Pixel Spacing of slice `index`."""
    steps = phantom.affine[:3, :3]
    row, column = np.linalg.norm(steps[:, 1]), np.linalg.norm(steps[:, 2])
    orientation = [*(steps[:, 2] / column), *(steps[:, 1] / row)]
    position = phantom.affine[:3, 3] + index * steps[:, 0]
    return _numbers(position), _numbers(orientation), _numbers((row, column))


def slices(
    phantom: Phantom, *, modality: str = "CT", seed: str = "phantom", attributes: Mapping[str, object] | None = None
) -> list[Dataset]:
    """One single-frame object per slice, CT or MR; `attributes` (keyword -> value) win over the defaults."""
    made = []
    for index, pixels in enumerate(phantom.values):
        item = _base(seed, SOP_CLASSES[modality], index + 1, modality)
        item.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL" if modality == "CT" else "M"]
        item.ImagePositionPatient, item.ImageOrientationPatient, item.PixelSpacing = _plane(phantom, index)
        item.SliceThickness = _numbers([np.linalg.norm(phantom.affine[:3, 0])])[0]
        item.PatientPosition = "HFS"
        set_pixels(item, pixels)
        if modality == "CT":
            item.RescaleSlope, item.RescaleIntercept, item.RescaleType = 1, 0, "HU"
            item.KVP, item.BodyPartExamined, item.ConvolutionKernel = 120, "CHEST", "STANDARD"
        else:
            item.ScanningSequence, item.SequenceVariant, item.MRAcquisitionType = "GR", "SP", "3D"
            item.RepetitionTime, item.EchoTime, item.BodyPartExamined = 2000.0, 3.0, "HEAD"
        for keyword, value in (attributes or {}).items():
            setattr(item, keyword, value)
        made.append(item)
    return made


def ct_series(phantom: Phantom, *, seed: str = "phantom", **attributes: object) -> list[Dataset]:
    """A CT series, one CT Image object per slice (stored values are HU)."""
    return slices(phantom, modality="CT", seed=seed, attributes=attributes)


def mr_series(phantom: Phantom, *, seed: str = "phantom-mr", **attributes: object) -> list[Dataset]:
    """An MR series, one MR Image object per slice."""
    return slices(phantom, modality="MR", seed=seed, attributes=attributes)


def _group(**values: object) -> list[Dataset]:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return [item]


def enhanced(phantom: Phantom, *, modality: str = "CT", seed: str = "enhanced", shuffle: int | None = None) -> Dataset:
    """One Enhanced CT or MR object with all slices as frames; `shuffle` seeds another order of frames."""
    sop_class = {"CT": EnhancedCTImageStorage, "MR": EnhancedMRImageStorage}[modality]
    item = _base(seed, sop_class, 1, modality)
    item.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    order = np.arange(len(phantom.values))
    if shuffle is not None:
        np.random.default_rng(shuffle).shuffle(order)
    set_pixels(item, phantom.values[order])
    item.NumberOfFrames = len(order)
    _, orientation, spacing = _plane(phantom, 0)
    thickness = _numbers([np.linalg.norm(phantom.affine[:3, 0])])[0]
    shared = Dataset()
    shared.PlaneOrientationSequence = _group(ImageOrientationPatient=orientation)
    shared.PixelMeasuresSequence = _group(PixelSpacing=spacing, SliceThickness=thickness)
    rescale_type = "HU" if modality == "CT" else "US"
    shared.PixelValueTransformationSequence = _group(RescaleSlope=1, RescaleIntercept=0, RescaleType=rescale_type)
    shared.FrameAnatomySequence = _group(FrameLaterality="U")
    item.SharedFunctionalGroupsSequence = [shared]
    item.PerFrameFunctionalGroupsSequence = [_frame_groups(phantom, int(index)) for index in order]
    return item


def _frame_groups(phantom: Phantom, index: int) -> Dataset:
    groups = Dataset()
    groups.FrameContentSequence = _group(StackID="1", InStackPositionNumber=index + 1)
    groups.PlanePositionSequence = _group(ImagePositionPatient=_plane(phantom, index)[0])
    return groups


def enhanced_ct(phantom: Phantom, **options: Any) -> Dataset:
    """`enhanced` with modality CT."""
    return enhanced(phantom, modality="CT", **options)


def projection(
    pixels: npt.NDArray[Any],
    *,
    modality: str = "DX",
    photometric: str = "MONOCHROME2",
    seed: str = "projection",
    **attributes: object,
) -> Dataset:
    """One planar image: DX (PA chest by default), US or OT; grey [row, column] or RGB [row, column, 3]."""
    item = _base(seed, SOP_CLASSES[modality], 1, modality)
    del item.FrameOfReferenceUID, item.PositionReferenceIndicator
    item.ImageType = ["ORIGINAL", "PRIMARY"]
    set_pixels(item, pixels, photometric)
    if modality == "DX":
        item.PresentationIntentType, item.ViewPosition, item.BodyPartExamined = "FOR PRESENTATION", "PA", "CHEST"
        item.PatientOrientation, item.ImagerPixelSpacing = ["L", "F"], [0.2, 0.2]
        item.BurnedInAnnotation = "NO"
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def compressed(item: Dataset, transfer_syntax: str) -> Dataset:
    """A copy of `item` whose pixels are encoded as `transfer_syntax` (gdcm where pydicom has no encoder for it)."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.dcm"), Path(folder, "out.dcm")
        dcmwrite(source, item, enforce_file_format=True)
        if transfer_syntax in (JPEGLosslessSV1, JPEG2000Lossless):
            _gdcm_transcode(source, target, transfer_syntax)
        else:
            encoded = dcmread(source)
            encoded.compress(transfer_syntax, generate_instance_uid=False)
            dcmwrite(target, encoded, enforce_file_format=True)
        with target.open("rb") as file:
            result = dcmread(file)
            result.walk(lambda dataset, element: element.value)
    if transfer_syntax in (JPEGLosslessSV1, JPEG2000Lossless):
        return _with_pixels_of(result, item)
    return result


def _with_pixels_of(encoded: Dataset, item: Dataset) -> Dataset:
    """`item` with the encoded pixels only: gdcm writes geometry of its own into enhanced objects."""
    result = copy.deepcopy(item)
    result["PixelData"] = encoded["PixelData"]
    result.file_meta.TransferSyntaxUID = encoded.file_meta.TransferSyntaxUID
    return result


def _gdcm_transcode(source: Path, target: Path, transfer_syntax: str) -> None:
    reader = gdcm.ImageReader()
    reader.SetFileName(str(source))
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(transfer_syntax)))
    writer = gdcm.ImageWriter()
    if not reader.Read():
        raise ValueError("gdcm cannot read the object")
    change.SetInput(reader.GetImage())
    if not change.Change():
        raise ValueError("gdcm cannot encode the object")
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(target))
    if not writer.Write():
        raise ValueError("gdcm cannot write the object")


def save(items: Iterable[Dataset], folder: Path) -> dict[SOPInstanceUID, Path]:
    """Write the objects to `folder` and say where each one lies; file names follow the order given."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for number, item in enumerate(items):
        path = folder / f"{number:05d}.dcm"
        dcmwrite(path, item, enforce_file_format=True)
        paths[SOPInstanceUID(item.SOPInstanceUID)] = path
    return paths
