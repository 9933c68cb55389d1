"""The networks of the captioner, of stock Keras layers, so that plain Keras opens their files.

The bridge turns an image's grid of features into what the decoder starts from; the decoder predicts each next word.
The same decoder reads a whole caption at once while training and goes word by word while decoding.
"""

from dataclasses import dataclass
from typing import Any

import keras
from keras import layers, ops

__all__ = ["CELLS", "CaptionTrainer", "Design", "build_bridge", "build_decoder", "build_front"]

CELLS = ("gru", "lstm", "transformer")

_PRESENCE_WEIGHT = 50.0


@dataclass(frozen=True)
class Design:
    """What fixes the shape of the networks.

    Args:
        grid: (rows, columns, channels) of an image's features.
        vocabulary_size: number of words, special entries included.
        cell: one of `CELLS`.
        units: width of the decoder.
        embedding: width of a word's vector, by which it is read and told; the Transformer uses `units`.
        attention: look at the regions again for each word; without, the mean of the regions is all that is known.
        evidence: what is looked at also speaks for words on its own; with a GRU or LSTM and attention only.
        dropout: share of units dropped while training.
        maximum_length: the longest caption in words, for the positions of the Transformer.
        precision: Keras dtype policy, `float32` or `mixed_bfloat16`.
    """

    grid: tuple[int, int, int]
    vocabulary_size: int
    cell: str = "gru"
    units: int = 512
    embedding: int = 256
    attention: bool = True
    evidence: bool = False
    dropout: float = 0.3
    maximum_length: int = 20
    precision: str = "float32"

    @property
    def compute_dtype(self) -> str:
        """The type in which the states and the memory pass from the bridge to the decoder."""
        return str(keras.DTypePolicy(self.precision).compute_dtype)

    @property
    def states(self) -> int:
        """How many state vectors the cell carries."""
        return {"gru": 1, "lstm": 2, "transformer": 0}[self.cell]


def build_bridge(design: Design) -> keras.Model:
    """Features `grid` (batch, rows, columns, channels) -> `memory` (batch, regions, units) and the first states.

    Each state is tanh(Dense(mean of the regions)), after Xu et al. 2015, section 3.1.2.
    """
    rows, columns, channels = design.grid
    options = {"dtype": design.precision}
    grid = layers.Input(design.grid, name="grid")
    regions = layers.Reshape((rows * columns, channels), name="as_regions", **options)(grid)
    regions = layers.Dropout(design.dropout, **options)(regions)
    mean = layers.GlobalAveragePooling1D(name="mean_region", **options)(regions)
    outputs = {}
    if design.attention:
        outputs["memory"] = layers.Dense(design.units, activation="relu", name="memory", **options)(regions)
    elif design.cell == "transformer":
        vector = layers.Reshape((1, channels), name="as_region", **options)(mean)
        outputs["memory"] = layers.Dense(design.units, activation="relu", name="memory", **options)(vector)
    for number in range(design.states):
        dense = layers.Dense(design.units, activation="tanh", name=f"state_{number}", **options)
        outputs[f"state_{number}"] = dense(mean)
    return keras.Model({"grid": grid}, outputs, name="bridge")


def build_decoder(design: Design) -> keras.Model:
    """The next-word network; see `firstlight.systems.decoder` for what goes in and comes out."""
    return _transformer(design) if design.cell == "transformer" else _recurrent(design)


def _memory(design: Design) -> Any:
    rows, columns, _ = design.grid
    regions = rows * columns if design.attention else 1
    return layers.Input((regions, design.units), name="memory", dtype=design.compute_dtype)


def _recurrent(design: Design) -> keras.Model:
    """A GRU or LSTM reads the words; its outputs ask the regions (Luong et al. 2015, section 3.1, "dot").

    What it then would say is a vector, and a word's logit the dot product of this with the word's own vector: the one
    matrix both reads and tells the words (Press and Wolf 2017).

    With `evidence`, a word's logit is the sum of what the words so far lead to expect and of the evidence for it in
    what is seen: a product of two experts (Hinton 2002). It gives attention a short way to learn where to look, since
    to look at the right region makes the right word likelier at once.
    """
    options = {"dtype": design.precision}
    words = layers.Input((None,), dtype="int32", name="words")
    names = [f"state_{number}" for number in range(design.states)]
    states = [layers.Input((design.units,), name=name, dtype=design.compute_dtype) for name in names]
    inputs, outputs = {"words": words, **dict(zip(names, states, strict=True))}, {}

    embedding = layers.ReversibleEmbedding(design.vocabulary_size, design.embedding, name="embedding", **options)
    vectors = layers.Dropout(design.dropout, **options)(embedding(words))
    cell = {"gru": layers.GRU, "lstm": layers.LSTM}[design.cell]
    cell = cell(design.units, return_sequences=True, return_state=True, name=design.cell, **options)
    read, *new_states = cell(vectors, initial_state=states[0] if design.cell == "gru" else states)
    outputs.update(zip(names, new_states, strict=True))
    read = layers.Dropout(design.dropout, **options)(read)
    if design.attention:
        inputs["memory"] = _memory(design)
        query = layers.Dense(design.units, name="query", **options)(read)
        attend = layers.Attention(use_scale=True, name="attention", **options)
        seen, outputs["attention"] = attend([query, inputs["memory"]], return_attention_scores=True)
        read = layers.Concatenate(name="read_and_seen", **options)([read, seen])
    wanted = layers.Dense(design.embedding, activation="tanh", name="wanted", **options)(read)
    logits = embedding(layers.Dropout(design.dropout, **options)(wanted), reverse=True)
    if design.attention and design.evidence:
        # A word is in few regions: begin with "not here" everywhere. One value for all changes no probability.
        rare = keras.initializers.Constant(-8.0)
        evidence = layers.Dense(design.vocabulary_size, bias_initializer=rare, name="evidence", **options)
        logits = layers.Add(name="logits", **options)([logits, evidence(seen)])
    outputs["logits"] = logits
    return keras.Model(inputs, outputs, name="decoder")


def _transformer(design: Design, blocks: int = 2, heads: int = 8) -> keras.Model:
    """Pre-norm Transformer blocks (Vaswani et al. 2017; Xiong et al. 2020) over the words so far and the regions.

    `past_*` holds the normalised inputs of each block's self-attention for the words before.
    """
    options = {"dtype": design.precision}
    words = layers.Input((None,), dtype="int32", name="words")
    position = layers.Input((None,), dtype="int32", name="position")
    mask = layers.Input((None, None), dtype="bool", name="mask")
    memory = _memory(design)
    inputs = {"words": words, "position": position, "mask": mask, "memory": memory}
    outputs = {}

    def normalised(x: Any) -> Any:
        return layers.LayerNormalization(epsilon=1e-5, **options)(x)

    def dropped(x: Any) -> Any:
        return layers.Dropout(design.dropout, **options)(x)

    embedding = layers.ReversibleEmbedding(design.vocabulary_size, design.units, name="embedding", **options)
    places = layers.Embedding(design.maximum_length + 2, design.units, name="positions", **options)(position)
    x = dropped(layers.Add(**options)([embedding(words), places]))
    for number in range(blocks):
        name = f"past_{number}"
        inputs[name] = layers.Input((None, design.units), name=name, dtype=design.compute_dtype)
        asked = outputs[name] = normalised(x)
        known = layers.Concatenate(axis=1, **options)([inputs[name], asked])
        own = layers.MultiHeadAttention(heads, design.units // heads, name=f"self_attention_{number}", **options)
        x = layers.Add(**options)([x, dropped(own(asked, known, attention_mask=mask))])
        if design.attention:
            look = layers.MultiHeadAttention(heads, design.units // heads, name=f"attention_{number}", **options)
            seen, outputs["attention"] = look(normalised(x), memory, return_attention_scores=True)
        else:
            seen = layers.Dense(design.units, name=f"seen_{number}", **options)(memory)
        x = layers.Add(**options)([x, dropped(seen)])
        wide = layers.Dense(2 * design.units, activation="gelu", name=f"wide_{number}", **options)(normalised(x))
        narrow = layers.Dense(design.units, name=f"narrow_{number}", **options)(dropped(wide))
        x = layers.Add(**options)([x, dropped(narrow)])
    wanted = layers.LayerNormalization(epsilon=1e-5, name="wanted", **options)(x)
    outputs["logits"] = embedding(wanted, reverse=True)
    return keras.Model(inputs, outputs, name="decoder")


def build_front(bridge: keras.Model, backbone: keras.Model | None) -> keras.Model:
    """The bridge behind a backbone that is trained with it: `image` (batch, height, width, 3) -> what bridge gives."""
    if backbone is None:
        return bridge
    image = layers.Input(backbone.input_shape[1:], name="image")
    return keras.Model({"image": image}, bridge({"grid": backbone(image)}), name="front")


class CaptionTrainer(keras.Model):
    """Front and decoder as one network that is taught whole captions; what it trains are their weights.

    Takes a dict of the front's input (batch, ...) and `words` (batch * copies, time), starting with the start word;
    returns logits (batch * copies, time, vocabulary). With `copies`, each image has that many captions in a row.

    The loss is the cross-entropy a word, smoothed by `label_smoothing` (Szegedy et al. 2016, section 7); with sample
    weights (batch * copies, time), each word's counts that much, which makes it REINFORCE (Williams 1992).

    With `presence`, a dense layer (units -> vocabulary) such as the decoder's evidence, the regions also learn to tell
    which words the captions hold, a word being there when any region shows it (multiple-instance learning, Fang et al.
    2015, section 3, with the log of summed exponentials for their noisy or): the shortest way for an encoder to learn
    what there is to see. `cross_entropy` among the logs is the loss without that part.
    """

    def __init__(
        self,
        front: keras.Model,
        decoder: keras.Model,
        copies: int = 1,
        label_smoothing: float = 0.0,
        presence: layers.Dense | None = None,
    ):
        super().__init__(name="trainer")
        self.front, self.decoder, self.copies = front, decoder, copies
        self.label_smoothing = label_smoothing
        self.presence = presence
        self.cross_entropy = keras.metrics.Mean(name="cross_entropy")
        self.wanted = {tensor.name.split(":")[0]: tensor for tensor in decoder.inputs}
        self.built = True

    def call(self, inputs: dict[str, Any], training: bool | None = None) -> Any:
        """Logits for every position; with `presence`, a dict of them and of `presence` logits (batch, vocabulary)."""
        outputs = self.read(inputs, training)
        if self.presence is None:
            return outputs["logits"]
        regions = self.presence(outputs["memory"])
        return {"logits": outputs["logits"], "presence": ops.logsumexp(regions, axis=1)}

    def read(self, inputs: dict[str, Any], training: bool | None = None) -> dict[str, Any]:
        """All that the decoder gives for whole captions: logits, states, and where it looked; and the memory."""
        words = inputs["words"]
        image = {name: value for name, value in inputs.items() if name != "words"}
        feeds = dict(self.front(image, training=training))
        memory = {"memory": feeds["memory"]} if "memory" in feeds else {}
        if self.copies > 1:
            feeds = {name: ops.repeat(value, self.copies, axis=0) for name, value in feeds.items()}
        feeds["words"] = words
        if "position" in self.wanted:
            rows, time = ops.shape(words)[0], ops.shape(words)[1]
            places = ops.arange(time)
            feeds["position"] = ops.zeros_like(words) + places
            causal = ops.expand_dims(places, 1) >= ops.expand_dims(places, 0)
            feeds["mask"] = ops.logical_and(ops.expand_dims(words, -1) >= 0, ops.expand_dims(causal, 0))
            for name, tensor in self.wanted.items():
                if name.startswith("past_"):
                    feeds[name] = ops.zeros((rows, 0, tensor.shape[-1]), tensor.dtype)
        return {**self.decoder(feeds, training=training), **memory}

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Mean over the words that are not padding; see the class."""
        logits = ops.cast(y_pred if self.presence is None else y_pred["logits"], "float32")
        real = ops.cast(ops.not_equal(y, 0), "float32")
        loss = ops.sparse_categorical_crossentropy(y, logits, from_logits=True)
        if self.label_smoothing:
            # The cross-entropy with a uniform target differs by what the logits say of the word against their mean.
            said = ops.squeeze(ops.take_along_axis(logits, ops.expand_dims(y, -1), axis=-1), -1)
            loss = loss + self.label_smoothing * (said - ops.mean(logits, axis=-1))
        weights = real if sample_weight is None else ops.multiply(real, sample_weight)
        loss = ops.sum(loss * weights) / ops.sum(real)
        self.cross_entropy.update_state(loss)
        return loss if self.presence is None else loss + _PRESENCE_WEIGHT * _presence_loss(y, y_pred["presence"])


def _presence_loss(words: Any, logits: Any) -> Any:
    """Binary cross-entropy of which words occur in an image's captions; (rows, time) against (images, vocabulary)."""
    vocabulary = logits.shape[-1]
    there = ops.max(ops.one_hot(words, vocabulary), axis=1)
    there = ops.max(ops.reshape(there, (ops.shape(logits)[0], -1, vocabulary)), axis=1)
    return ops.mean(ops.binary_crossentropy(there, ops.cast(logits, "float32"), from_logits=True)[:, 4:])
