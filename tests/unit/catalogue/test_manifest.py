"""A manifest is read strictly, and what is wrong with it is said in words."""

from pathlib import Path

import pytest

from appliance.catalogue.manifest import Vocabulary, parse_manifest
from appliance.domain.errors import ManifestInvalid
from appliance.domain.model_package import InputKind, Role, Status

VOCABULARY = Vocabulary(
    steps={"clip": frozenset({"low", "high"}), "orient": frozenset({"axes"})},
    strategies={"single_pass": frozenset({"output"}), "sliding_window": frozenset({"overlap"})},
    families={"segmentation": frozenset({"threshold"}), "classification": frozenset()},
    focus=frozenset({"threshold", "margin"}),
    pattern_problem=lambda pattern: "no" if "(" in pattern and ")" not in pattern else None,
)

MANIFEST = """
schema = 1

[package]
name = "spleen"
version = "1.2.0"
title = "Spleen on CT"
manufacturer = "Example"
licence = "MIT"
intended_use = "Tests of the manifest reader."
status = "investigational"

[input]
kind = "volume"

[selection]
required = [{ keyword = "Modality", one_of = ["CT"] }]
preferred = [{ keyword = "SeriesDescription", matches = "(?i)portal", weight = 2.0 }]

[files]
model = { path = "weights/spleen.onnx", sha256 = "SHA" }

[[stages]]
name = "spleen"
networks = { model = "model" }
strategy = "single_pass"
steps = [{ step = "orient", axes = "RAS" }, { step = "clip", low = -160.0, high = 240.0 }]
focus = { threshold = 0.5 }

[findings]
family = "segmentation"
options = { threshold = 0.5 }

[[findings.labels]]
value = 1
name = "Spleen"
category = ["91723000", "SCT", "Anatomical Structure"]
property_type = ["78961009", "SCT", "Spleen"]
colour = [157, 108, 162]

[results]
kinds = ["SEG", "SR"]
""".replace("SHA", "ab" * 32)


def write(folder: Path, text: str) -> Path:
    file = folder / "manifest.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_valid_manifest_becomes_a_package(tmp_path: Path) -> None:
    package = parse_manifest(write(tmp_path, MANIFEST), VOCABULARY)
    assert package.identity == "spleen@1.2.0"
    assert package.status is Status.INVESTIGATIONAL
    assert package.role is Role.ANALYSIS
    assert package.input_kind is InputKind.VOLUME
    assert package.stages[0].steps[1].options == {"low": -160.0, "high": 240.0}
    assert package.labels[0].property_type.value == "78961009"
    assert package.selection.preferred[0][1] == 2.0
    assert package.folder == tmp_path
    assert len(package.manifest_sha256) == 64


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('title = "Spleen on CT"', 'tittle = "Spleen on CT"'), "did you mean 'title'?"),
        (("[results]", "[result]"), "did you mean 'results'?"),
        (("colour = [157, 108, 162]", "color = [157, 108, 162]"), "did you mean 'colour'?"),
        (('keyword = "Modality"', 'keyvord = "Modality"'), "did you mean 'keyword'?"),
        (('"single_pass"', '"single-pass"'), "did you mean 'single_pass'?"),
        (('step = "clip"', 'step = "clipp"'), "did you mean 'clip'?"),
        (("low = -160.0", "lows = -160.0"), "did you mean 'low'?"),
        (('family = "segmentation"', 'family = "segmentatoin"'), "did you mean 'segmentation'?"),
        (("options = { threshold = 0.5 }", "options = { treshold = 0.5 }"), "did you mean 'threshold'?"),
        (("focus = { threshold = 0.5 }", "focus = { margins = 0.5 }"), "did you mean 'margin'?"),
        (('networks = { model = "model" }', 'networks = { model = "modell" }'), "did you mean 'model'?"),
        (('version = "1.2.0"', 'version = "one"'), "package.version"),
        (('path = "weights/spleen.onnx"', 'path = "../spleen.onnx"'), "files.model.path"),
        (('matches = "(?i)portal"', 'matches = "(portal"'), "no regular expression"),
        (("schema = 1", "schema = 2"), "schema"),
        (("[input]", "[input"), "not valid TOML"),
    ],
)
def test_what_is_wrong_is_named_with_the_nearest_known_key(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    assert change[0] in MANIFEST
    with pytest.raises(ManifestInvalid) as caught:
        parse_manifest(write(tmp_path, MANIFEST.replace(*change, 1)), VOCABULARY)
    assert said in caught.value.what
    assert caught.value.where.endswith("manifest.toml")
