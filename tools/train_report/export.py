"""Export the checkpoint as `encoder.onnx` and `decoder.onnx` with weights stored in half precision, and check both.

    python -m tools.train_report.export build/report.pt models_onnx/phantom-report/1.0.0

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
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tools.train_report.dataset import HELD_OUT_SEED, rendering
from tools.train_report.model import HEAD_WIDTH, HEADS, LAYERS, Decoder, Encoder, Step
from tools.train_report.vocabulary import END, START

OPSET, TOLERANCE, GOLDEN_POSITION = 17, 1e-4, 12
_PAST = [f"past_{part}_{layer}" for layer in range(LAYERS) for part in ("key", "value")]
_PRESENT = [name.replace("past", "present") for name in _PAST]
_KEPT_WHOLE = 256  # biases and norms are small, and stay in single precision


def load(checkpoint: Path) -> tuple[Encoder, Decoder, tuple[str, ...]]:
    """The networks ready for export: batch norms folded, and large weights rounded to half precision."""
    content = torch.load(checkpoint, weights_only=True)
    encoder, decoder = Encoder(), Decoder(len(content["words"]))
    encoder.load_state_dict(content["encoder"])
    decoder.load_state_dict(content["decoder"])
    _fold_norms(encoder.eval())
    for module in (encoder, decoder.eval()):
        module.requires_grad_(False)
        for weight in module.parameters():
            if weight.numel() > _KEPT_WHOLE:
                weight.copy_(weight.half().float())
    return encoder, decoder, tuple(content["words"])


def _fold_norms(module: nn.Module) -> None:
    """Every convolution takes in the batch norm that follows it."""
    for part in module.children():
        _fold_norms(part)
    if isinstance(module, nn.Sequential):
        for index in range(len(module) - 1):
            if isinstance(module[index], nn.Conv2d) and isinstance(module[index + 1], nn.BatchNorm2d):
                module[index] = fuse_conv_bn_eval(module[index], module[index + 1])
                module[index + 1] = nn.Identity()


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
    """Weights that half precision holds exactly are stored so, with a Cast behind; arithmetic stays single."""
    casts = []
    for weight in graph.graph.initializer:
        values = numpy_helper.to_array(weight)
        half = values.astype(np.float16)
        if values.dtype != np.float32 or values.size <= _KEPT_WHOLE or not np.array_equal(half, values):
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(half, f"{name}/half"))
        casts.append(helper.make_node("Cast", [f"{name}/half"], [name], name=f"{name}/cast", to=TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.graph.node.insert(0, cast)


@torch.no_grad()
def check(encoder: Encoder, decoder: Decoder, folder: Path) -> dict[str, np.ndarray]:
    """Run both files beside torch on a held-out rendering, and give the arrays of the golden case.

    The logits of each cached step are compared with torch's for the whole text at once, so one comparison shows that
    the files compute what torch does and that the cache changes nothing. Raises SystemExit above TOLERANCE.
    """
    sessions = {name: onnxruntime.InferenceSession(folder / f"{name}.onnx") for name in ("encoder", "decoder")}
    image = (rendering(HELD_OUT_SEED)[1].astype(np.float32) / 255)[np.newaxis, np.newaxis]
    expected = encoder(torch.from_numpy(image))
    states = sessions["encoder"].run(None, {"image": image})[0]
    differences = [float(np.abs(states - expected.numpy()).max())]
    tokens, cache, logits = [START], dict.fromkeys(_PAST, np.zeros((1, HEADS, 0, HEAD_WIDTH), np.float32)), []
    golden: dict[str, np.ndarray] = {"encoder/in/image": image, "encoder/out/encoder_states": states}
    while tokens[-1] != END and len(tokens) < 128:
        feeds = {"token": np.array([tokens[-1:]], np.int64), "encoder_states": states, **cache}
        outputs = dict(zip(["logits", *_PRESENT], sessions["decoder"].run(["logits", *_PRESENT], feeds), strict=True))
        if len(tokens) == GOLDEN_POSITION:
            golden |= {f"decoder/in/{name}": value for name, value in feeds.items()}
            golden |= {f"decoder/out/{name}": value for name, value in outputs.items()}
        logits.append(outputs["logits"][0])
        cache = {past: outputs[present] for past, present in zip(_PAST, _PRESENT, strict=True)}
        tokens.append(int(logits[-1].argmax()))
    whole = decoder(torch.tensor([tokens[:-1]]), expected)[0].numpy()
    differences.append(float(np.abs(np.stack(logits) - whole).max()))
    print(f"largest difference from torch: states {differences[0]:.2g}, logits {differences[1]:.2g}")
    if max(differences) > TOLERANCE:
        raise SystemExit("the exported files do not compute what torch does")
    return golden


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("package", type=Path)
    arguments = parser.parse_args()
    encoder, decoder, words = load(arguments.checkpoint)
    print(f"parameters: {sum(p.numel() for p in [*encoder.parameters(), *decoder.parameters()])}")
    export(encoder, decoder, words, arguments.package / "model")
    golden = arguments.package / "golden" / "rendering.npz"
    golden.parent.mkdir(exist_ok=True)
    np.savez_compressed(golden, **check(encoder, decoder, arguments.package / "model"))
    for path in [*sorted((arguments.package / "model").glob("*.onnx")), golden]:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        print(f"{path.relative_to(arguments.package)}  {path.stat().st_size} bytes  {digest}")


if __name__ == "__main__":
    main()
