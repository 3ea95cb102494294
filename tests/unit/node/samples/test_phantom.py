"""Renderings are repeatable, show what they say, and are valid radiographs."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from appliance.node.samples.phantom import SHAPE, render
from appliance.node.samples.phantom_dicom import MODEL_NAME, phantom_dataset, write_phantom
from appliance.node.samples.phantom_findings import (
    Effusion,
    Nodules,
    PhantomFindings,
    Side,
    Size,
    Zone,
    conclusions,
    draw_findings,
    report_text,
    statements,
)

NORMAL = PhantomFindings()
SEVERAL = PhantomFindings(
    nodules=(Nodules(Side.RIGHT, Zone.UPPER, 2), Nodules(Side.LEFT, Zone.LOWER, 1)),
    effusions=(Effusion(Side.LEFT, Size.SMALL),),
    enlarged_heart=True,
    catheter=Side.RIGHT,
)


def added_by(findings: PhantomFindings, seed: int = 5) -> np.ndarray:
    """Where a finding makes the picture of the same anatomy brighter, as (mean column, mean row, pixels)."""
    brighter = _smooth(render(findings, seed)) - _smooth(render(NORMAL, seed)) > 0.06
    rows, columns = np.nonzero(brighter)
    return np.array([columns.mean(), rows.mean(), len(rows)])


def _smooth(image: np.ndarray) -> np.ndarray:
    return image.reshape(64, 4, 64, 4).mean(axis=(1, 3)).repeat(4, axis=0).repeat(4, axis=1)


def test_the_same_seed_draws_the_same_picture() -> None:
    first = render(SEVERAL, 3)
    assert first.shape == SHAPE
    assert first.dtype == np.float32
    assert first.min() >= 0
    assert first.max() <= 1
    assert np.array_equal(first, render(SEVERAL, 3))
    assert not np.array_equal(first, render(SEVERAL, 4))


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("zone", Zone)
def test_a_nodule_lies_on_its_side_and_in_its_zone(side: Side, zone: Zone) -> None:
    column, row, pixels = added_by(PhantomFindings(nodules=(Nodules(side, zone, 1),)))
    assert (column < 128) == (side is Side.RIGHT), "the patient's right is on the left of the image"
    assert (row < 120) == (zone is Zone.UPPER)
    assert 40 < pixels < 400


@pytest.mark.parametrize("side", Side)
def test_an_effusion_fills_the_base_of_its_side_and_a_large_one_more_of_it(side: Side) -> None:
    small = added_by(PhantomFindings(effusions=(Effusion(side, Size.SMALL),)))
    large = added_by(PhantomFindings(effusions=(Effusion(side, Size.LARGE),)))
    for column, row, _ in (small, large):
        assert (column < 128) == (side is Side.RIGHT)
        assert row > 128
    assert large[2] > 3 * small[2]


def test_an_enlarged_heart_is_wider_than_a_normal_one() -> None:
    column, row, pixels = added_by(PhantomFindings(enlarged_heart=True))
    assert 100 < column < 200
    assert row > 110
    assert pixels > 1500


def test_findings_follow_from_the_seed_and_all_kinds_occur() -> None:
    drawn = [draw_findings(np.random.default_rng(seed)) for seed in range(300)]
    assert drawn == [draw_findings(np.random.default_rng(seed)) for seed in range(300)]
    assert {n for item in drawn for n in item.nodules} == {
        Nodules(side, zone, count) for side in Side for zone in Zone for count in (1, 2)
    }
    assert {e for item in drawn for e in item.effusions} == {Effusion(side, size) for side in Side for size in Size}
    assert {item.catheter for item in drawn} == {None, *Side}
    assert NORMAL in drawn
    for item in drawn:
        drowned = {e.side for e in item.effusions if e.size is Size.LARGE}
        assert not any(n.side in drowned and n.zone is Zone.LOWER for n in item.nodules)


def test_the_report_says_what_is_there_and_what_is_not() -> None:
    assert statements(NORMAL) == (
        "No nodule is seen.",
        "No pleural effusion is seen.",
        "The cardiac silhouette is normal.",
        "No catheter is seen.",
    )
    assert conclusions(NORMAL) == ("Normal phantom.",)
    assert report_text(SEVERAL) == (
        "Findings: There are two nodules in the right upper zone. There is one nodule in the left lower zone. "
        "There is a small left pleural effusion. The cardiac silhouette is enlarged. "
        "A central venous catheter enters from the right. "
        "Impression: Two nodules in the right upper zone. One nodule in the left lower zone. "
        "Small left pleural effusion. Enlarged cardiac silhouette. Central venous catheter in place."
    )


def test_different_findings_never_read_the_same() -> None:
    drawn = {draw_findings(np.random.default_rng(seed)) for seed in range(400)}
    assert len({report_text(item) for item in drawn}) == len(drawn)


def test_the_file_says_what_it_is_and_holds_the_picture(tmp_path: Path) -> None:
    dataset = dcmread(write_phantom(tmp_path, SEVERAL, 3))
    assert dataset.ManufacturerModelName == MODEL_NAME
    assert str(dataset.PatientName) == "PHANTOM^REPORT"
    assert dataset.SeriesDescription == "RENDERED PHANTOM"
    assert dataset.ImageComments == report_text(SEVERAL)
    assert np.abs(dataset.pixel_array / 4095 - render(SEVERAL, 3)).max() <= 0.5 / 4095 + 1e-6


def test_the_same_phantom_gives_the_same_file_and_another_other_uids(tmp_path: Path) -> None:
    first = write_phantom(tmp_path / "a", SEVERAL, 3)
    assert first.read_bytes() == write_phantom(tmp_path / "b", SEVERAL, 3).read_bytes()
    uids = {str(phantom_dataset(f, s).StudyInstanceUID) for f, s in ((SEVERAL, 3), (SEVERAL, 4), (NORMAL, 3))}
    assert len(uids) == 3


def test_the_object_is_a_valid_digital_x_ray_image(tmp_path: Path) -> None:
    path = write_phantom(tmp_path, SEVERAL, 3)
    said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    assert "DXImageForPresentation" in said.stderr
    assert "Error" not in said.stderr
