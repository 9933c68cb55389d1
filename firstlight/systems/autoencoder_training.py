"""How the autoencoder learns: the error of what comes back, with what is asked of the code, epoch by epoch.

After each epoch everything needed to go on is written down. The weights of the epoch that is best on pictures held out
are kept.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from firstlight.data.batches import ahead
from firstlight.systems.autoencoder_batches import Supply
from firstlight.systems.autoencoder_noise import with_noise
from firstlight.systems.autoencoder_preparation import Part
from firstlight.systems.autoencoder_refining import Refiner
from firstlight.systems.autoencoder_rows import in_batches
from firstlight.systems.backend import trains_under_xla
from firstlight.systems.keeping import Keeping, check_finite, epochs_since_best, is_on_plateau
from firstlight.systems.optimization import Optimization
from firstlight.systems.system import History

__all__ = ["Aim", "Pair", "Training"]

_JUDGED, _REFINED = (
    1000,
    10,
)  # pictures by which an epoch is judged, and steps by which their codes are bettered, at most
_VALIDATION_SEED = 12345  # of the noise and the draws with which pictures that decide are shown: the same every epoch
_TINY = 1e-8


@dataclass(frozen=True)
class Aim:
    """What makes a reconstruction and its code good.

    Args:
        loss: `squared`, `absolute` or `crossentropy`, a pixel.
        variational: the code is drawn, and its distance from the standard normal distribution counts.
        beta: what that distance is multiplied by (Higgins et al. 2017); 1 is the bound of the likelihood.
        sparsity: `none`, `l1` or `kl`.
        sparsity_weight: what it is multiplied by.
        active: share of the time in which a unit of a `kl` code is to be on.
    """

    loss: str = "squared"
    variational: bool = False
    beta: float = 1.0
    sparsity: str = "none"
    sparsity_weight: float = 0.0
    active: float = 0.05

    def error(self, wanted: Any, given: Any) -> Any:
        """The mean error a pixel of pictures from 0 to 1."""
        if self.loss == "crossentropy":
            given = ops.clip(given, _TINY, 1 - 1e-6)
            return -ops.mean(wanted * ops.log(given) + (1 - wanted) * ops.log(1 - given))
        return ops.mean(ops.square(wanted - given) if self.loss == "squared" else ops.abs(wanted - given))

    def total(self, wanted: Any, given: Any, code: Any, log_variance: Any, warmth: Any) -> Any:
        """What is made small. `warmth` from 0 to 1 is how far the code's distance counts yet.

        Of a variational one it is, a pixel, the negative bound of equation 10 of Kingma and Welling 2014. The spread
        of pixels around the reconstruction is the one that fits best, so that the error counts by its logarithm
        (Rybkin, Daniilidis, Levine 2021, section 3.2: sigma-VAE).
        """
        error = self.error(wanted, given)
        if self.variational:
            pixels = float(np.prod(wanted.shape[1:]))
            scale = {"squared": 0.5, "absolute": 1.0}.get(self.loss)
            fit = error if scale is None else scale * ops.log(error + _TINY)
            return fit + self.beta * warmth * ops.mean(_divergence(code, log_variance)) / pixels
        if self.sparsity == "l1":
            return error + self.sparsity_weight * ops.mean(ops.abs(code))
        if self.sparsity == "kl":
            return error + self.sparsity_weight * ops.mean(self._inactivity(ops.mean(code, axis=0)))
        return error

    def _inactivity(self, on: Any) -> Any:
        """How far each unit is from being on as seldom as it should (Ng 2011, "Sparse autoencoder", section 3)."""
        on = ops.clip(on, 1e-6, 1 - 1e-6)
        share = self.active
        return share * ops.log(share / on) + (1 - share) * ops.log((1 - share) / (1 - on))


def _divergence(mean: Any, log_variance: Any) -> Any:
    """How far each code is from the standard normal distribution, in nats (Kingma and Welling 2014, appendix B)."""
    return 0.5 * ops.sum(ops.square(mean) + ops.exp(log_variance) - log_variance - 1, axis=-1)


class Pair(keras.Model):
    """Encoder and decoder, and what they are to make small; the inputs are what `Supply` gives, and `warmth`."""

    def __init__(self, encoder: keras.Model, decoder: keras.Model, aim: Aim):
        super().__init__(name="autoencoder")
        self.encoder, self.decoder, self.aim = encoder, decoder, aim
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> dict[str, Any]:
        """Pictures 0..1, their codes, and of a variational one the logarithms of the codes' variances."""
        found = self.encoder(inputs["shown"], training=training)
        if not self.aim.variational:
            return {"pictures": self.decoder(found, training=training) / 255.0, "code": found}
        code, log_variance = found
        drawn = code + ops.exp(0.5 * log_variance) * inputs["draws"]
        pictures = self.decoder(drawn, training=training) / 255.0
        return {"pictures": pictures, "code": code, "log_variance": log_variance}

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool | None = True,
    ) -> Any:
        """The aim's total over a batch."""
        warmth = ops.mean(x["warmth"])
        wanted = y / 255.0
        return self.aim.total(wanted, y_pred["pictures"], y_pred["code"], y_pred.get("log_variance"), warmth)


class Training:
    """One training, from the first batch or from the last epoch that was written down.

    Args:
        pair: encoder and decoder.
        supply: what to learn from.
        validation: pictures that decide which epoch is best.
        optimization: how to learn.
        epochs: passes over the pictures.
        average: momentum of the running mean of the weights, 0 for none.
        patience: stop after so many epochs without improvement; 0 never stops.
        warm_up: share of the epochs in which the divergence of a variational code begins to count.
        refine: steps by which codes are bettered before they are judged.
        progress: is told what happens.
        folder: run folder for `checkpoints/` and `history.csv`; None keeps nothing.
    """

    def __init__(
        self,
        pair: Pair,
        supply: Supply,
        validation: Part,
        optimization: Optimization,
        epochs: int,
        *,
        average: float,
        patience: int,
        warm_up: float,
        refine: int,
        progress: Any,
        folder: Path | None,
    ):
        self.pair, self.supply, self.validation = pair, supply, validation
        self.optimization, self.epochs, self.patience, self.warm_up = optimization, epochs, patience, warm_up
        self.progress = progress
        self.refiner = Refiner(pair.decoder, min(refine, _REFINED), changing=True)
        self.keeping = Keeping([*pair.encoder.variables, *pair.decoder.variables], average, folder)

    def run(self) -> History:
        """Learn to the last epoch; afterwards the networks hold the weights of the best one."""
        self.keeping.resume()
        done = len(self.keeping.history.rows)
        self.progress.start(self.epochs, done, "images")
        if done < self.epochs and not self._is_exhausted():
            optimizer = self.optimization.make(self.epochs, self.supply.count())
            self.pair.compile(optimizer, jit_compile=trains_under_xla())
            optimizer.build(self.pair.trainable_variables)
            if done:
                self.keeping.continue_optimizer(optimizer)
            for number in range(done, self.epochs):
                self._epoch(number)
                if self._is_exhausted():
                    self.progress.message(f"stopped, no better for {self.patience} epochs")
                    break
        self.keeping.restore_best()
        return self.keeping.history

    def _waited(self) -> int:
        return epochs_since_best([-row["val_loss"] for row in self.keeping.history.rows])

    def _is_exhausted(self) -> bool:
        return bool(self.patience) and self._waited() >= self.patience

    def _warmth(self, epoch: int) -> float:
        return min(1.0, (epoch + 1) / (self.warm_up * self.epochs)) if self.warm_up else 1.0

    def _epoch(self, number: int) -> None:
        self.progress.epoch_started(number, self.supply.count())
        warmth, total = self._warmth(number), 0.0
        for done, batch in enumerate(ahead(self.supply.epoch(number)), 1):
            self.pair.reset_metrics()  # or Keras would give the mean of all batches so far
            wanted = batch.pop("wanted")
            inputs = {**batch, "warmth": np.full(len(wanted), warmth, "float32")}
            loss = float(self.pair.train_on_batch(inputs, wanted))
            check_finite(loss, number + 1, done)
            total += loss
            self.keeping.stepped()
            self.progress.batch(done, loss, len(wanted))
        rate = float(ops.convert_to_numpy(self.pair.optimizer.learning_rate))
        with self.keeping.averaged():
            judged = self._validate()
            self.keeping.offer(-judged["val_loss"])
        row = {"epoch": number + 1, "loss": total / self.supply.count(), "learning_rate": rate, **judged}
        self.keeping.history.rows.append(row)
        if self.optimization.schedule == "plateau" and is_on_plateau(self._waited()):
            self.optimization.lower(self.pair.optimizer)
        self.keeping.write_down(self.pair.optimizer)
        self.progress.epoch_ended(number, row)

    def _validate(self) -> dict[str, float]:
        """The aim and the error on the pictures that decide, shown as while training, with the same draws each time."""
        aim, supply, part = self.pair.aim, self.supply, self.validation
        random = np.random.default_rng(_VALIDATION_SEED)
        places = np.unique(np.linspace(0, len(part) - 1, min(_JUDGED, len(part))).round().astype(int))
        wanted = part.take(places).astype("float32")
        shown = 255 * with_noise(wanted / 255, supply.noise, supply.strength, random)
        values = int(np.prod(part.shape))
        found = in_batches(lambda rows: self.pair.encoder.predict_on_batch(shown[rows]), len(places), values)
        code, log_variance = found if aim.variational else (found, np.zeros_like(found))
        drawn = self.refiner(code, wanted, code.std(axis=0))
        if aim.variational:
            drawn = code + np.exp(0.5 * log_variance) * random.standard_normal(code.shape, dtype=np.float32)
        given = in_batches(lambda rows: self.pair.decoder.predict_on_batch(drawn[rows]), len(places), values)
        arrays = wanted / 255, given / 255, code, log_variance
        error = float(np.square(arrays[0] - arrays[1]).mean())
        return {"val_loss": float(aim.total(*map(ops.convert_to_tensor, arrays), 1.0)), "squared_error": error}
