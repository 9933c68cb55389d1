"""A trained captioner at work: images in, captions out, each word with its rivals and where the network looked.

It needs the networks and the words, and nothing of the training.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.data.images import ImageError, read_many
from firstlight.data.vocabulary import END, START

if TYPE_CHECKING:
    import keras

    from firstlight.systems.decoding import Search

__all__ = ["Caption", "Describer", "Word"]


@dataclass(frozen=True)
class Word:
    """One word of a caption: its probability, the words it beat, and where the network looked.

    `attention` is (rows, columns) over the image and sums to 1; None for a captioner without attention.
    """

    text: str
    probability: float
    rivals: tuple[tuple[str, float], ...]
    attention: np.ndarray | None


@dataclass(frozen=True)
class Caption:
    """A description of one image: the text, its mean log-probability a word, and its words.

    `alternatives` are the `n_best` texts with their scores, this one first.
    """

    name: str
    text: str
    score: float
    words: tuple[Word, ...]
    alternatives: tuple[tuple[str, float], ...] = ()


class Describer:
    """Networks and vocabulary, with the parts of them compiled when they are first used.

    Args:
        encoder: images (batch, size, size, 3), 0..255 -> grid (batch, rows, columns, channels).
        bridge: see `captioner_networks.build_bridge`.
        decoder: see `captioner_networks.build_decoder`.
        words: the vocabulary in order.
    """

    def __init__(self, encoder: "keras.Model", bridge: "keras.Model", decoder: "keras.Model", words: Sequence[str]):
        self.encoder, self.bridge, self.decoder, self.words = encoder, bridge, decoder, words
        self.size = int(encoder.input_shape[1])
        self._programs: dict[tuple[str, int], Any] = {}

    @property
    def networks(self) -> dict[str, "keras.Model"]:
        """The networks by the names of their files."""
        return {"backbone": self.encoder, "bridge": self.bridge, "decoder": self.decoder}

    def grids(
        self, images: Sequence[Any], batch_size: int, pass_over: bool = False
    ) -> Iterator[tuple[list[int], np.ndarray]]:
        """Positions of images and their features, batch by batch; the last is filled up, so that all have one shape.

        Raises:
            ImageError: an image cannot be read; not with `pass_over`.
        """
        size = min(batch_size, max(1, len(images)))
        numbers, pictures = [], []
        for number, found in read_many(images, self.size):
            if not isinstance(found, ImageError):
                numbers.append(number)
                pictures.append(found)
            elif not pass_over:
                raise found
            if pictures and (len(pictures) == size or number == len(images) - 1):
                filled = np.resize(np.stack(pictures), (size, *pictures[0].shape))
                yield numbers, self._program("encode", size)(filled)
                numbers, pictures = [], []

    def describe(
        self, names: Sequence[str], grids: np.ndarray, search: "Search", n_best: int, random: Any, explain: bool
    ) -> list[Caption]:
        """Captions for the first `len(names)` of a batch of features (batch, rows, columns, channels)."""
        uniform = None
        if search.temperature:
            uniform = random.random((len(grids) * n_best, search.maximum_length + 1), dtype=np.float32)
        tokens, scores, lengths = self._program("write")({"grid": grids}, search, uniform)
        means = scores / np.maximum(lengths, 1)
        explained = self._explain(grids, tokens[:, 0]) if explain else [()] * len(grids)
        captions = []
        for row, name in enumerate(names):
            texts = [" ".join(self.words[word] for word in each if word > END) for each in tokens[row]]
            ranked = tuple((text, float(mean)) for text, mean in zip(texts, means[row], strict=True))
            captions.append(Caption(name, texts[0], float(means[row, 0]), explained[row], ranked[:n_best]))
        return captions

    def _explain(self, grids: np.ndarray, tokens: np.ndarray, rivals: int = 3) -> list[tuple[Word, ...]]:
        """Read finished captions once more and note for each word its probability, its rivals, and the attention."""
        import keras

        start = np.full((len(tokens), 1), START, "int32")
        found = self._program("read")(grids, np.concatenate([start, tokens[:, :-1]], axis=1))
        probability = keras.ops.convert_to_numpy(keras.ops.softmax(found["logits"], axis=-1))
        looked = None
        if "attention" in found:
            looked = keras.ops.convert_to_numpy(found["attention"])
            looked = looked.mean(axis=1) if looked.ndim == 4 else looked
            looked = looked.reshape(*looked.shape[:2], *self.encoder.output_shape[1:3])
        best = np.argsort(-probability, axis=-1)[..., : rivals + 1]
        result = []
        for row, caption in enumerate(tokens):
            words = []
            for time in np.flatnonzero(caption > END):
                word = caption[time]
                others = [other for other in best[row, time] if other != word][:rivals]
                beaten = tuple((self.words[other], float(probability[row, time, other])) for other in others)
                attention = None if looked is None else looked[row, time]
                words.append(Word(self.words[word], float(probability[row, time, word]), beaten, attention))
            result.append(tuple(words))
        return result

    def _program(self, name: str, batch_size: int = 0) -> Any:
        from firstlight.systems.backend import compiled
        from firstlight.systems.captioner_networks import CaptionTrainer
        from firstlight.systems.decoder import Decoder
        from firstlight.systems.fast_inference import compile_encoder

        key = (name, batch_size)
        if key not in self._programs:
            if name == "encode":
                self._programs[key] = compile_encoder(self.encoder, batch_size=batch_size)
            elif name == "write":
                self._programs[key] = Decoder(self.bridge, self.decoder)
            else:
                reader = CaptionTrainer(self.bridge, self.decoder)
                self._programs[key] = compiled(
                    lambda grid, words: _shown(reader.read({"grid": grid, "words": words}, training=False)),
                    [*self.bridge.variables, *self.decoder.variables],
                )
        return self._programs[key]


def _shown(outputs: dict[str, Any]) -> dict[str, Any]:
    return {name: outputs[name] for name in ("logits", "attention") if name in outputs}
