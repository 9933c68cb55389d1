"""Several captioners that speak as one: each next word by the mean of their probabilities.

They must share the encoder and the vocabulary, as those do that were trained on the same data with other seeds.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from firstlight.errors import FirstlightError
from firstlight.systems.backbones import fingerprint
from firstlight.systems.captioner import Captioner
from firstlight.systems.captioner_describing import Describer

__all__ = ["ensemble"]


def ensemble(captioners: Sequence[Captioner]) -> Captioner:
    """One captioner whose next word has the mean probability of these (a product of experts would take logarithms).

    Raises:
        FirstlightError: fewer than two captioners, or they differ in encoder, vocabulary or `maximum_length`.
    """
    if len(captioners) < 2:
        raise FirstlightError(f"Expected two captioners or more. Received {len(captioners)}.")
    first = captioners[0]
    for other in captioners[1:]:
        same = {
            "vocabulary": other.vocabulary.words == first.vocabulary.words,
            "encoder": fingerprint(other.describer.encoder) == fingerprint(first.describer.encoder),
            "maximum_length": other.maximum_length == first.maximum_length,
        }
        if not all(same.values()):
            differing = ", ".join(name for name, equal in same.items() if not equal)
            raise FirstlightError(
                f"Expected captioners trained on the same data with the same encoder. Received a different {differing}."
            )
    together = Captioner(**first.settings)
    training = {**first.description["training"], "seed": [each.description["training"]["seed"] for each in captioners]}
    together.description = {**first.description, "training": training}
    together.vocabulary = first.vocabulary
    bridge = _side_by_side([_renamed(each.describer.bridge, n) for n, each in enumerate(captioners)])
    decoder = _mean_of([_renamed(each.describer.decoder, n) for n, each in enumerate(captioners)])
    together.describer = Describer(first.describer.encoder, bridge, decoder, first.vocabulary.words)
    return together


def _renamed(network: keras.Model, number: int) -> keras.Model:
    """A copy under another name: in one network no two parts may have the same."""
    copy = keras.Model.from_config({**network.get_config(), "name": f"{network.name}_{number}"})
    copy.set_weights(network.get_weights())
    return copy


def _numbered(name: str, number: int) -> str:
    """`state_0` of the third network is `state_2_0`, `memory` is `memory_2`; what all share keeps its name."""
    kind, _, rest = name.partition("_")
    if kind not in ("state", "past", "memory"):
        return name
    return f"{kind}_{number}_{rest}" if rest else f"{kind}_{number}"


def _side_by_side(bridges: Sequence[keras.Model]) -> keras.Model:
    grid = layers.Input(bridges[0].inputs[0].shape[1:], name="grid")
    outputs = {}
    for number, bridge in enumerate(bridges):
        outputs.update({_numbered(name, number): value for name, value in bridge({"grid": grid}).items()})
    return keras.Model({"grid": grid}, outputs, name="bridges")


def _mean_of(decoders: Sequence[keras.Model]) -> keras.Model:
    inputs: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    probabilities, attentions = [], []
    for number, decoder in enumerate(decoders):
        names = {tensor.name.split(":")[0]: tensor for tensor in decoder.inputs}
        for name, tensor in names.items():
            inputs.setdefault(
                _numbered(name, number),
                layers.Input(tensor.shape[1:], dtype=tensor.dtype, name=_numbered(name, number)),
            )
        found = dict(decoder({name: inputs[_numbered(name, number)] for name in names}))
        probabilities.append(ops.softmax(found.pop("logits"), axis=-1))
        attentions += [found.pop("attention")] if "attention" in found else []
        outputs.update({_numbered(name, number): value for name, value in found.items()})
    outputs["logits"] = ops.log(ops.mean(ops.stack(probabilities), axis=0) + 1e-20)
    if len(attentions) == len(decoders):
        outputs["attention"] = ops.mean(ops.stack(attentions), axis=0)
    return keras.Model(inputs, outputs, name="decoders")
