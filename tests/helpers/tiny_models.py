"""Complete model packages with graphs of a few nodes: real files, real runtime, no training.

write_threshold_package(models, name="blob")     # the bright blob of the phantom, as a segmentation
write_modality_gate(models)                      # a stop gate that believes every CT is MR
"""

import hashlib
import itertools
from pathlib import Path

import onnx
from onnx import TensorProto, helper

MANIFEST = """
schema = 1

[package]
name = "{name}"
version = "{version}"
title = "{title}"
manufacturer = "Tests"
licence = "Apache-2.0"
intended_use = "Automated tests; no clinical meaning."
status = "demonstration"
role = "{role}"

[input]
kind = "volume"

[selection]
required = [
  {{ keyword = "Modality", one_of = ["{modality}"] }},
  {{ keyword = "NumberOfSlices", minimum = 3.0 }},
]
{selection}

[files]
model = {{ path = "model.onnx", sha256 = "{sha256}" }}

[[stages]]
name = "only"
networks = {{ model = "model" }}
strategy = "single_pass"
steps = [{steps}]

[findings]
family = "{family}"
options = {{ {options} }}
{labels}

[results]
kinds = ["SEG", "SR"]
"""

BLOB_LABEL = """
[[findings.labels]]
value = 0
name = "Liver"
category = ["91723000", "SCT", "Anatomical Structure"]
property_type = ["10200004", "SCT", "Liver"]
colour = [221, 130, 101]
"""


def write_threshold_package(
    models: Path,
    name: str = "blob",
    version: str = "1.0.0",
    *,
    threshold: float = 200.0,
    modality: str = "CT",
    steps: str = "",
    toil: int = 0,
) -> Path:
    """A segmentation of every voxel above `threshold`, labelled as liver. Returns the package folder.

    `steps` are the entries of the manifest's list of preprocessing steps; `toil` convolutions cost time that grows
    with the volume, and change nothing.
    """
    return _write(
        models,
        _threshold_graph(threshold, toil),
        name=name,
        version=version,
        title=f"Voxels above {threshold:g}",
        role="analysis",
        modality=modality,
        selection="",
        steps=steps,
        family="segmentation",
        options='output = "probability"',
        labels=BLOB_LABEL,
    )


def write_modality_gate(models: Path, *, probability_of_mr: float) -> Path:
    """A CT-or-MR gate that always answers `probability_of_mr`. Returns the package folder."""
    return _write(
        models,
        _constant_graph(probability_of_mr),
        name="modality-gate",
        version="1.0.0",
        title="Constant opinion on CT or MR",
        role="gate-stop",
        modality="CT",
        selection="every_series = true",
        steps='{ step = "features", names = ["mean", "std", "min", "max"] }',
        family="modality",
        options="",
        labels="",
    )


def write_graph(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: dict[str, list[int | str]],
    outputs: dict[str, list[int | str]],
    metadata: dict[str, str] | None = None,
) -> str:
    """A float32 graph of these nodes as a file. Returns its sha256."""
    tensors = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in group.items()]
        for group in (inputs, outputs)
    ]
    graph = helper.make_graph(nodes, "tiny", *tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata or {})
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _write(models: Path, graph: onnx.ModelProto, **values: str) -> Path:
    folder = models / values["name"] / values["version"]
    folder.mkdir(parents=True)
    content = graph.SerializeToString()
    (folder / "model.onnx").write_bytes(content)
    text = MANIFEST.format(**values, sha256=hashlib.sha256(content).hexdigest())
    (folder / "manifest.toml").write_text(text, encoding="utf-8")
    return folder


def _model(
    nodes: list[onnx.NodeProto], graph_in: onnx.ValueInfoProto, graph_out: onnx.ValueInfoProto
) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "tiny", [graph_in], [graph_out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def _threshold_graph(threshold: float, toil: int) -> onnx.ModelProto:
    shape = [1, 1, "slice", "row", "column"]
    limit = helper.make_tensor("limit", TensorProto.FLOAT, [], [threshold])
    kernel = helper.make_tensor("kernel", TensorProto.FLOAT, [1, 1, 5, 5, 5], [1 / 125] * 125)
    nothing = helper.make_tensor("nothing", TensorProto.FLOAT, [], [0.0])
    names = ["image", *(f"toil-{number}" for number in range(toil))]
    nodes = [
        helper.make_node("Constant", [], ["limit"], value=limit),
        helper.make_node("Constant", [], ["kernel"], value=kernel),
        helper.make_node("Constant", [], ["nothing"], value=nothing),
        *(
            helper.make_node("Conv", [before, "kernel"], [after], pads=[2] * 6)
            for before, after in itertools.pairwise(names)
        ),
        helper.make_node("Mul", [names[-1], "nothing"], ["nought"]),
        helper.make_node("Add", ["image", "nought"], ["unchanged"]),
        helper.make_node("Greater", ["unchanged", "limit"], ["above"]),
        helper.make_node("Cast", ["above"], ["probability"], to=TensorProto.FLOAT),
    ]
    return _model(
        nodes,
        helper.make_tensor_value_info("image", TensorProto.FLOAT, shape),
        helper.make_tensor_value_info("probability", TensorProto.FLOAT, shape),
    )


def _constant_graph(value: float) -> onnx.ModelProto:
    zero = helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0])
    opinion = helper.make_tensor("opinion", TensorProto.FLOAT, [], [value])
    nodes = [
        helper.make_node("Constant", [], ["zero"], value=zero),
        helper.make_node("Constant", [], ["opinion"], value=opinion),
        helper.make_node("ReduceMean", ["features"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "opinion"], ["vote"]),
    ]
    return _model(
        nodes,
        helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, 4]),
        helper.make_tensor_value_info("vote", TensorProto.FLOAT, [1, 1]),
    )
