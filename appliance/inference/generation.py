"""Text from an image: an encoder once, then an autoregressive decoder with a key-value cache.

The decoder takes one token [1, 1], the encoder's states and the cache of all earlier positions, and gives the logits
of the next token and the grown cache. Which of its inputs are the cache is told by a prefix ("past"); the output that
replaces an input has the same name with another prefix ("present"). Batch is 1: each beam holds its own cache, which
suits decoders of a fixed batch and needs no reordering.

Greedy and beam search as in Freitag and Al-Onaizan, "Beam search strategies for neural machine translation" (2017);
hypotheses are compared by their mean log-probability, and ties fall to the lower token id, so that the same image
always gives the same text.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from appliance.domain.errors import ManifestInvalid, RuntimeMismatch
from appliance.domain.image import Array, Prepared
from appliance.domain.model_package import Option
from appliance.inference.strategy import Network, Networks, Strategy, TensorSpec, number, only_input

Cache = Mapping[str, Array]
Advance = Callable[[int, Cache], tuple[Array, Cache]]
"""One decoder step: the last token and the cache before it -> log-probabilities of the next token, and the cache."""

_NO_SPACE_BEFORE = frozenset(".,;:!?)%")
_NO_SPACE_AFTER = frozenset("(")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How the text is searched for; see `run` for the meaning of each."""

    start: int
    end: int
    longest: int = 128
    beams: int = 1
    unrepeated: int = 0

    def __post_init__(self) -> None:
        if not (1 <= self.beams <= 4 and self.longest >= 1 and self.unrepeated >= 0 and min(self.start, self.end) >= 0):
            raise ManifestInvalid("beams 1 to 4, longest from 1, unrepeated from 0", where="stages.options")


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """A text so far: tokens without the start token, log-probability of each, and the cache behind the last."""

    tokens: tuple[int, ...]
    scores: tuple[float, ...]
    cache: Cache = field(repr=False)
    complete: bool = False

    @property
    def mean_score(self) -> float:
        """Mean log-probability per token."""
        return sum(self.scores) / max(1, len(self.scores))


def run(networks: Networks, prepared: Prepared, options: Mapping[str, Option]) -> Mapping[str, Array]:
    """The text for one prepared image.

    Options: `start` and `end` (token ids), `longest` (tokens at most, 128), `beams` (1 = greedy, up to 4), `unrepeated`
    (no run of that many tokens occurs twice; 0 = off), `vocabulary` (metadata key of the decoder file that holds the
    words as a JSON list), and the decoder's names: `token`, `states`, `logits`, and the prefixes `past` and `present`.

    Returns "text" (0-d str), "tokens" (int64, the end token included) and "token_scores" (float32, the probability that
    the decoder gave each of them).
    Raises RuntimeMismatch when the networks do not fit together or the text does not end within `longest` (half a
    report is none), ManifestInvalid for an option without meaning.
    """
    encoder, decoder = networks["encoder"], networks["decoder"]
    image = np.ascontiguousarray(prepared.image.values, dtype=np.float32)[np.newaxis]
    states = encoder.run({only_input(encoder).name: image})[encoder.outputs[0].name]
    rules, words = _search(options), _words(decoder, _text(options, "vocabulary", "vocabulary"))
    advance, empty = _decoder_step(decoder, states, options)
    best = search(advance, empty, rules)
    if not best.complete:
        raise RuntimeMismatch(f"the text does not end within {rules.longest} tokens")
    if max(best.tokens) >= len(words):
        raise RuntimeMismatch(f"the decoder gave a token beyond its vocabulary of {len(words)} words")
    return {
        "text": np.array(joined([words[token] for token in best.tokens[:-1]])),
        "tokens": np.array(best.tokens, dtype=np.int64),
        "token_scores": np.exp(np.array(best.scores, dtype=np.float32)),
    }


def search(advance: Advance, empty: Cache, rules: Search) -> Hypothesis:
    """The best text by beam search; with one beam this is greedy decoding."""
    beams, finished = [Hypothesis((), (), empty)], list[Hypothesis]()
    while beams and len(finished) < rules.beams and len(beams[0].tokens) < rules.longest:
        grown = [new for beam in beams for new in _grown(beam, advance, rules)]
        grown.sort(key=lambda new: -sum(new.scores))
        kept = grown[: rules.beams]
        finished += [new for new in kept if new.complete]
        beams = [new for new in kept if not new.complete]
    candidates = finished or beams
    if not candidates:
        raise RuntimeMismatch("the decoder offers no token that may follow")
    return max(candidates, key=lambda new: new.mean_score)


def joined(words: Sequence[str]) -> str:
    """Words and marks as running text: a space between words, none before a full stop."""
    text = ""
    for word in words:
        glued = not text or word in _NO_SPACE_BEFORE or text[-1] in _NO_SPACE_AFTER
        text += word if glued else f" {word}"
    return text


def _grown(beam: Hypothesis, advance: Advance, rules: Search) -> list[Hypothesis]:
    """The best continuations of one hypothesis."""
    scores, cache = advance(beam.tokens[-1] if beam.tokens else rules.start, beam.cache)
    scores = scores.copy()
    scores[list(_repeating(beam.tokens, rules.unrepeated))] = -np.inf
    best = np.argsort(-scores, kind="stable")[: rules.beams]
    return [
        Hypothesis((*beam.tokens, int(token)), (*beam.scores, float(scores[token])), cache, int(token) == rules.end)
        for token in best
        if np.isfinite(scores[token])
    ]


def _repeating(tokens: tuple[int, ...], length: int) -> set[int]:
    """Tokens that would complete a run of `length` tokens that is already in `tokens`."""
    if length == 0:
        return set()
    tail = tokens[len(tokens) - length + 1 :] if length > 1 else ()
    starts = range(len(tokens) - length + 1)
    return {tokens[at + length - 1] for at in starts if tokens[at : at + length - 1] == tail}


def _decoder_step(decoder: Network, states: Array, options: Mapping[str, Option]) -> tuple[Advance, Cache]:
    """One step of the decoder as a function, and its empty cache."""
    token, states_input, logits, past, present = (
        _text(options, name, default)
        for name, default in (("token", "token"), ("states", "encoder_states"), ("logits", "logits"),
                              ("past", "past"), ("present", "present"))
    )  # fmt: skip
    cached = [spec for spec in decoder.inputs if spec.name.startswith(past)]
    grown = {spec.name: present + spec.name.removeprefix(past) for spec in cached}
    _check_names(decoder, {token, states_input} | grown.keys(), {logits, *grown.values()})

    def advance(last: int, cache: Cache) -> tuple[Array, Cache]:
        outputs = decoder.run({token: np.array([[last]], dtype=np.int64), states_input: states, **cache})
        return _log_probabilities(outputs[logits]), {name: outputs[source] for name, source in grown.items()}

    return advance, {spec.name: _empty(spec) for spec in cached}


def _check_names(decoder: Network, taken: set[str], given: set[str]) -> None:
    inputs, outputs = {spec.name for spec in decoder.inputs}, {spec.name for spec in decoder.outputs}
    if inputs != taken or not given <= outputs:
        raise RuntimeMismatch(
            f"the decoder takes {sorted(inputs)} and gives {sorted(outputs)}, "
            f"where the options expect {sorted(taken)} and {sorted(given)}"
        )


def _empty(spec: TensorSpec) -> Array:
    """A cache of no positions: a dynamic batch axis becomes 1, any other dynamic axis 0."""
    shape = tuple((1 if axis == 0 else 0) if size is None else size for axis, size in enumerate(spec.shape))
    return np.zeros(shape, dtype=np.float16 if "float16" in spec.dtype else np.float32)


def _log_probabilities(logits: Array) -> npt.NDArray[np.float64]:
    values = logits.reshape(-1, logits.shape[-1])[-1].astype(np.float64)
    if not np.isfinite(values).all():
        raise RuntimeMismatch("the decoder gave logits that are not numbers")
    shifted = values - values.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()))


def _words(decoder: Network, key: str) -> list[str]:
    try:
        words = json.loads(decoder.metadata[key])
    except (KeyError, json.JSONDecodeError) as error:
        raise RuntimeMismatch(f"the decoder file carries no vocabulary as metadata {key!r}") from error
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise RuntimeMismatch(f"metadata {key!r} of the decoder is not a list of words")
    return words


def _search(options: Mapping[str, Option]) -> Search:
    defaults = {"start": 1, "end": 2, "longest": 128, "beams": 1, "unrepeated": 0}
    return Search(**{name: int(number(options, name, default)) for name, default in defaults.items()})


def _text(options: Mapping[str, Option], name: str, default: str) -> str:
    value = options.get(name, default)
    if not isinstance(value, str):
        raise ManifestInvalid(f"`{name}` must be a text", where="stages.options")
    return value


OPTIONS = frozenset(
    {"start", "end", "longest", "beams", "unrepeated", "vocabulary", "token", "states", "logits", "past", "present"}
)

STRATEGY = Strategy(name="generation", roles=("encoder", "decoder"), options=OPTIONS, run=run)
