"""12-bit JPEG Extended goes through DCMTK when a transcoder is given."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from appliance.domain.errors import PixelsDamaged, UnsupportedTransferSyntax
from appliance.domain.model_package import InputKind
from appliance.study.headers import instance_of, series_of
from appliance.study.objects import read_object
from appliance.study.reader import FilePixelSource
from appliance.study.transcoding import dcmdjpeg

needs_dcmtk = pytest.mark.skipif(shutil.which("dcmdjpeg") is None, reason="DCMTK is not installed")


@needs_dcmtk
@pytest.mark.shared
@pytest.mark.parametrize("name", ["MR1", "NM1"])
def test_a_twelve_bit_jpeg_is_read_through_dcmtk(shared_data: Path, name) -> None:
    folder = shared_data / "transfer-syntaxes" / "wg04"
    read = []
    for path in (folder / f"{name}_JPLY", folder / f"{name}_UNC"):
        instance = instance_of(read_object(path, pixels=False))
        source = FilePixelSource({instance.sop_instance_uid: path}, transcode=dcmdjpeg)
        read.append(source.read(series_of([instance]), InputKind.IMAGE).sources[0].pixels)
    assert np.abs(read[0] - read[1]).mean() < 0.02 * np.ptp(read[1])


@needs_dcmtk
def test_what_dcmtk_cannot_decode_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.dcm"
    path.write_bytes(bytes(128) + b"DICM" + bytes(50))
    with pytest.raises(PixelsDamaged):
        dcmdjpeg(path)


def test_without_dcmtk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnsupportedTransferSyntax, match="not installed"):
        dcmdjpeg(tmp_path / "any.dcm")
