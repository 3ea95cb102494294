"""Reading a series in this process against reading it in children: 400 uncompressed slices, 100 in JPEG 2000.

    python -m benchmarks.decoding

The children are warm, as they are on a node. Both ways alternate, and the median of each is printed.
"""

import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEG2000Lossless

from appliance.domain.identifiers import SOPInstanceUID, derived_uid
from appliance.domain.image import source_values
from appliance.domain.model_package import InputKind
from appliance.domain.ports import PixelSource
from appliance.domain.study import Series
from appliance.study.children.pool import Children
from appliance.study.children.source import ChildPixelSource
from appliance.study.headers import instance_of, series_of
from appliance.study.objects import read_object
from appliance.study.reader import FilePixelSource
from appliance.study.volume_cache import SeriesCache

ROUNDS = 5
EDGE = 512


def main() -> None:
    """Measure and print."""
    children = Children()
    with tempfile.TemporaryDirectory(prefix="benchmark ") as folder:
        for name, count, compressed in (("uncompressed", 400, False), ("JPEG 2000", 100, True)):
            target = Path(folder) / name
            target.mkdir()
            series, paths = _series(target, count, compressed=compressed)
            ways: tuple[PixelSource, ...] = (
                FilePixelSource(paths, cache=SeriesCache(0)),
                ChildPixelSource(paths, children, cache=SeriesCache(0)),
            )
            first, second = (way.read(series, InputKind.VOLUME).sources[0] for way in ways)
            if not np.array_equal(source_values(first), source_values(second)):
                raise SystemExit("the two ways give different voxels")
            del first, second
            seconds = [[_timed(way, series) for way in ways] for _ in range(ROUNDS)]
            inside, outside = (median(column) for column in zip(*seconds, strict=True))
            print(
                f"{count} slices, {name}: here {inside:.2f} s, in {children.count} children {outside:.2f} s, "
                f"ratio {outside / inside:.2f}"
            )
    children.close()


def _series(folder: Path, count: int, *, compressed: bool) -> tuple[Series, dict[SOPInstanceUID, Path]]:
    noise = np.random.default_rng(1).normal(0, 12, (EDGE, EDGE))
    row, column = np.mgrid[-1:1:512j, -1:1:512j]
    body = np.where(row**2 + column**2 < 0.8, 40, -1000)
    paths = {}
    for number in range(count):
        item = ct_slice(number, (body + noise).astype(np.int16))
        if compressed:
            item.compress(JPEG2000Lossless, generate_instance_uid=False)
        path = folder / f"{number:04d}.dcm"
        dcmwrite(path, item, enforce_file_format=True)
        paths[SOPInstanceUID(item.SOPInstanceUID)] = path
    return series_of(instance_of(read_object(path, pixels=False)) for path in paths.values()), paths


def ct_slice(number: int, values: npt.NDArray[np.int16]) -> Dataset:
    """A CT slice of these values, at the position that its number says."""
    item = Dataset()
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item.SOPClassUID = item.file_meta.MediaStorageSOPClassUID = CTImageStorage
    item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = derived_uid("benchmark", "slice", str(number))
    item.StudyInstanceUID, item.SeriesInstanceUID = (
        derived_uid("benchmark", "study"),
        derived_uid("benchmark", "series"),
    )
    item.FrameOfReferenceUID = derived_uid("benchmark", "frame-of-reference")
    item.Modality, item.PatientName, item.PatientID = "CT", "Benchmark", "BENCHMARK"
    item.Manufacturer, item.InstanceNumber, item.ImageType = "Benchmark", number + 1, ["ORIGINAL", "PRIMARY", "AXIAL"]
    item.ImagePositionPatient, item.ImageOrientationPatient = [0, 0, number], [1, 0, 0, 0, 1, 0]
    item.PixelSpacing, item.SliceThickness = [0.7, 0.7], 1
    item.RescaleIntercept, item.RescaleSlope, item.RescaleType = 0, 1, "HU"
    item.Rows, item.Columns, item.SamplesPerPixel, item.PhotometricInterpretation = EDGE, EDGE, 1, "MONOCHROME2"
    item.BitsAllocated, item.BitsStored, item.HighBit, item.PixelRepresentation = 16, 16, 15, 1
    item.PixelData = values.tobytes()
    return item


def _timed(way: PixelSource, series: Series) -> float:
    start = time.perf_counter()
    way.read(series, InputKind.VOLUME)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
