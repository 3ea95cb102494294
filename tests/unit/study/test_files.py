"""Folders and archives of objects: found, guarded, told apart."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from appliance.domain.errors import InputTooLarge, UidContested, UnreadableObject
from appliance.domain.model_package import InputKind
from appliance.study.files import open_input
from appliance.study.objects import ReadLimits
from appliance.study.reader import FilePixelSource
from tests.helpers.dicom_builder import blob_phantom, ct_series, mr_series, save


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "a study"
    save(ct_series(blob_phantom(), seed="s/ct", SeriesNumber=0), folder / "deep" / "ct")
    save(mr_series(blob_phantom(), seed="s/mr"), folder / "mr")
    (folder / "README.txt").write_text("not DICOM")
    return folder


def packed(folder: Path, name: str) -> Path:
    archive = folder.parent / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
            for path in folder.rglob("*.*"):
                opened.write(path, path.relative_to(folder))
    else:
        with tarfile.open(archive, f"w:{name.rsplit('.', 1)[1]}" if not name.endswith(".tar") else "w") as opened:
            opened.add(folder, arcname="study")
    return archive


@pytest.mark.parametrize("name", ["", "a.zip", "a.tar", "a.tar.gz", "a.tar.xz"])
def test_one_study_however_it_is_packed(name: str, folder: Path) -> None:
    with open_input(packed(folder, name) if name else folder) as found:
        (study,) = found.studies()
        assert [(series.modality, len(series.instances)) for series in study.series] == [("CT", 14), ("MR", 14)]
        assert [left.reason for left in found.left_out] == ["not a DICOM object"]
        assert found.left_out[0].refusal is None
        assert found.left_out[0].name.endswith("README.txt")
        images = FilePixelSource(found.paths).read(study.series[0], InputKind.VOLUME)
        assert len(images.headers) == 14


def test_one_file(folder: Path) -> None:
    with open_input(folder / "mr" / "00003.dcm") as found:
        assert len(found.instances) == 1


def test_copies_count_once(folder: Path) -> None:
    item = mr_series(blob_phantom(), seed="s/mr")[0]
    item.file_meta.ImplementationVersionName = "ANOTHER"
    save([item], folder / "copies")
    (folder / "again.dcm").write_bytes((folder / "mr" / "00001.dcm").read_bytes())
    with open_input(folder) as found:
        assert len(found.instances) == 28
        assert [left.reason for left in found.left_out].count("the same object again") == 2


def test_contradicting_copies_are_not_trusted(folder: Path) -> None:
    for number in (1, 2):
        item = mr_series(blob_phantom(), seed="s/mr")[0]
        item.EchoTime = number
        save([item], folder / f"other{number}")
    with open_input(folder) as found:
        assert len(found.instances) == 27
        refused = [left for left in found.left_out if left.refusal is not None]
        assert len(refused) == 3
        assert all(isinstance(left.refusal, UidContested) for left in refused)
        assert all("/" in left.name for left in refused)


def test_a_damaged_object_is_named(folder: Path) -> None:
    path = folder / "mr" / "00000.dcm"
    path.write_bytes(path.read_bytes()[:140])
    with open_input(folder) as found:
        assert [left.name for left in found.left_out if left.refusal is not None] == ["mr/00000.dcm"]


def test_links_are_not_followed(folder: Path) -> None:
    (folder / "mr" / "link.dcm").symlink_to(folder / "mr" / "00000.dcm")
    with open_input(folder) as found:
        assert len(found.left_out) == 1


def test_names_in_an_archive_are_no_paths(folder: Path) -> None:
    content = (folder / "mr" / "00000.dcm").read_bytes()
    archive = folder.parent / "evil.tar"
    with tarfile.open(archive, "w") as opened:
        for name in ("../../escaped.dcm", "/tmp/absolute.dcm"):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("link.dcm")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        opened.addfile(link)
    with open_input(archive) as found:
        (path,) = found.paths.values()
        assert path.name == "000000"
        assert path.parent.name.startswith("appliance-")
    assert not path.exists()
    assert not (folder.parent.parent / "escaped.dcm").exists()


@pytest.mark.parametrize("name", ["a.zip", "a.tar.xz"])
def test_an_archive_above_the_limits_is_refused(name: str, folder: Path) -> None:
    archive = packed(folder, name)
    for limits in (ReadLimits(archive_members=5), ReadLimits(series_bytes=5000), ReadLimits(file_bytes=500)):
        with pytest.raises(InputTooLarge), open_input(archive, limits=limits):
            pass


def test_a_folder_with_too_many_files_is_refused(folder: Path) -> None:
    with pytest.raises(InputTooLarge), open_input(folder, limits=ReadLimits(archive_members=5)):
        pass


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.tar.xz"])
def test_a_damaged_archive_is_refused(name: str, folder: Path) -> None:
    archive = packed(folder, name)
    content = bytearray(archive.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)
    archive.write_bytes(content)
    with pytest.raises(UnreadableObject), open_input(archive):
        pass


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableObject), open_input(tmp_path / "absent"):
        pass
    with open_input(tmp_path) as found:
        assert found.studies() == ()
