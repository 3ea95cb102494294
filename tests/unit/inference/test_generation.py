"""Text generation on decoders whose best texts are known by construction."""

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.errors import ManifestInvalid, RuntimeMismatch
from appliance.domain.image import Array, GridImage, Prepared
from appliance.inference import generation
from appliance.inference.generation import Search, joined, run, search
from appliance.inference.strategies import STRATEGIES
from appliance.inference.strategy import TensorSpec

START, END = 1, 2
WORDS = ("<padding>", "<start>", "<end>", "No", "nodule", ".", "effusion", "is", "seen")


class FakeEncoder:
    """Gives the mean of the image as its states."""

    inputs = (TensorSpec(name="image", shape=(1, 1, None, None), dtype="tensor(float)"),)
    outputs = (TensorSpec(name="hidden", shape=(1, 1, 1), dtype="tensor(float)"),)
    metadata: Mapping[str, str] = {}

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        return {"hidden": feeds["image"].mean(keepdims=True).reshape(1, 1, 1)}


class FakeDecoder:
    """Logits follow from all tokens so far, which it knows from its cache alone, and from the encoder's states."""

    outputs = (
        TensorSpec(name="logits", shape=(1, None), dtype="tensor(float)"),
        TensorSpec(name="present_key", shape=(1, 1, None, 1), dtype="tensor(float)"),
    )
    metadata: Mapping[str, str] = {"vocabulary": json.dumps(WORDS)}

    def __init__(self, next_logits) -> None:
        self.next_logits = next_logits
        self.inputs = (
            TensorSpec(name="token", shape=(1, 1), dtype="tensor(int64)"),
            TensorSpec(name="encoder_states", shape=(1, 1, 1), dtype="tensor(float)"),
            TensorSpec(name="past_key", shape=(1, 1, None, 1), dtype="tensor(float)"),
        )

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        assert feeds["token"].shape == (1, 1)
        grown = np.concatenate([feeds["past_key"], feeds["token"].reshape(1, 1, 1, 1).astype(np.float32)], axis=2)
        so_far = tuple(int(token) for token in grown.ravel())
        logits = self.next_logits(so_far, float(feeds["encoder_states"].ravel()[0]))
        return {"logits": np.asarray(logits, dtype=np.float32)[np.newaxis], "present_key": grown}


def prepared(value: float = 0.0) -> Prepared:
    return Prepared(image=GridImage(values=np.full((1, 4, 4), value), to_source=np.eye(3), source_shape=(4, 4)))


def saying(*tokens: int):
    """A decoder that says `tokens` and then ends, whatever the image."""
    text = (START, *tokens, END)

    def logits(so_far: tuple[int, ...], _: float) -> Array:
        scores = np.zeros(len(WORDS))
        scores[text[len(so_far)]] = 5.0
        return scores

    return FakeDecoder(logits)


def generated(decoder: FakeDecoder, value: float = 0.0, **options) -> Mapping[str, Array]:
    return run({"encoder": FakeEncoder(), "decoder": decoder}, prepared(value), options)


def test_the_text_is_what_the_decoder_says_word_by_word() -> None:
    outputs = generated(saying(3, 4, 7, 8, 5))
    assert str(outputs["text"]) == "No nodule is seen."
    assert outputs["tokens"].tolist() == [3, 4, 7, 8, 5, END]
    confidence = np.exp(5) / (np.exp(5) + len(WORDS) - 1)
    assert np.allclose(outputs["token_scores"], confidence)


def test_the_encoder_decides_what_is_said() -> None:
    def by_image(so_far: tuple[int, ...], brightness: float) -> Array:
        scores = np.zeros(len(WORDS))
        scores[(6 if brightness > 0.5 else 4) if len(so_far) == 1 else END] = 3.0
        return scores

    assert str(generated(FakeDecoder(by_image), 0.0)["text"]) == "nodule"
    assert str(generated(FakeDecoder(by_image), 1.0)["text"]) == "effusion"


def garden_path(so_far: tuple[int, ...], _: float) -> Array:
    """Greedy takes 3, which leads nowhere good; 4 is a little less likely and then certain."""
    table = {(1,): {3: 0.6, 4: 0.4}, (1, 3): {5: 0.4, 6: 0.3, 7: 0.3}, (1, 4): {8: 1.0}}
    probabilities = np.full(len(WORDS), 1e-9)
    for token, probability in table.get(so_far, {END: 1.0}).items():
        probabilities[token] = probability
    return np.log(probabilities)


def test_beams_find_the_likelier_text_that_greedy_misses() -> None:
    assert generated(FakeDecoder(garden_path))["tokens"].tolist() == [3, 5, END]
    assert generated(FakeDecoder(garden_path), beams=2)["tokens"].tolist() == [4, 8, END]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_a_step_with_the_cache_equals_the_whole_text_without_it(seed: int, beams: int) -> None:
    weights = np.random.default_rng(seed).normal(size=(len(WORDS), len(WORDS)))

    def whole(so_far: tuple[int, ...]) -> Array:
        """All positions at once: what a decoder without a cache would give."""
        scores = weights[list(so_far)].sum(axis=0)
        scores[END] += 100.0 if len(so_far) == 9 else 0.0
        return scores

    best = generated(FakeDecoder(lambda so_far, _: whole(so_far)), beams=beams)
    tokens = (START, *best["tokens"].tolist())
    for position, score in enumerate(best["token_scores"]):
        logits = whole(tokens[: position + 1])
        assert score == pytest.approx(np.exp(logits[tokens[position + 1]]) / np.exp(logits).sum(), rel=1e-4)
    if beams == 1:
        assert all(whole(tokens[: n + 1]).argmax() == tokens[n + 1] for n in range(len(tokens) - 1))


def test_equal_scores_fall_to_the_lower_token_every_time() -> None:
    def undecided(so_far: tuple[int, ...], _: float) -> Array:
        scores = np.zeros(len(WORDS))
        scores[[5, 4, 8] if len(so_far) == 1 else [END]] = 2.0
        return scores

    for beams in (1, 3):
        texts = {str(generated(FakeDecoder(undecided), beams=beams)["text"]) for _ in range(3)}
        assert texts == {"nodule"}


def endless(so_far: tuple[int, ...], _: float) -> Array:
    """3 4 3 4 ... for ever; the end is the second choice."""
    scores = np.full(len(WORDS), -9.0)
    scores[3 + len(so_far) % 2], scores[END] = 2.0, 1.0
    return scores


def test_a_text_that_does_not_end_is_refused() -> None:
    with pytest.raises(RuntimeMismatch, match="within 20 tokens"):
        generated(FakeDecoder(endless), longest=20)


def test_a_run_of_tokens_is_not_repeated() -> None:
    tokens = generated(FakeDecoder(endless), longest=20, unrepeated=3)["tokens"].tolist()
    runs = [tuple(tokens[at : at + 3]) for at in range(len(tokens) - 2)]
    assert tokens[-1] == END
    assert len(set(runs)) == len(runs)
    assert len(tokens) > 4


def test_nothing_that_may_follow_is_an_error() -> None:
    nowhere = {"nowhere": np.zeros(0)}
    with pytest.raises(RuntimeMismatch, match="no token"):
        search(lambda _, cache: (np.full(3, -np.inf), cache), nowhere, Search(start=1, end=2))


@pytest.mark.parametrize("options", [{"beams": 0}, {"beams": 5}, {"longest": 0}, {"unrepeated": -1}, {"past": 3}])
def test_options_without_meaning_are_refused(options) -> None:
    with pytest.raises(ManifestInvalid):
        generated(saying(3), **options)


def test_a_decoder_with_other_names_is_named_by_options() -> None:
    decoder = saying(3, 5)
    foreign = {"token": "input_ids", "past_key": "cache_key"}
    known = {other: own for own, other in foreign.items()}
    inner, decoder.inputs = decoder.run, tuple(replace(i, name=foreign.get(i.name, i.name)) for i in decoder.inputs)
    decoder.run = lambda feeds: inner({known.get(name, name): value for name, value in feeds.items()})
    assert str(generated(decoder, token="input_ids", past="cache")["text"]) == "No."
    with pytest.raises(RuntimeMismatch, match="input_ids"):
        generated(decoder)


def test_a_vocabulary_that_is_missing_or_too_short_is_refused() -> None:
    decoder = saying(3, 8)
    decoder.metadata = {}
    with pytest.raises(RuntimeMismatch, match="vocabulary"):
        generated(decoder)
    decoder.metadata = {"vocabulary": json.dumps(WORDS[:5])}
    with pytest.raises(RuntimeMismatch, match="beyond its vocabulary"):
        generated(decoder)


def test_logits_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(RuntimeMismatch, match="not numbers"):
        generated(FakeDecoder(lambda so_far, _: np.full(len(WORDS), np.nan)))


def test_marks_attach_to_the_word_before() -> None:
    assert joined(["Findings", ":", "one", "(", "small", ")", ",", "left", "."]) == "Findings: one (small), left."
    assert joined([]) == ""


def test_the_strategy_is_offered_with_all_its_options() -> None:
    assert STRATEGIES["generation"] is generation.STRATEGY
    assert set(generation.STRATEGY.roles) == {"encoder", "decoder"}
