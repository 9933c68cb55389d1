"""The captioner: describes an image in words, learned from images that people have described.

A convolutional encoder turns the image into a grid of features, and a decoder writes the caption word by word while
it looks at the grid. Keras is loaded when a network is built, not when this module is imported.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from firstlight import metrics
from firstlight.data.images import ImageError, read_many
from firstlight.data.table import Split
from firstlight.data.vocabulary import END, START, Vocabulary
from firstlight.errors import FirstlightError, nearest
from firstlight.systems.system import History, Silent, System, write_safely
from firstlight.text import tokenize

if TYPE_CHECKING:
    import keras

    from firstlight.systems.captioner_networks import Design
    from firstlight.systems.decoding import Decoder, Search

__all__ = ["Caption", "Captioner", "Word"]

_SCRATCH = "small_cnn"  # the backbone that is trained together with the decoder; all others are frozen


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


class Captioner(System):
    """Describes images in words, learned from images with captions.

    Args:
        backbone: the encoder: a network of keras.applications such as mobilenet_v2, frozen; or small_cnn, which is
            trained together with the decoder.
        weights: for a frozen encoder, "imagenet" (Keras's cache or its download) or the path of a file of weights.
        image_size: side in pixels to which images are brought; by default 224, and 64 for small_cnn.
        views: views of each training image: 1 plain, 2 with its mirror image, more with crops (frozen encoders).
        cell: what reads the words: gru, lstm or transformer.
        units: width of the decoder.
        embedding: width of a word's vector.
        hidden: width of the layer before the output layer.
        attention: look at the regions of the image again for each word.
        dropout: share of the units that are dropped while training.
        label_smoothing: share of each target that is spread over all words.
        minimum_count: words that occur less often are unknown; by default 1, or 5 from 10,000 captions on.
        maximum_length: longer captions are cut, in words.
        batch_size: captions learned at once.
        learning_rate: the highest; it warms up and then falls to zero as half a cosine.
        weight_decay: of AdamW.
        average: momentum of the running mean of the weights, which is what is kept; 0 for none.
        precision: float32, mixed_bfloat16, or auto for the faster of the two on this machine.
    """

    def __init__(
        self,
        backbone: str = "mobilenet_v2",
        *,
        weights: str = "imagenet",
        image_size: int | None = None,
        views: int = 2,
        cell: Literal["gru", "lstm", "transformer"] = "gru",
        units: int = 512,
        embedding: int = 256,
        hidden: int = 256,
        attention: bool = True,
        dropout: float = 0.3,
        label_smoothing: float = 0.1,
        minimum_count: int | None = None,
        maximum_length: int = 25,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.0,
        average: float = 0.995,
        precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto",
    ):
        self.backbone = backbone
        self.weights = weights
        self.image_size = image_size
        self.views = views
        self.cell = cell
        self.units = units
        self.embedding = embedding
        self.hidden = hidden
        self.attention = attention
        self.dropout = dropout
        self.label_smoothing = label_smoothing
        self.minimum_count = minimum_count
        self.maximum_length = maximum_length
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.average = average
        self.precision = precision

    # -- learning ------------------------------------------------------------------------------------------------

    def fit(
        self,
        train: Split,
        *,
        validation_data: Split | None = None,
        epochs: int = 15,
        self_critical_epochs: int = 0,
        hold_out: int = 0,
        patience: int = 5,
        seed: int = 0,
        tensorboard: bool = False,
        folder: str | Path | None = None,
        data: dict[str, Any] | None = None,
        progress: Any = None,
    ) -> History:
        """Learn from images with captions; the epoch whose captions of the validation images score best is kept.

        Args:
            train: a split with names, images and captions.
            validation_data: images that decide which epoch is best; without, a part of the training images is held out.
            epochs: passes over the captions.
            self_critical_epochs: passes of a second stage, which rewards the network's own captions by CIDEr-D.
            hold_out: hold out this many training images to decide, and leave validation_data untouched.
            patience: stop after this many epochs without improvement; 0 never stops.
            seed: of everything that is drawn; the same seed gives the same weights on the same machine.
            tensorboard: also write the curves for TensorBoard into the run folder.
            folder: run folder. What it holds of an earlier call is taken up where it ended.
            data: what `system.json` shall say of the data.
            progress: is told what happens, see `firstlight.cli.progress`.

        Raises:
            FirstlightError: the data cannot be learned from, or a setting is not one of those that exist.
        """
        from firstlight.systems.backend import fast_precision, make_repeatable
        from firstlight.systems.captioner_networks import build_bridge, build_decoder, build_front
        from firstlight.systems.captioner_training import Plan, Training

        self._check_settings()
        progress = progress or Silent()
        folder = None if folder is None else Path(folder)
        train, judge = _parts(train, validation_data, hold_out)
        make_repeatable(seed)
        training = {
            "epochs": epochs,
            "self_critical_epochs": self_critical_epochs,
            "hold_out": hold_out,
            "patience": patience,
            "seed": seed,
        }
        earlier = _earlier(folder)
        precision = earlier.get("precision") or (fast_precision() if self.precision == "auto" else self.precision)
        self.description = self.describe(
            training=training, data=data, precision=precision, train_images=len(train), validation_images=len(judge)
        )
        if folder is not None and not earlier:
            text = json.dumps(self.description, indent=2, ensure_ascii=False) + "\n"
            write_safely(folder / "system.json", lambda file: file.write_text(text, encoding="utf-8"))

        self.vocabulary = self._vocabulary(train)
        self.encoder = self._encoder()
        examples = self._examples(train, progress, self.views)
        judged = self._examples(judge, progress, 1)
        design = self._design(precision)
        bridge, decoder = build_bridge(design), build_decoder(design)
        front = build_front(bridge, self.encoder if self.backbone == _SCRATCH else None)
        plan = Plan(
            seed=seed,
            epochs=epochs,
            self_critical_epochs=self_critical_epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            label_smoothing=self.label_smoothing,
            average=self.average,
            patience=patience,
            maximum_length=self.maximum_length,
        )
        words = self.vocabulary.words
        history = Training(front, decoder, words, examples, judged, plan, progress, folder, tensorboard).run()
        self._adopt(design, bridge, decoder)
        self.description["epochs_done"] = len(history.rows)
        if folder is not None:
            self.save(folder)
        return history

    def overfit(self, split: Split, *, images: int = 16, seed: int = 0, progress: Any = None) -> dict[str, Any]:
        """Learn a few images by heart, without regularization: a network that cannot do this has a fault.

        Returns:
            `images`, `captions`, the last `loss`, the share of images whose first caption is `reproduced` word by
            word, and whether that `passed` (at least 0.9).
        """
        few = split.take(range(min(images, len(split))))
        few = Split(few.name, {**few.columns, "captions": [captions[:1] for captions in few.captions]})
        pupil = Captioner(
            **{
                **self.settings,
                "dropout": 0.0,
                "label_smoothing": 0.0,
                "views": 1,
                "average": 0.0,
                "minimum_count": 1,
                "batch_size": min(self.batch_size, len(few)),
            }
        )
        history = pupil.fit(few, validation_data=few, epochs=100, patience=0, seed=seed, progress=progress)
        texts = [caption.text.split() for caption in pupil.predict(few.images, beam_width=1, explain=False)]
        wanted = [tokenize(captions[0])[: self.maximum_length] for captions in few.captions]
        same = float(np.mean([text == target for text, target in zip(texts, wanted, strict=True)]))
        return {
            "images": len(few),
            "captions": len(few),
            "loss": history.rows[-1]["loss"],
            "reproduced": same,
            "passed": same >= 0.9,
        }

    # -- describing ----------------------------------------------------------------------------------------------

    def caption(self, image: Any, beam_width: int = 3, **search: Any) -> Caption:
        """Describe one image, a path or an array (height, width, 3) of uint8; `search` as for `predict`."""
        return self.predict([image], beam_width=beam_width, **search)[0]

    def predict(
        self,
        images: Sequence[Any],
        *,
        batch_size: int = 32,
        n_best: int = 1,
        seed: int = 0,
        explain: bool = True,
        **search: Any,
    ) -> list[Caption]:
        """Describe images, each a path or an array (height, width, 3) of uint8.

        Args:
            images: any number of them.
            batch_size: images described at once.
            n_best: how many texts to give an image in `alternatives`, up to `beam_width`; drawn texts when drawing.
            seed: of the words drawn, when `temperature` is not 0.
            explain: also give each word's probability, rivals and attention; without, `words` is empty.
            search: fields of `firstlight.systems.decoding.Search`: beam_width, maximum_length, minimum_length,
                length_penalty, no_repeat, temperature, top_k, top_p.

        Raises:
            ImageError: an image cannot be read.
        """
        from firstlight.systems.decoding import Search

        self._require_fitted()
        wanted = Search(
            **{"maximum_length": self.maximum_length, "beam_width": 1 if search.get("temperature") else 3, **search}
        )
        random = np.random.default_rng(seed)
        captions: list[Caption] = []
        for names, grids in self._grids(images, batch_size):
            captions += self._describe(names, grids, wanted, n_best, random, explain)
        return captions

    def evaluate(
        self, split: Split, *, beam_width: int = 3, captions: Sequence[Caption] | None = None, **search: Any
    ) -> dict[str, Any]:
        """Describe a split and compare with its captions: BLEU-1..4, ROUGE-L and CIDEr with 95 % intervals.

        Values are on the toolkit's own scale (BLEU and ROUGE-L 0..1, CIDEr 0..10); papers print them times 100.

        Args:
            split: images with captions.
            beam_width: of the search; `search` takes its other settings.
            captions: captions of these images, where they are known already.
        """
        if captions is None:
            captions = self.predict(split.images, beam_width=beam_width, explain=False, **search)
        scores = metrics.score([caption.text for caption in captions], split.captions)
        distinct = metrics.diversity([caption.text for caption in captions])["distinct"]
        found: dict[str, Any] = {name: score.value for name, score in scores.items()}
        return {**found, "distinct": distinct, "intervals": metrics.bootstrap(scores)}

    def self_checks(self, train: Split, validation: Split) -> list[dict[str, Any]]:
        """Checks against silent failure, see `firstlight.systems.captioner_checks`."""
        from firstlight.systems.captioner_checks import self_checks

        return self_checks(self, train, validation)

    # -- parts ---------------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Side in pixels to which images are brought."""
        return self.image_size or (64 if self.backbone == _SCRATCH else 224)

    def _check_settings(self) -> None:
        from firstlight.systems.backbones import names
        from firstlight.systems.captioner_networks import CELLS

        for name, value, known in (
            ("backbone", self.backbone, [_SCRATCH, *names()]),
            ("cell", self.cell, list(CELLS)),
            ("precision", self.precision, ["auto", "float32", "mixed_bfloat16"]),
        ):
            if value not in known:
                raise FirstlightError(
                    f"Expected {name} to be one of {', '.join(known)}. Received {value!r}.{nearest(value, known)}"
                )
        for name in ("views", "units", "embedding", "hidden", "maximum_length", "batch_size"):
            if getattr(self, name) < 1:
                raise FirstlightError(f"Expected {name} to be 1 or more. Received {getattr(self, name)}.")
        for name in ("dropout", "label_smoothing", "average"):
            if not 0 <= getattr(self, name) < 1:
                raise FirstlightError(f"Expected {name} to be at least 0 and below 1. Received {getattr(self, name)}.")

    def _vocabulary(self, train: Split) -> Vocabulary:
        tokens = [tokenize(caption) for captions in train.captions for caption in captions]
        minimum = self.minimum_count or (5 if len(tokens) >= 10_000 else 1)
        return Vocabulary(minimum_count=minimum).fit(tokens)

    def _encoder(self) -> "keras.Model":
        from firstlight.systems import backbones

        if self.backbone == _SCRATCH:
            return backbones.small_cnn(self.size)
        return backbones.build(self.backbone, self.size, self.weights)

    def _design(self, precision: str) -> "Design":
        from firstlight.systems.captioner_networks import Design

        return Design(
            grid=tuple(self.encoder.output_shape[1:]),
            vocabulary_size=len(self.vocabulary),
            cell=self.cell,
            units=self.units,
            embedding=self.embedding,
            hidden=self.hidden,
            attention=self.attention,
            dropout=self.dropout,
            maximum_length=self.maximum_length,
            precision=precision,
        )

    def _examples(self, split: Split, progress: Any, views: int) -> Any:
        """A split as the training reads it: inputs for the front, encoded captions, and whose they are."""
        from firstlight.systems.captioner_training import Examples

        if self.backbone == _SCRATCH:
            rows, inputs = self._pictures(split, progress)
            views = 1
        else:
            rows, inputs = self._features(split, progress, views)
        if not rows:
            raise FirstlightError(
                f"Expected images that can be read in split {split.name!r}. Received none of {len(split)}."
            )
        references = [[tokenize(caption) for caption in split.captions[row]] for row in rows]
        owner = np.array([position for position, each in enumerate(references) for _ in each])
        encoded = self.vocabulary.transform(tokens for each in references for tokens in each)
        encoded = [caption[: self.maximum_length] for caption in encoded]
        return Examples(inputs, views, encoded, owner, references)

    def _features(self, split: Split, progress: Any, views: int) -> tuple[list[int], Any]:
        """Features of a frozen encoder, computed once and kept on disk."""
        from firstlight.systems.features import extract

        done = progress.task(f"features of {split.name}", len(split))
        features = extract(split.images, self.encoder, size=self.size, views=views, progress=done)
        for problem in features.problems:
            progress.message(f"passed over: {problem}")
        return list(features.rows), lambda images, view: {"grid": features.read(images, view)}

    def _pictures(self, split: Split, progress: Any) -> tuple[list[int], Any]:
        """Pixels for an encoder that is trained too, kept in memory."""
        done = progress.task(f"images of {split.name}", len(split))
        rows, pictures = [], []
        for number, found in read_many(split.images, self.size):
            if isinstance(found, ImageError):
                progress.message(f"passed over: {found}")
            else:
                rows.append(number)
                pictures.append(found)
            done(number + 1)
        stack = np.stack(pictures) if pictures else np.zeros((0, self.size, self.size, 3), np.uint8)
        return rows, lambda images, view: {"image": stack[images]}

    def _adopt(self, design: "Design", bridge: "keras.Model", decoder: "keras.Model") -> None:
        """Keep the trained weights in networks of plain float32, which any reader of the files can run."""
        from firstlight.systems.captioner_networks import build_bridge, build_decoder

        design = replace(design, precision="float32")
        self.bridge, self.decoder = build_bridge(design), build_decoder(design)
        self.bridge.set_weights(bridge.get_weights())
        self.decoder.set_weights(decoder.get_weights())
        self._programs: dict[str, Any] = {}

    def _program(self, name: str) -> Any:
        """The compiled parts, each made when it is first needed."""
        from firstlight.systems.backend import compiled
        from firstlight.systems.captioner_networks import CaptionTrainer
        from firstlight.systems.decoding import Decoder

        if name not in self._programs:
            if name == "encode":
                self._programs[name] = compiled(
                    lambda images: self.encoder(images, training=False), self.encoder.variables
                )
            elif name == "write":
                self._programs[name] = Decoder(self.bridge, self.decoder)
            else:
                reader = CaptionTrainer(self.bridge, self.decoder)
                self._programs[name] = compiled(
                    lambda grid, words: _kept(reader.read({"grid": grid, "words": words}, training=False)),
                    [*self.bridge.variables, *self.decoder.variables],
                )
        return self._programs[name]

    def _grids(self, images: Sequence[Any], batch_size: int) -> Iterator[tuple[list[str], np.ndarray]]:
        """Names and features, batch by batch. The last batch is filled up, so that every batch has one shape."""
        import keras

        size = min(batch_size, max(1, len(images)))
        names, pictures = [], []
        for number, found in read_many(images, self.size):
            if isinstance(found, ImageError):
                raise found
            image = images[number]
            names.append(Path(image).name if isinstance(image, str | Path) else str(number))
            pictures.append(found)
            if len(pictures) == size or number == len(images) - 1:
                filled = np.resize(np.stack(pictures), (size, *pictures[0].shape)).astype("float32")
                yield names, keras.ops.convert_to_numpy(self._program("encode")(filled))
                names, pictures = [], []

    def _describe(
        self, names: list[str], grids: np.ndarray, search: "Search", n_best: int, random: Any, explain: bool
    ) -> list[Caption]:
        uniform = None
        if search.temperature:
            uniform = random.random((len(grids) * n_best, search.maximum_length + 1), dtype=np.float32)
        write: Decoder = self._program("write")
        tokens, scores, lengths = write({"grid": grids}, search, uniform)
        means = scores / np.maximum(lengths, 1)
        words = self._explain(grids, tokens[:, 0]) if explain else [()] * len(grids)
        captions = []
        for row, name in enumerate(names):
            texts = [" ".join(self.vocabulary.words[word] for word in each if word > END) for each in tokens[row]]
            ranked = tuple((text, float(mean)) for text, mean in zip(texts, means[row], strict=True))
            captions.append(Caption(name, texts[0], float(means[row, 0]), words[row], ranked[:n_best]))
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
        vocabulary = self.vocabulary.words
        result = []
        for row, caption in enumerate(tokens):
            words = []
            for time, word in enumerate(caption):
                if word > END:
                    others = [other for other in best[row, time] if other != word][:rivals]
                    beaten = tuple((vocabulary[other], float(probability[row, time, other])) for other in others)
                    attention = None if looked is None else looked[row, time]
                    words.append(Word(vocabulary[word], float(probability[row, time, word]), beaten, attention))
            result.append(tuple(words))
        return result

    # -- on disk -------------------------------------------------------------------------------------------------

    def _save_parts(self, folder: Path) -> None:
        for name, network in (("backbone", self.encoder), ("bridge", self.bridge), ("decoder", self.decoder)):
            write_safely(folder / f"{name}.keras", lambda path, network=network: _save_network(network, path))
        self.vocabulary.save(folder / "vocabulary.txt")
        card = self._card()
        write_safely(folder / "README.md", lambda path: path.write_text(card, encoding="utf-8"))

    def _load_parts(self, folder: Path) -> None:
        import keras

        missing = [name for name in ("backbone", "bridge", "decoder") if not (folder / f"{name}.keras").is_file()]
        if missing:
            raise FirstlightError(
                f"Expected a finished training in {folder}. Received one without {missing[0]}.keras. "
                "Run the training command again; it goes on where it was stopped."
            )
        self.vocabulary = Vocabulary.load(folder / "vocabulary.txt")
        self.encoder, self.bridge, self.decoder = (
            keras.models.load_model(folder / f"{name}.keras", compile=False)
            for name in ("backbone", "bridge", "decoder")
        )
        self._programs = {}

    def _card(self) -> str:
        """A short model card: what it is, what it learned from, how to use it, and what not to expect."""
        description = self.description
        source = (description.get("data") or {}).get("source", "not recorded")
        lines = [
            "# A captioner",
            "",
            f"Describes images in words. Trained by firstlight {description['versions']['firstlight']} on "
            f"{description['date'][:10]}, data: {source} ({description['train_images']} images for training, "
            f"{description['validation_images']} to choose the best epoch), seed {description['training']['seed']}.",
            "",
            f"{self!r}",
            "",
            "Use: `firstlight caption THIS_FOLDER image.jpg`. Measured quality: `metrics.json`. It knows the "
            f"{len(self.vocabulary) - 4:,} words of `vocabulary.txt` and what was in its training images, and will "
            "describe anything else in those terms, wrongly and with confidence.",
        ]
        return "\n".join(lines) + "\n"


def _parts(train: Split, validation: Split | None, hold_out: int) -> tuple[Split, Split]:
    """What to learn from and what decides. Held-out images are chosen by a stable hash of their names."""
    for split in (train, validation):
        if split is not None and not len(split):
            raise FirstlightError(f"Expected images with captions. Received an empty split {split.name!r}.")
    if validation is not None and not hold_out:
        return train, validation
    count = hold_out or max(1, len(train) // 10)
    if count >= len(train):
        raise FirstlightError(
            f"Expected more training images than are held out. Received {len(train)} images, {count} of them held out."
        )
    order = sorted(range(len(train)), key=lambda row: sha256(train.names[row].encode()).digest())
    return train.take(sorted(order[count:])), train.take(sorted(order[:count]))


def _earlier(folder: Path | None) -> dict[str, Any]:
    """What an earlier call has written into the run folder, if there was one."""
    from firstlight.systems.system import read_description

    there = folder is not None and (folder / "system.json").exists()
    return read_description(folder) if there and folder is not None else {}


def _kept(outputs: dict[str, Any]) -> dict[str, Any]:
    return {name: outputs[name] for name in ("logits", "attention") if name in outputs}


def _save_network(network: "keras.Model", path: Path) -> None:
    """Keras insists on the suffix .keras; the temporary name keeps it."""
    network.save(path)
