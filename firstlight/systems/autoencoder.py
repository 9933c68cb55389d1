"""The autoencoder: learns without labels to write a picture as a few numbers, and to draw it from them again.

What the numbers cannot hold is lost, so that noise is, too; between the numbers of two pictures lie pictures. Keras is
loaded when a network is built, not when this module is imported.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.metrics import PrincipalComponents
from firstlight.systems.system import History, Silent, System

if TYPE_CHECKING:
    import keras

__all__ = ["Autoencoder"]


class Autoencoder(System):
    """Writes pictures as codes of a few numbers and draws them again, learned from images without labels.

    Args:
        architecture: linear, dense, conv or deep (residual blocks); auto takes dense up to 3,072 values a picture, conv
            for more than 96 pixels a side, else deep.
        code: units of the code.
        image_size: side in pixels; by default that of the images if all are small and of one size, else 64.
        channels: grey, colour, or auto for what the images have.
        width: channels of the first stage, or units of each layer of a dense one; by default 32 and 512.
        depth: layers of a dense one, convolutions or blocks a stage of the others; by default 3 and 1.
        start: from principal components, with a network for what these miss, or at random.
        noise: what is done to the pictures that are shown; the clean ones are to come back.
        noise_strength: spread of gaussian noise (0.1), share of pixels of salt_and_pepper (0.1) and masking (0.25),
            pixels of a blur (1).
        sparsity: keep few units of a code from zero (l1), or each unit on seldom (kl).
        sparsity_weight: what that counts beside the error.
        active_share: share of the time in which a unit is to be on, for kl.
        variational: learn a code that is normally distributed, from which new pictures can be drawn.
        beta: what the distance of a variational code from that distribution counts.
        beta_warm_up: share of the epochs in which that begins to count.
        loss: of a pixel, squared, absolute, or crossentropy for pictures that are black and white.
        augmentation: how pictures are changed while training; auto mirrors where mirror images look like pictures, and
            moves pictures of which there are few and changes their light.
        refine: steps by which the code of a picture is bettered after the encoder; by default some where it is only to
            hold as much as it can, none where it is linear, variational, sparse, or to leave noise out.
        dropout: share of the units dropped before the code while training; by default none.
        batch_size: pictures learned from at once; by default 64.
        optimizer: sgd, adagrad, adadelta, rmsprop, adam, adamax, nadam, adamw or lion.
        learning_rate: the highest; by default what suits the architecture.
        schedule: how the rate changes: constant, cosine, one_cycle, step, exponential or plateau.
        warm_up: share of the steps in which the rate rises first; one_cycle rises by itself.
        momentum: of sgd and rmsprop.
        weight_decay: what weights shrink by, times the rate.
        clip_norm: longest gradient; 0 for any.
        average: momentum of the running mean of the weights, which is what is kept; 0 for none.
        precision: float32, mixed_bfloat16, or auto for the faster of the two on this machine.
    """

    task: ClassVar[str] = "images"

    def __init__(
        self,
        architecture: Literal["auto", "linear", "dense", "conv", "deep"] = "auto",
        *,
        code: int = 32,
        image_size: int | None = None,
        channels: Literal["auto", "grey", "colour"] = "auto",
        width: int | None = None,
        depth: int | None = None,
        start: Literal["pca", "random"] = "pca",
        noise: Literal["none", "gaussian", "salt_and_pepper", "masking", "blur"] = "none",
        noise_strength: float | None = None,
        sparsity: Literal["none", "l1", "kl"] = "none",
        sparsity_weight: float = 1e-3,
        active_share: float = 0.05,
        variational: bool = False,
        beta: float = 1.0,
        beta_warm_up: float = 0.2,
        loss: Literal["squared", "absolute", "crossentropy"] = "squared",
        augmentation: Literal["auto", "none", "mirror", "move", "both"] = "auto",
        refine: int | None = None,
        dropout: float | None = None,
        batch_size: int | None = None,
        optimizer: str = "adamw",
        learning_rate: float | None = None,
        schedule: str = "one_cycle",
        warm_up: float = 0.0,
        momentum: float = 0.9,
        weight_decay: float = 0.3,
        clip_norm: float = 1.0,
        average: float = 0.995,
        precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto",
    ):
        self.architecture = architecture
        self.code = code
        self.image_size = image_size
        self.channels = channels
        self.width = width
        self.depth = depth
        self.start = start
        self.noise = noise
        self.noise_strength = noise_strength
        self.sparsity = sparsity
        self.sparsity_weight = sparsity_weight
        self.active_share = active_share
        self.variational = variational
        self.beta = beta
        self.beta_warm_up = beta_warm_up
        self.loss = loss
        self.augmentation = augmentation
        self.refine = refine
        self.dropout = dropout
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.warm_up = warm_up
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.average = average
        self.precision = precision

    encoder: "keras.Model"
    decoder: "keras.Model"
    components: PrincipalComponents
    code_mean: np.ndarray
    code_covariance: np.ndarray
    shape: tuple[int, int, int]
    refiner: Any = None  # made when it is first needed

    # -- learning ------------------------------------------------------------------------------------------------

    def fit(
        self,
        train: Split,
        *,
        validation_data: Split | None = None,
        epochs: int | None = None,
        hold_out: float = 0.1,
        patience: int = 0,
        seed: int = 0,
        folder: str | Path | None = None,
        data: dict[str, Any] | None = None,
        progress: Any = None,
    ) -> History:
        """Learn from images; the epoch that is best on images held out is kept.

        Args:
            train: a split with images; labels are not looked at.
            validation_data: images that decide which epoch is best; without, a share of the training images.
            epochs: passes over the images; by default what suits the architecture and the number of images.
            hold_out: share of the training images that is held out where there is no validation_data.
            patience: stop after so many epochs without improvement; 0 never stops.
            seed: of everything that is drawn; the same seed gives the same weights on the same machine.
            folder: run folder. What it holds of an earlier call is taken up where it ended.
            data: what `system.json` shall say of the data.
            progress: is told what happens, see `firstlight.cli.progress`.

        Raises:
            FirstlightError: the data cannot be learned from, a setting is not one of those that exist, or `folder`
                holds a run of other settings.
        """
        from firstlight.systems.autoencoder_preparation import prepare
        from firstlight.systems.autoencoder_settings import check_settings, check_size

        training = {"epochs": epochs, "hold_out": hold_out, "patience": patience, "seed": seed}
        began = time.perf_counter()
        folder = None if folder is None else Path(folder)
        earlier = self.begun_in(folder, {**training, **(data or {})}) if folder else {}
        check_settings(self, training)
        progress = progress or Silent()
        prepared = prepare(self, train, validation_data, hold_out, seed, progress)
        prepared.check_same(earlier, folder)
        check_size(self, prepared.shape)

        from firstlight.systems.autoencoder_choices import choose
        from firstlight.systems.autoencoder_course import Course

        # Decided once and written down before the first epoch: a run that is taken up again keeps it.
        chosen = earlier.get("chosen") or choose(self, prepared, progress.message)
        ended = {name: earlier[name] for name in ("epochs_done", "seconds") if name in earlier}
        self.description = self.describe(training=training, data=data, chosen=chosen, **prepared.facts(), **ended)
        if folder is not None:
            self._write_description(folder)
        try:
            taught = Course(self, prepared, chosen, training, progress, folder).teach()
        except BaseException:
            self.description = {}  # not fitted
            raise
        self.encoder, self.decoder, self.components = taught.encoder, taught.decoder, taught.components
        self.code_mean, self.code_covariance, self.shape = taught.code_mean, taught.code_covariance, prepared.shape
        seconds = round(ended.get("seconds", 0) + time.perf_counter() - began, 1)  # of the calls that came to an end
        self.description |= {"epochs_done": len(taught.history.rows), "seconds": seconds}
        if folder is not None:
            taught.history.save(folder / "history.csv")
            self.save(folder)
        return taught.history

    # -- pictures and codes --------------------------------------------------------------------------------------

    def transform(self, images: Sequence[Any]) -> np.ndarray:
        """The codes (images, code) float32 of images, each a path or an array of uint8; of a variational one the means.

        Raises:
            ImageError: an image cannot be read.
        """
        from firstlight.systems.autoencoder_pictures import codes_of

        self._require_fitted()
        return codes_of(self, self.pictures(images))

    def inverse_transform(self, codes: Any) -> np.ndarray:
        """The pictures (codes, height, width, channels) uint8 that codes (codes, code) stand for."""
        from firstlight.systems.autoencoder_pictures import drawn, to_bytes

        self._require_fitted()
        values = np.asarray(codes, np.float32)
        if values.ndim != 2 or values.shape[1] != self.code:
            raise FirstlightError(f"Expected codes (pictures, {self.code}). Received {values.shape}.")
        return to_bytes(drawn(self, values))

    def reconstruct(self, images: Sequence[Any]) -> np.ndarray:
        """What comes back of images, (images, height, width, channels) uint8: all that their codes hold."""
        return self.inverse_transform(self.transform(images))

    def denoise(self, images: Sequence[Any]) -> np.ndarray:
        """Images without noise, (images, height, width, channels) uint8; best where it was trained with such noise."""
        return self.reconstruct(images)

    def morph(self, first: Any, second: Any, steps: int = 24, path: str = "linear") -> np.ndarray:
        """Pictures on the way from one image to another, (steps, height, width, channels) uint8.

        Args:
            first: a path or an array; the way begins with what comes back of it.
            second: where the way ends.
            steps: how many pictures, both ends included.
            path: `linear` or `spherical`, see `autoencoder_morphing.path_between`.
        """
        from firstlight.systems.autoencoder_morphing import path_between

        ends = self.transform([first, second])
        return self.inverse_transform(path_between(ends[0], ends[1], steps, path))

    def sample(self, count: int, seed: int = 0) -> np.ndarray:
        """New pictures (count, height, width, channels) uint8.

        A variational autoencoder draws codes from the distribution that it was trained for. Of any other, codes are
        drawn from the normal distribution that fits the codes of its training pictures: nothing taught it that pictures
        lie there, and often they do not.
        """
        from firstlight.systems.autoencoder_morphing import draw_codes

        self._require_fitted()
        mean, covariance = self.code_mean, self.code_covariance
        if self.variational:
            mean, covariance = np.zeros(self.code), np.eye(self.code)
        return self.inverse_transform(draw_codes(count, mean, covariance, seed))

    def pictures(self, images: Sequence[Any]) -> np.ndarray:
        """Images as the encoder sees them, (images, height, width, channels) uint8.

        Raises:
            ImageError: an image cannot be read.
        """
        from firstlight.data.images import read
        from firstlight.systems.pictures import pixels_of

        self._require_fitted()
        if not len(images):
            raise FirstlightError("Expected one image or more. Received none.")
        return np.stack([pixels_of(read(image, self.shape[:2]), self.shape[2]) for image in images])

    # -- judging -------------------------------------------------------------------------------------------------

    def evaluate(self, split: Split) -> dict[str, Any]:
        """How much of the images of a split comes back, with 95 % intervals, beside principal components.

        Returns:
            `squared_error`, `psnr`, `ssim`, `pca_squared_error`, `ratio_to_pca`, `noisy_psnr`, `denoised_psnr`,
            `denoising_gain` (dB), for a variational one `bound`, `fit_nats`, `divergence_nats` and `active_units`, for
            four images and more `largest_step` and `realism` of paths, `intervals`, and `passed_over`.
        """
        from firstlight.systems.autoencoder_judging import evaluate

        self._require_fitted()
        return evaluate(self, split)

    def self_checks(self, train: Split, validation: Split | None = None) -> list[dict[str, Any]]:
        """Checks against silent failure, see `firstlight.systems.autoencoder_checks`.

        Without a validation part, the images are judged that `fit` held out of the same training part.
        """
        from firstlight.systems.autoencoder_checks import self_checks

        self._require_fitted()
        return self_checks(self, train, validation)

    def overfit(self, split: Split, *, images: int = 32, seed: int = 0, progress: Any = None) -> dict[str, Any]:
        """Learn a few images by heart, which shows that pictures and gradients meet; this one stays as it is.

        An autoencoder of the same settings is trained from random weights, without noise, augmentation, dropout, decay,
        averaging and anything asked of the code.

        Returns:
            `images`, `steps`, `squared_error`, `against` (the error of their mean) and whether that `passed`: an error
            below a tenth of that of the mean.
        """
        from firstlight.systems.autoencoder_checks import overfit

        return overfit(self, split, images=images, seed=seed, progress=progress)

    # -- parts ---------------------------------------------------------------------------------------------------

    def _save_parts(self, folder: Path) -> None:
        from firstlight.systems.autoencoder_folder import write

        write(self, folder)

    def _load_parts(self, folder: Path) -> None:
        from firstlight.systems.autoencoder_folder import read

        self.shape = tuple(self.description["shape"])
        for name, part in read(folder).items():
            setattr(self, name, part)
