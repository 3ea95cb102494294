"""The network: a convolutional image encoder and a transformer decoder with a key-value cache.

Written with plain matrix products, so that the exported graph holds only operators that every provider has.
"""

from typing import Any

import torch
from torch import Tensor, nn

WIDTH, HEADS, LAYERS, FEED_FORWARD, LONGEST = 128, 4, 2, 512, 160
HEAD_WIDTH = WIDTH // HEADS
CELLS = 8 * 8
FINDING_CLASSES = (3, 3, 3, 3, 3, 3, 2, 3)
"""Classes of the auxiliary targets: nodules per zone (4), effusion per side (2), heart, catheter."""

Cache = tuple[Tensor, ...]
"""Key and value of each layer in turn, [batch, head, position, HEAD_WIDTH]."""


class Residual(nn.Module):
    """Two 3 x 3 convolutions with a short cut; `stride` halves the plane."""

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(),
            nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels_out),
        )
        same = stride == 1 and channels_in == channels_out
        self.short_cut = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, 1, stride)

    def forward(self, image: Tensor) -> Tensor:
        return torch.relu(self.body(image) + self.short_cut(image))


class Encoder(nn.Module):
    """image [batch, 1, 256, 256] in 0..1 -> encoder_states [batch, CELLS, WIDTH], one state per 32 x 32 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.halve = nn.AvgPool2d(2)
        self.stem = nn.Sequential(nn.Conv2d(1, 48, 7, 4, 3, bias=False), nn.BatchNorm2d(48), nn.ReLU())
        self.fine = nn.Sequential(Residual(48, 64, 2), Residual(64, 128, 2))
        self.coarse = nn.Sequential(Residual(128, 256, 2), nn.Conv2d(256, 128, 1), nn.Upsample(scale_factor=2))
        self.states = nn.Linear(256, WIDTH)
        self.position = nn.Parameter(torch.randn(1, CELLS, WIDTH) * 0.02)
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, image: Tensor) -> Tensor:
        fine = self.fine(self.stem((self.halve(image) - 0.45) * 4.0))
        planes = torch.cat([fine, self.coarse(fine)], 1)
        return self.norm(self.states(planes.flatten(2).transpose(1, 2)) + self.position)


class Attention(nn.Module):
    """Multi-head attention."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.out = nn.Linear(WIDTH, WIDTH)

    def heads(self, states: Tensor) -> Tensor:
        return states.view(states.shape[0], -1, HEADS, HEAD_WIDTH).transpose(1, 2)

    def forward(self, states: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        scores = self.heads(self.query(states)) @ key.transpose(2, 3) * HEAD_WIDTH**-0.5
        if mask is not None:
            scores = scores + mask
        merged = (scores.softmax(-1) @ value).transpose(1, 2).reshape(states.shape[0], -1, WIDTH)
        return self.out(merged)


class Layer(nn.Module):
    """Pre-norm decoder layer: attention to the text so far, to the image, and a feed-forward part."""

    def __init__(self) -> None:
        super().__init__()
        self.own, self.cross = Attention(), Attention()
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(3))
        self.feed = nn.Sequential(nn.Linear(WIDTH, FEED_FORWARD), nn.GELU(), nn.Linear(FEED_FORWARD, WIDTH))

    def forward(
        self, states: Tensor, image: Tensor, past: tuple[Tensor, Tensor] | None, mask: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        text = self.norms[0](states)
        key, value = self.own.heads(self.own.key(text)), self.own.heads(self.own.value(text))
        if past is not None:
            key, value = torch.cat([past[0], key], 2), torch.cat([past[1], value], 2)
        states = states + self.own(text, key, value, mask)
        image_key, image_value = self.cross.heads(self.cross.key(image)), self.cross.heads(self.cross.value(image))
        states = states + self.cross(self.norms[1](states), image_key, image_value)
        return states + self.feed(self.norms[2](states)), key, value


class Decoder(nn.Module):
    """Token ids and image states -> logits of the next token."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self.word = nn.Embedding(words, WIDTH)
        self.position = nn.Parameter(torch.randn(LONGEST, WIDTH) * 0.02)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, words)

    def forward(self, tokens: Tensor, image: Tensor) -> Tensor:
        """All positions at once, for training: tokens [batch, n] -> logits [batch, n, words]."""
        length = tokens.shape[1]
        mask = torch.full((length, length), -1e9).triu(1)
        states = self.word(tokens) + self.position[:length]
        for layer in self.layers:
            states, _, _ = layer(states, image, None, mask)
        return self.head(self.norm(states))

    def step(self, token: Tensor, image: Tensor, past: Cache) -> tuple[Tensor, Cache]:
        """One position: token [batch, 1] -> logits [batch, words] and the cache with this position added."""
        place = past[0].shape[2]
        states = self.word(token) + self.position[place : place + 1]
        present: list[Tensor] = []
        for index, layer in enumerate(self.layers):
            states, key, value = layer(states, image, (past[2 * index], past[2 * index + 1]), None)
            present += [key, value]
        return self.head(self.norm(states))[:, 0], tuple(present)


class Step(nn.Module):
    """`Decoder.step` as the module that is exported."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, token: Tensor, image: Tensor, *past: Tensor) -> tuple[Any, ...]:
        logits, present = self.decoder.step(token, image, past)
        return (logits, *present)


class FindingHeads(nn.Module):
    """Auxiliary classifiers that steady the training of the encoder; they are not exported."""

    def __init__(self) -> None:
        super().__init__()
        self.reduce = nn.Sequential(nn.Linear(WIDTH, 16), nn.ReLU(), nn.Flatten(), nn.Dropout(0.1))
        self.classes = nn.Linear(CELLS * 16, sum(FINDING_CLASSES))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.classes(self.reduce(image)).split(FINDING_CLASSES, dim=1))
