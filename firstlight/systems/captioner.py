"""The captioner: describes an image in words, learned from images that people have described.

A convolutional encoder turns the image into a grid of features, and a decoder writes the caption word by word while
it looks at the grid. Keras is loaded when a network is built, not when this module is imported.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from firstlight import metrics
from firstlight.data.batches import batched
from firstlight.data.table import Split
from firstlight.systems.captioner_describing import Caption, Describer
from firstlight.systems.captioner_settings import SCRATCH, check_settings
from firstlight.systems.pictures import image_name
from firstlight.systems.range_test import FindsLearningRate
from firstlight.systems.system import History, Silent, System

if TYPE_CHECKING:
    import keras

    from firstlight.systems.captioner_networks import Design

__all__ = ["Captioner"]


class Captioner(FindsLearningRate, System):
    """Describes images in words, learned from images with captions.

    Args:
        backbone: the encoder: a network of keras.applications such as mobilenet_v2, frozen; or small_cnn, which is
            trained together with the decoder.
        weights: for a frozen encoder, "imagenet" (Keras's cache or its download) or the path of a file of weights.
        image_size: side in pixels to which images are brought; by default 224, and 64 for small_cnn.
        views: views of each training image: 1 plain, 2 with its mirror image, more with crops (frozen encoders).
        cell: what reads the words: gru, lstm or transformer.
        units: width of the decoder.
        embedding: width of a word's vector, by which it is read and told (gru, lstm).
        word_vectors: a run folder or a file of word vectors of that width, with which the embedding begins.
        attention: look at the regions of the image again for each word.
        dropout: share of the units that are dropped while training.
        label_smoothing: share of each target that is spread over all words.
        minimum_count: words that occur less often are unknown; by default 1, or 5 from 10,000 captions on.
        maximum_length: longer captions are cut, in words.
        batch_size: captions learned at once.
        together: where small_cnn is trained too, captions of an image in an epoch, drawn anew in each.
        optimizer: sgd, adagrad, adadelta, rmsprop, adam, adamax, nadam, adamw or lion.
        learning_rate: the highest.
        learning_rate_floor: share of the highest rate at which cosine and one_cycle end.
        schedule: how the rate of the first stage changes: constant, cosine, one_cycle, step, exponential or plateau.
        warm_up: share of the steps in which the rate rises first, 300 of them at most; one_cycle rises by itself.
        momentum: of sgd and rmsprop.
        self_critical_rate: the learning rate of the second stage, which does not change.
        weight_decay: what weights shrink by, times the rate.
        clip_norm: longest gradient; 0 for any.
        average: momentum of the running mean of the weights, which is what is kept; 0 for none.
        precision: float32, mixed_bfloat16, or auto for the faster of the two on this machine.
    """

    later_stages: ClassVar = {"self_critical_epochs": ("self_critical_rate",)}

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
        word_vectors: str | None = None,
        attention: bool = True,
        dropout: float = 0.3,
        label_smoothing: float = 0.1,
        minimum_count: int | None = None,
        maximum_length: int = 25,
        batch_size: int = 128,
        together: int = 1,
        optimizer: str = "adamw",
        learning_rate: float = 1e-3,
        learning_rate_floor: float = 0.3,
        schedule: str = "cosine",
        warm_up: float = 0.1,
        momentum: float = 0.9,
        self_critical_rate: float = 5e-5,
        weight_decay: float = 0.0,
        clip_norm: float = 1.0,
        average: float = 0.999,
        precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto",
    ):
        self.backbone = backbone
        self.weights = weights
        self.image_size = image_size
        self.views = views
        self.cell = cell
        self.units = units
        self.embedding = embedding
        self.word_vectors = word_vectors
        self.attention = attention
        self.dropout = dropout
        self.label_smoothing = label_smoothing
        self.minimum_count = minimum_count
        self.maximum_length = maximum_length
        self.batch_size = batch_size
        self.together = together
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.learning_rate_floor = learning_rate_floor
        self.schedule = schedule
        self.warm_up = warm_up
        self.momentum = momentum
        self.self_critical_rate = self_critical_rate
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
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
            FirstlightError: the data cannot be learned from, a setting is not one of those that exist, or `folder`
                holds a run of other settings.
        """
        training = {
            "epochs": epochs,
            "self_critical_epochs": self_critical_epochs,
            "hold_out": hold_out,
            "patience": patience,
            "seed": seed,
        }
        folder = None if folder is None else Path(folder)
        earlier = self.begun_in(folder, {**training, **(data or {})}) if folder else {}
        check_settings(self)

        from firstlight.systems.backend import fast_precision, make_repeatable
        from firstlight.systems.captioner_batches import Plan
        from firstlight.systems.captioner_networks import build_bridge, build_decoder, build_front
        from firstlight.systems.captioner_preparation import examples_of, parts, vocabulary_of
        from firstlight.systems.captioner_training import Training
        from firstlight.systems.word_vectors_start import begin_with

        progress = progress or Silent()
        train, judge = parts(train, validation_data, hold_out)
        make_repeatable(seed)
        precision = earlier.get("precision") or (fast_precision() if self.precision == "auto" else self.precision)
        self.description = self.describe(
            training=training, data=data, precision=precision, train_images=len(train), validation_images=len(judge)
        )
        if folder is not None:
            self._write_description(folder)

        self.vocabulary = vocabulary_of(train, self.minimum_count)
        encoder = self._encoder()
        frozen = self.backbone != SCRATCH
        length = self.maximum_length
        examples = examples_of(train, self.vocabulary, encoder, frozen, self.views, length, progress)
        judged = examples_of(judge, self.vocabulary, encoder, frozen, 1, length, progress)
        design = self._design(encoder, precision)
        bridge, decoder = build_bridge(design), build_decoder(design)
        if self.word_vectors is not None:
            start = begin_with(decoder.get_layer("embedding"), self.word_vectors, self.vocabulary, seed)
            progress.message(f"{self.word_vectors}: {start}")
        front = build_front(bridge, None if frozen else encoder)
        plan = Plan(
            seed=seed,
            epochs=epochs,
            self_critical_epochs=self_critical_epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            learning_rate_floor=self.learning_rate_floor,
            self_critical_rate=self.self_critical_rate,
            weight_decay=self.weight_decay,
            label_smoothing=self.label_smoothing,
            average=self.average,
            patience=patience,
            together=0 if frozen else self.together,
            presence=self.attention and not frozen,
            maximum_length=length,
            optimizer=self.optimizer,
            schedule=self.schedule,
            warm_up=self.warm_up,
            momentum=self.momentum,
            clip_norm=self.clip_norm,
        )
        words = self.vocabulary.words
        history = Training(front, decoder, words, examples, judged, plan, progress, folder, tensorboard).run()
        self._adopt(design, encoder, bridge, decoder)
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
        from firstlight.systems.captioner_checks import overfit

        return overfit(self, split, images=images, seed=seed, progress=progress)

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
        width = 1 if search.get("temperature") else 3
        wanted = Search(**{"maximum_length": self.maximum_length, "beam_width": width, **search})
        random = np.random.default_rng(seed)
        captions: list[Caption] = []
        for numbers, grids in self.describer.grids(images, batch_size):
            names = [image_name(images[number], number) for number in numbers]
            captions += self.describer.describe(names, grids, wanted, n_best, random, explain)
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

    def vectors(self, images: Sequence[Any]) -> tuple[list[int], np.ndarray]:
        """What the encoder sees in each image, averaged over the regions.

        Returns:
            The positions of the images that can be read, and their vectors (images, channels) float32.
        """
        self._require_fitted()
        if self.backbone == SCRATCH:
            found: dict[int, np.ndarray] = {}
            for numbers, grids in self.describer.grids(images, 64, pass_over=True):
                found.update(zip(numbers, grids.mean(axis=(1, 2), dtype="float32"), strict=False))
            return list(found), np.array(list(found.values()))
        from firstlight.systems.features import extract

        features = extract(images, self.describer.encoder, self.size, self.views)
        means = [features.read(rows).mean(axis=(1, 2), dtype="float32") for rows in batched(len(features), 64)]
        return features.rows.tolist(), np.concatenate(means) if means else np.zeros((0, 1), "float32")

    def self_checks(self, train: Split, validation: Split) -> list[dict[str, Any]]:
        """Checks against silent failure, see `firstlight.systems.captioner_checks`."""
        from firstlight.systems.captioner_checks import self_checks

        return self_checks(self, train, validation)

    # -- parts ---------------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Side in pixels to which images are brought."""
        return self.image_size or (64 if self.backbone == SCRATCH else 224)

    def _encoder(self) -> "keras.Model":
        from firstlight.systems.backbones import build
        from firstlight.systems.small_cnn import small_cnn

        if self.backbone == SCRATCH:
            return small_cnn(self.size)
        return build(self.backbone, self.size, self.weights)

    def _design(self, encoder: "keras.Model", precision: str) -> "Design":
        from firstlight.systems.captioner_networks import Design

        return Design(
            grid=tuple(encoder.output_shape[1:]),
            vocabulary_size=len(self.vocabulary),
            cell=self.cell,
            units=self.units,
            embedding=self.embedding,
            attention=self.attention,
            evidence=self.backbone == SCRATCH,
            dropout=self.dropout,
            maximum_length=self.maximum_length,
            precision=precision,
        )

    def _adopt(self, design: "Design", encoder: "keras.Model", bridge: "keras.Model", decoder: "keras.Model") -> None:
        """Keep the trained weights in networks of plain float32, which any reader of the files can run."""
        from firstlight.systems.captioner_networks import build_bridge, build_decoder

        design = replace(design, precision="float32")
        plain_bridge, plain_decoder = build_bridge(design), build_decoder(design)
        plain_bridge.set_weights(bridge.get_weights())
        plain_decoder.set_weights(decoder.get_weights())
        self.describer = Describer(encoder, plain_bridge, plain_decoder, self.vocabulary.words)

    # -- on disk -------------------------------------------------------------------------------------------------

    def _save_parts(self, folder: Path) -> None:
        from firstlight.systems.captioner_folder import write

        write(self, folder)

    def _load_parts(self, folder: Path) -> None:
        from firstlight.systems.captioner_folder import read

        self.vocabulary, networks = read(folder)
        self.describer = Describer(*networks, self.vocabulary.words)
