"""Train the demonstration report generator on renderings and write its checkpoint.

    python -m tools.train_report.train --out build/report.pt

Fixed seed; half an hour on a busy machine with two cores, a third of it for the renderings. Only renderings are used;
no image of a patient is read.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence

from appliance.node.samples.phantom_findings import PhantomFindings, Side, Size, Zone
from tools.train_report.dataset import TRAINING_SEED, Renderings, renderings
from tools.train_report.model import Decoder, Encoder, FindingHeads
from tools.train_report.vocabulary import PADDING, encoded, vocabulary

BATCH, PEAK_RATE, SEED = 32, 2e-3, 7


def finding_classes(findings: PhantomFindings) -> list[int]:
    """Targets of the auxiliary classifiers, in the order of FINDING_CLASSES."""
    nodules = {(item.side, item.zone): item.count for item in findings.nodules}
    effusions = {item.side: 1 + list(Size).index(item.size) for item in findings.effusions}
    zones = [nodules.get((side, zone), 0) for side in Side for zone in Zone]
    catheter = 0 if findings.catheter is None else 1 + list(Side).index(findings.catheter)
    return [*zones, *(effusions.get(side, 0) for side in Side), int(findings.enlarged_heart), catheter]


def batch_of(images: np.ndarray, random: np.random.Generator) -> Tensor:
    """Images as float32 [batch, 1, 256, 256], moved by up to 6 pixels and exposed a little differently."""
    moved = np.pad(images, ((0, 0), (6, 6), (6, 6)), mode="edge")
    row, column = random.integers(0, 13, 2)
    shifted = moved[:, row : row + 256, column : column + 256].astype(np.float32) / 255
    exposure = random.uniform(0.93, 1.07, (len(images), 1, 1)).astype(np.float32)
    return torch.from_numpy(np.clip(shifted * exposure, 0, 1))[:, None]


def train(data: Renderings, encoder_epochs: int, decoder_epochs: int) -> dict[str, object]:
    """The checkpoint: the encoder learns the findings, then the decoder learns to say what the encoder sees."""
    torch.manual_seed(SEED)
    words = vocabulary(data.texts)
    encoder, decoder = Encoder().to(memory_format=torch.channels_last), Decoder(len(words))
    train_encoder(encoder, data, encoder_epochs)
    train_decoder(decoder, encoder.eval(), data, words, decoder_epochs)
    return {"encoder": encoder.state_dict(), "decoder": decoder.state_dict(), "words": words}


def train_encoder(encoder: Encoder, data: Renderings, epochs: int) -> None:
    """Classify the findings from the encoder's states with heads that are thrown away afterwards."""
    random, heads = np.random.default_rng(SEED), FindingHeads()
    targets = torch.tensor([finding_classes(item) for item in data.findings])

    def loss(chosen: np.ndarray) -> Tensor:
        outputs = heads(encoder(batch_of(data.images[chosen], random)))
        return torch.stack([cross_entropy(out, targets[chosen, i]) for i, out in enumerate(outputs)]).mean()

    optimise("encoder", [*encoder.parameters(), *heads.parameters()], loss, len(targets), epochs)


def train_decoder(decoder: Decoder, encoder: Encoder, data: Renderings, words: tuple[str, ...], epochs: int) -> None:
    """Predict the next word of the ground-truth report from the frozen encoder's states."""
    states = encoded_images(encoder, data.images)
    texts = [torch.tensor(encoded(text, words)) for text in data.texts]

    def loss(chosen: np.ndarray) -> Tensor:
        tokens = pad_sequence([texts[i] for i in chosen], batch_first=True, padding_value=PADDING)
        logits = decoder(tokens[:, :-1], states[chosen].float())
        return cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=PADDING)

    optimise("decoder", [*decoder.parameters()], loss, len(texts), epochs)


@torch.no_grad()
def encoded_images(encoder: Encoder, images: np.ndarray) -> Tensor:
    """States of all images, without augmentation."""
    parts = [
        torch.from_numpy(images[at : at + 100].astype(np.float32) / 255)[:, None] for at in range(0, len(images), 100)
    ]
    return torch.cat([encoder(part).half() for part in parts])


def optimise(
    what: str, parameters: list[nn.Parameter], loss: Callable[[np.ndarray], Tensor], count: int, epochs: int
) -> None:
    """AdamW with one cycle of the learning rate over `epochs` shuffled passes."""
    random, begin, batches = np.random.default_rng(SEED), time.monotonic(), count // BATCH
    optimiser = torch.optim.AdamW(parameters, lr=PEAK_RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=epochs * batches, pct_start=0.2)
    for epoch in range(epochs):
        losses = []
        for chosen in np.array_split(random.permutation(count)[: batches * BATCH], batches):
            value = loss(chosen)
            optimiser.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            schedule.step()
            losses.append(float(value.detach()))
        elapsed = time.monotonic() - begin
        print(f"{what} epoch {epoch + 1}/{epochs}  loss {np.mean(losses):.4f}  {elapsed:.0f} s", flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=9000)
    parser.add_argument("--encoder-epochs", type=int, default=4)
    parser.add_argument("--decoder-epochs", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # small layers: a second thread gains little, and changes the sums
    data = renderings(TRAINING_SEED, arguments.count, processes=2)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(train(data, arguments.encoder_epochs, arguments.decoder_epochs), arguments.out)


if __name__ == "__main__":
    main()
