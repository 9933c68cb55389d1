"""A whole training of an autoencoder: from prepared pictures to networks of stock layers, and what is kept beside them.

Beside the networks stand the principal components of the training pictures, which every judgement compares with, and
the spread of the codes, from which pictures can be drawn.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from firstlight.metrics import PrincipalComponents, principal_components
from firstlight.systems.autoencoder_batches import Supply
from firstlight.systems.autoencoder_networks import AutoencoderPlan, begin_from, build_decoder, build_encoder, centre
from firstlight.systems.autoencoder_preparation import Prepared, flat
from firstlight.systems.autoencoder_rows import in_batches
from firstlight.systems.autoencoder_settings import USUAL, strength_of
from firstlight.systems.autoencoder_training import Aim, Pair, Training
from firstlight.systems.backend import make_repeatable
from firstlight.systems.optimization import Optimization
from firstlight.systems.system import History

if TYPE_CHECKING:
    from firstlight.systems.autoencoder import Autoencoder

__all__ = ["Course", "Taught"]

_MOST_EPOCHS = 400  # where no number of epochs is given
_CODES = 20_000  # pictures from which the spread of the codes is taken, at most


@dataclass(frozen=True, eq=False)
class Taught:
    """What a training gives: both networks, principal components, mean and covariance of the codes, the history."""

    encoder: keras.Model
    decoder: keras.Model
    components: PrincipalComponents
    code_mean: np.ndarray
    code_covariance: np.ndarray
    history: History


@dataclass(frozen=True)
class Course:
    """An autoencoder, what it is to learn from, and how.

    Args:
        autoencoder: whose settings count.
        prepared: pictures to learn from and to decide by.
        chosen: the architecture, the precision and whether to mirror, as `system.json` has them.
        training: the arguments of `fit`: epochs, patience, seed.
        progress: is told what happens.
        folder: run folder; None keeps nothing.
    """

    autoencoder: "Autoencoder"
    prepared: Prepared
    chosen: dict[str, Any]
    training: dict[str, Any]
    progress: Any
    folder: Path | None = None

    def teach(self) -> Taught:
        """Train to the end."""
        make_repeatable(self.training["seed"])
        components = principal_components(flat(self.prepared.train), self.chosen["components"])
        start = self._start(components)
        plan = self.plan(len(start.variances))
        encoder, decoder = build_encoder(plan, training=True), build_decoder(plan, training=True)
        if plan.straight or plan.basis:
            begin_from(encoder, decoder, start, plan)
        elif plan.architecture == "linear":
            centre(encoder, decoder, components.mean)
        history = self._train(encoder, decoder)
        kept = build_encoder(plan), build_decoder(plan)
        for network, trained in zip(kept, (encoder, decoder), strict=True):
            network.set_weights(trained.get_weights())
        return Taught(*kept, components, *self._spread(kept[0]), history)

    def _start(self, components: PrincipalComponents) -> PrincipalComponents:
        """The components to begin from: with mirror images, those of pictures and mirror images together."""
        if not self.chosen["mirror"]:
            return components
        return principal_components(flat(self.prepared.train, True), self.chosen["components"])

    def _train(self, encoder: keras.Model, decoder: keras.Model) -> History:
        autoencoder = self.autoencoder
        training = Training(
            Pair(encoder, decoder, self.aim()),
            self.supply(),
            self.prepared.validation,
            self.optimization(),
            self.epochs(),
            average=autoencoder.average,
            patience=self.training["patience"],
            warm_up=autoencoder.beta_warm_up if autoencoder.variational else 0.0,
            refine=self.chosen["refine"],
            progress=self.progress,
            folder=self.folder,
        )
        return training.run()

    def _spread(self, encoder: keras.Model) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of the codes of training pictures."""
        train = self.prepared.train
        count = min(len(train), _CODES)

        def code(places: np.ndarray) -> Any:
            given = encoder.predict_on_batch(train.take(places).astype("float32"))
            return given[0] if self.autoencoder.variational else given

        codes = in_batches(code, count, int(np.prod(train.shape)))
        covariance = np.cov(codes, rowvar=False).reshape(codes.shape[1], -1) if count > 1 else np.eye(codes.shape[1])
        return codes.mean(axis=0), covariance.astype("float32")

    # -- what the settings come to -------------------------------------------------------------------------------

    def plan(self, components: int) -> AutoencoderPlan:
        """What fixes the shape of both networks, where there are so many principal components."""
        autoencoder, architecture = self.autoencoder, self.chosen["architecture"]
        usual = USUAL[architecture]
        from_components = architecture != "linear" and autoencoder.start == "pca" and autoencoder.loss != "crossentropy"
        return AutoencoderPlan(
            architecture,
            self.prepared.shape,
            autoencoder.code,
            autoencoder.width or usual.width,
            autoencoder.depth or usual.depth,
            from_components and autoencoder.sparsity == "none",
            components if from_components and architecture == "dense" else 0,
            autoencoder.variational,
            autoencoder.sparsity,
            autoencoder.loss == "crossentropy",
            usual.dropout if autoencoder.dropout is None else autoencoder.dropout,
            self.chosen["precision"],
        )

    def aim(self) -> Aim:
        """What makes a reconstruction and its code good."""
        autoencoder = self.autoencoder
        return Aim(
            autoencoder.loss,
            autoencoder.variational,
            autoencoder.beta,
            autoencoder.sparsity,
            autoencoder.sparsity_weight,
            autoencoder.active_share,
        )

    def supply(self) -> Supply:
        """The training pictures in batches."""
        autoencoder = self.autoencoder
        return Supply(
            self.prepared.train,
            self._batch_size(),
            self.training["seed"],
            self.chosen["mirror"],
            self.chosen["move"],
            autoencoder.noise,
            strength_of(autoencoder),
            autoencoder.code if autoencoder.variational else 0,
        )

    def optimization(self) -> Optimization:
        """How to learn."""
        autoencoder = self.autoencoder
        return Optimization(
            autoencoder.optimizer,
            autoencoder.learning_rate or USUAL[self.chosen["architecture"]].learning_rate,
            autoencoder.schedule,
            autoencoder.warm_up,
            momentum=autoencoder.momentum,
            weight_decay=autoencoder.weight_decay,
            clip_norm=autoencoder.clip_norm,
        )

    def epochs(self) -> int:
        """As the setting says, else what suits the architecture, and more where that would be few steps."""
        usual = USUAL[self.chosen["architecture"]]
        steps = max(1, len(self.prepared.train) // self._batch_size())
        # Many pictures need fewer passes: a few ten thousand steps are enough for what a code can hold.
        enough = max(3, -(-4 * usual.steps // steps))
        return self.training["epochs"] or min(max(min(usual.epochs, enough), -(-usual.steps // steps)), _MOST_EPOCHS)

    def _batch_size(self) -> int:
        images = len(self.prepared.train)
        usual = USUAL[self.chosen["architecture"]].batch_size
        return min(self.autoencoder.batch_size or usual, images)
