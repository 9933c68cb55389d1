"""How texts are sought word by word: greedy, drawn, and beam search, each one loop of `keras.ops`.

What the loops ask is a `Step`; `firstlight.systems.decoder` makes it of a network and compiles the loop.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from keras import ops

from firstlight.data.vocabulary import END, PAD, START
from firstlight.errors import FirstlightError

__all__ = ["Search", "Step", "Tensors", "beam_search", "sample"]

_FORBIDDEN = -1e9
"""A log-probability that loses against every other and still leaves room to add to in float32."""

Tensors = dict[str, Any]
Step = Callable[[Any, Any, Tensors], tuple[Any, Tensors]]
"""`step(words (rows, 1), position, states) -> (logits (rows, vocabulary), new states)`."""


@dataclass(frozen=True)
class Search:
    """How a text is sought. All lengths count words, without the end of the sentence.

    Args:
        beam_width: hypotheses kept at each step; 1 is greedy.
        maximum_length: no text is longer.
        minimum_length: no text is shorter.
        length_penalty: hypotheses are ranked by log-probability / length**length_penalty; 0 ranks by probability.
        no_repeat: no run of this many words occurs twice in a text; 0 allows any.
        temperature: 0 seeks the best text; above 0 draws words from softmax(logits / temperature).
        top_k: when drawing, only the k most probable words; 0 allows all.
        top_p: when drawing, only the smallest set of words with this probability together.
    """

    beam_width: int = 3
    maximum_length: int = 20
    minimum_length: int = 1
    length_penalty: float = 1.0
    no_repeat: int = 0
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        expected = {
            "beam_width": (self.beam_width >= 1, "1 or more"),
            "minimum_length": (0 <= self.minimum_length <= self.maximum_length, "0 .. maximum_length"),
            "maximum_length": (self.maximum_length >= 1, "1 or more"),
            "length_penalty": (self.length_penalty >= 0, "0 or more"),
            "no_repeat": (self.no_repeat >= 0, "0 (off) or more"),
            "temperature": (self.temperature >= 0, "0 (no drawing) or more"),
            "top_k": (self.top_k >= 0, "0 (off) or more"),
            "top_p": (0 < self.top_p <= 1, "above 0, at most 1"),
        }
        for name, (right, wanted) in expected.items():
            if not right:
                raise FirstlightError(f"Expected {name} to be {wanted}. Received {name}={asdict(self)[name]}.")
        if self.temperature and self.beam_width > 1:
            raise FirstlightError(
                f"Expected either a beam or drawing. Received beam_width={self.beam_width} and "
                f"temperature={self.temperature}. Pass beam_width=1 to draw, or temperature=0 to search."
            )


def _repeated(tokens: Any, position: Any, size: int, vocabulary: int) -> Any:
    """Which words would complete a run of `size` words that the text already holds: (rows, vocabulary) of 0 or 1.

    Args:
        tokens: (rows, length) words so far, `PAD` from `position` on.
        position: how many words there are.
        size: length of the run; 1 forbids every word that occurred.
        vocabulary: number of words.
    """
    length = tokens.shape[1]
    places = ops.arange(length)
    match = ops.cast(ops.expand_dims(places, 0) < position, "int32") * ops.ones_like(tokens)
    for back in range(1, size):
        latest = ops.take(tokens, ops.maximum(position - back, 0), axis=1)
        earlier = ops.roll(tokens, back, axis=1)
        usable = ops.logical_and(places >= back, position >= size - 1)
        match = match * ops.cast(ops.logical_and(earlier == ops.expand_dims(latest, 1), usable), "int32")
    marks = ops.one_hot(tokens, vocabulary) * ops.cast(ops.expand_dims(match, -1), "float32")
    return ops.max(marks, axis=1)


def _choices(logits: Any, tokens: Any, position: Any, search: Search) -> tuple[Any, Any]:
    """Logits (rows, vocabulary) of the next word with what may not be said forbidden, and their normalizer (rows, 1).

    A log-probability is a logit less the normalizer. Padding, the unknown word and the start are never said; the end
    not before `minimum_length` words, and nothing but the end after `maximum_length`.
    """
    logits = ops.cast(logits, "float32")
    vocabulary = logits.shape[-1]
    words = ops.arange(vocabulary)
    never = ops.logical_and(words <= START, words != END)
    too_early = ops.logical_and(words == END, position < search.minimum_length)
    too_late = ops.logical_and(words != END, position >= search.maximum_length)
    forbidden = ops.logical_or(never, ops.logical_or(too_early, too_late))
    normalizer = ops.logsumexp(logits, axis=-1, keepdims=True)
    if search.no_repeat:
        again = _repeated(tokens, position, search.no_repeat, vocabulary)
        forbidden = ops.logical_or(forbidden, ops.logical_and(again > 0, words != END))
    return ops.where(forbidden, _FORBIDDEN, logits), normalizer


def beam_search(step: Step, states: Tensors, batch: int, search: Search) -> tuple[Any, Any, Any]:
    """The best texts under the network, `beam_width` hypotheses side by side; greedy when the width is 1.

    A finished hypothesis stays in the beam and competes by log-probability / length**length_penalty, where the
    length counts the end of the sentence (Wu et al. 2016, section 7, with their length penalty in its plain form).

    Args:
        step: the network, see `Step`; rows are batch * beam_width, the hypotheses of an image next to each other.
        states: what the network carries, (batch * beam_width, ...).
        batch: number of images.
        search: the settings.

    Returns:
        tokens (batch, beam_width, maximum_length + 1), summed log-probabilities and lengths with the end
        (batch, beam_width), the best hypothesis first.
    """
    width, limit = search.beam_width, search.maximum_length + 1
    tokens = ops.zeros((batch, width, limit), "int32")
    scores = ops.concatenate([ops.zeros((batch, 1)), ops.full((batch, width - 1), _FORBIDDEN)], axis=1)
    lengths = ops.zeros((batch, width), "float32")
    last = ops.full((batch, width), START, "int32")
    # A finished hypothesis has one continuation, padding, at no cost.
    stay = ops.concatenate([ops.zeros((1,)), ops.full((width - 1,), _FORBIDDEN)], axis=0)
    places = ops.arange(limit)
    first_row = ops.expand_dims(ops.arange(batch) * width, 1)

    def ended(last: Any) -> Any:
        return ops.logical_or(last == END, last == PAD)

    def unfinished(position: Any, tokens: Any, scores: Any, lengths: Any, last: Any, states: Tensors) -> Any:
        return ops.logical_and(position < limit, ops.logical_not(ops.all(ended(last))))

    def extend(position: Any, tokens: Any, scores: Any, lengths: Any, last: Any, states: Tensors) -> tuple[Any, ...]:
        logits, states = step(ops.reshape(last, (batch * width, 1)), position, states)
        flat = ops.reshape(tokens, (batch * width, limit))
        choices, normalizer = _choices(logits, flat, position, search)
        best, words = ops.top_k(choices, width)
        best = ops.reshape(best - normalizer, (batch, width, width))
        words = ops.reshape(words, (batch, width, width))
        done = ops.expand_dims(ended(last), -1)
        totals = ops.expand_dims(scores, -1) + ops.where(done, stay, best)
        words = ops.where(done, PAD, words)
        grown = ops.expand_dims(lengths, -1) + ops.where(done, 0.0, 1.0)
        ranks = ops.reshape(totals / ops.power(grown, search.length_penalty), (batch, width * width))
        _, chosen = ops.top_k(ranks, width)
        parents = chosen // width
        scores = ops.take_along_axis(ops.reshape(totals, (batch, width * width)), chosen, axis=1)
        last = ops.take_along_axis(ops.reshape(words, (batch, width * width)), chosen, axis=1)
        lengths = ops.take_along_axis(lengths, parents, axis=1) + ops.where(
            ops.take_along_axis(ops.squeeze(done, -1), parents, axis=1), 0.0, 1.0
        )
        if width > 1:
            rows = ops.reshape(first_row + parents, (-1,))
            tokens = ops.reshape(ops.take(flat, rows, axis=0), (batch, width, limit))
            states = {name: ops.take(value, rows, axis=0) for name, value in states.items()}
        tokens = ops.where(places == position, ops.expand_dims(last, -1), tokens)
        return position + 1, tokens, scores, lengths, last, states

    start = (ops.convert_to_tensor(0, "int32"), tokens, scores, lengths, last, states)
    _, tokens, scores, lengths, _, _ = ops.while_loop(unfinished, extend, start, maximum_iterations=limit)
    return tokens, scores, lengths


def _draw(choices: Any, uniform: Any, search: Search) -> Any:
    """One word a row, drawn by inverting the cumulative distribution at `uniform` (rows,) in [0, 1).

    The words stand in the order of the vocabulary, and with `top_k` or `top_p` from the most probable down: only
    these need the sorting, which costs more than all the rest.
    """
    logits, words = choices / search.temperature, None
    if search.top_k or search.top_p < 1:
        logits, words = ops.top_k(logits, min(search.top_k or logits.shape[-1], logits.shape[-1]))
    probability = ops.softmax(logits, axis=-1)
    if search.top_p < 1:
        # The nucleus (Holtzman et al. 2020): the most probable words until their sum reaches top_p; never empty.
        before = ops.cumsum(probability, axis=-1) - probability
        probability = ops.where(before < search.top_p, probability, 0.0)
    cumulative = ops.cumsum(probability, axis=-1)
    threshold = ops.expand_dims(uniform, -1) * cumulative[:, -1:]
    place = ops.sum(ops.cast(cumulative <= threshold, "int32"), axis=-1, keepdims=True)
    place = ops.minimum(place, logits.shape[-1] - 1)
    chosen = place if words is None else ops.take_along_axis(words, place, axis=1)
    return ops.cast(ops.squeeze(chosen, -1), "int32")


def sample(step: Step, states: Tensors, uniform: Any, search: Search) -> tuple[Any, Any, Any]:
    """Texts drawn word by word from the network.

    Args:
        step: the network, see `Step`.
        states: what the network carries, (rows, ...).
        uniform: (rows, maximum_length + 1) random numbers in [0, 1): the same numbers give the same texts on
            every back end.
        search: the settings.

    Returns:
        tokens (rows, 1, maximum_length + 1), summed log-probabilities under the untempered network and lengths
        with the end (rows, 1).
    """
    rows, limit = uniform.shape
    places = ops.arange(limit)

    def unfinished(position: Any, tokens: Any, scores: Any, lengths: Any, last: Any, states: Tensors) -> Any:
        return ops.logical_and(position < limit, ops.any(ops.logical_and(last != END, last != PAD)))

    def extend(position: Any, tokens: Any, scores: Any, lengths: Any, last: Any, states: Tensors) -> tuple[Any, ...]:
        logits, states = step(ops.expand_dims(last, 1), position, states)
        choices, normalizer = _choices(logits, tokens, position, search)
        done = ops.logical_or(last == END, last == PAD)
        word = ops.where(done, PAD, _draw(choices, ops.take(uniform, position, axis=1), search))
        gain = ops.squeeze(ops.take_along_axis(choices, ops.expand_dims(word, 1), axis=1) - normalizer, 1)
        scores = scores + ops.where(done, 0.0, gain)
        lengths = lengths + ops.where(done, 0.0, 1.0)
        tokens = ops.where(places == position, ops.expand_dims(word, 1), tokens)
        return position + 1, tokens, scores, lengths, word, states

    zeros = ops.zeros((rows,), "float32")
    start = ops.convert_to_tensor(0, "int32")
    loop = (start, ops.zeros((rows, limit), "int32"), zeros, zeros, ops.full((rows,), START, "int32"), states)
    _, tokens, scores, lengths, _, _ = ops.while_loop(unfinished, extend, loop, maximum_iterations=limit)
    return ops.expand_dims(tokens, 1), ops.expand_dims(scores, 1), ops.expand_dims(lengths, 1)
