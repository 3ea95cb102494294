"""The vocabulary of steps: what is not in it is refused, and notes are handed on."""

import numpy as np
import pytest

from appliance.domain.errors import AnatomyNotFound, ManifestInvalid
from appliance.domain.model_package import Step
from appliance.preprocessing import STEP_OPTIONS, prepare
from appliance.preprocessing.grid import from_source, spacing_mm
from appliance.preprocessing.steps import apply
from tests.helpers.shapes import image
from tests.unit.preprocessing.grids import in_space

SOURCE = in_space((5, 6, 7))


@pytest.mark.parametrize(
    "step",
    [
        Step(name="sharpen"),
        Step(name="clip", options={"low": 0.0}),
        Step(name="clip", options={"low": 0.0, "high": 1.0, "mid": 0.5}),
        Step(name="clip", options={"low": "a", "high": "b"}),
        Step(name="resize", options={"shape": 5}),
        Step(name="resize", options={"shape": ("a", "b", "c")}),
        Step(name="to_rgb", options={"channels": 3}),
        Step(name="features", options={"names": ("skew",)}),
        Step(name="percentile_clip", options={"low": -5.0, "high": 200.0}),
    ],
)
def test_a_step_without_meaning_is_refused(step: Step) -> None:
    with pytest.raises(ManifestInvalid):
        apply(step, from_source(SOURCE), SOURCE, {})


def test_what_the_image_lacks_is_not_blamed_on_the_manifest() -> None:
    with pytest.raises(AnatomyNotFound):
        apply(Step(name="crop_to_body", options={"above": 1e9}), from_source(SOURCE), SOURCE, {})


def test_every_step_names_its_options() -> None:
    assert STEP_OPTIONS["clip"] == {"low", "high"}
    assert STEP_OPTIONS["fill_padding"] == {"value"}
    assert STEP_OPTIONS["recalled_clip"] == frozenset()
    assert all(isinstance(options, frozenset) for options in STEP_OPTIONS.values())


def test_notes_go_from_step_to_step_and_from_stage_to_stage() -> None:
    noting = (Step(name="percentile_clip", options={"low": 10.0, "high": 90.0}),)
    first = prepare(SOURCE, noting, focus=None, notes={"earlier": 1.0})
    assert set(first.notes) == {"earlier", "clip_low", "clip_high"}
    second = prepare(SOURCE, (Step(name="recalled_clip"),), focus=None, notes=first.notes)
    assert second.image.values.min() == pytest.approx(first.notes["clip_low"], rel=1e-6)
    with pytest.raises(TypeError):
        second.notes["new"] = 1.0  # type: ignore[index]


def test_a_source_becomes_a_grid_of_its_own_and_is_not_changed() -> None:
    before = SOURCE.voxels.copy()
    prepared = prepare(
        SOURCE, (Step(name="z_score"), Step(name="affine", options={"scale": 3.0})), focus=None, notes={}
    )
    assert np.array_equal(SOURCE.voxels, before)
    assert np.array_equal(prepared.image.to_source, np.eye(4))
    assert spacing_mm(prepared.image) == pytest.approx(SOURCE.spacing_mm)
    colour = image(np.zeros((4, 5, 3), dtype=np.uint8))
    assert from_source(colour).values.shape == (3, 4, 5)
    assert from_source(colour).source_shape == (4, 5)
    assert spacing_mm(from_source(colour)) == (1.0, 1.0)


def test_a_later_stage_starts_from_the_focus() -> None:
    part = from_source(in_space((2, 2, 2)))
    assert prepare(SOURCE, (), focus=part, notes={}).image is part
