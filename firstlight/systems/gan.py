"""The generative adversarial network: draws new pictures like those that it was shown, and labels by wish.

Two networks learn against each other: a generator draws from random numbers, a discriminator tells what is drawn from
what is real. Keras is loaded when a network is built, not when this module is imported.
"""

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from firstlight.data.table import Split
from firstlight.errors import FirstlightError, nearest
from firstlight.systems.system import History, Silent, System

if TYPE_CHECKING:
    import keras

    from firstlight.systems.gan_features import FeatureSpace

__all__ = ["GAN"]

_FEW = 5000  # pictures, below which a discriminator learns them by heart unless they are moved


class GAN(System):
    """Draws new pictures like those that it was shown, learned from images, with labels or without.

    Args:
        loss: non_saturating (Goodfellow et al. 2014), hinge, wgan_gp, or least_squares.
        conditional: learn from labels too, so that a class can be asked for.
        latent: random numbers that a picture is drawn from.
        width: channels of the finest feature maps but one; each coarser stage has twice as many.
        image_size: side in pixels; by default that of the images if all are of one size up to 64, else 64.
        channels: grey, colour, or auto for what the images have.
        batch_size: pictures learned from at once.
        generator_rate: learning rate of the generator.
        discriminator_rate: learning rate of the discriminator.
        beta_1: how much of its last direction Adam keeps.
        beta_2: how long Adam remembers the squares of gradients.
        schedule: linear lets both rates fall to a tenth; constant does not.
        discriminator_steps: steps of the discriminator for one of the generator; wgan_gp wants 5.
        r1: what the squared gradient of the discriminator at real pictures counts; 0 for nothing.
        gradient_penalty: what the penalty of wgan_gp counts.
        spectral_normalization: hold the largest singular value of each kernel of the discriminator at 1.
        label_smoothing: how far real pictures are from counting as wholly real.
        augmentation: mirror mirrors real pictures, shift moves real and drawn ones alike; auto mirrors where mirror
            images look like pictures, and moves where there are few.
        average: momentum of the running mean of the generator's weights, which is what draws; 0 for none.
        judge: run folder of a classifier in whose features pictures are judged; by default one is trained where there
            are labels, and else principal components of pixels serve, which see less.
        precision: float32, mixed_bfloat16, or auto for the faster of the two on this machine.
    """

    task: ClassVar[str] = "images"
    watch: Callable[[int, np.ndarray], object] | None = None
    """Is called while fitting, after each epoch, with its number and pictures drawn from the same random numbers."""

    def __init__(
        self,
        loss: Literal["non_saturating", "hinge", "wgan_gp", "least_squares"] = "non_saturating",
        *,
        conditional: bool = False,
        latent: int = 64,
        width: int = 32,
        image_size: int | None = None,
        channels: Literal["auto", "grey", "colour"] = "auto",
        batch_size: int = 64,
        generator_rate: float = 4e-4,
        discriminator_rate: float = 8e-4,
        beta_1: float = 0.5,
        beta_2: float = 0.99,
        schedule: Literal["linear", "constant"] = "linear",
        discriminator_steps: int = 1,
        r1: float = 0.1,
        gradient_penalty: float = 10.0,
        spectral_normalization: bool = False,
        label_smoothing: float = 0.0,
        augmentation: Literal["auto", "none", "mirror", "shift", "both"] = "auto",
        average: float = 0.999,
        judge: str | None = None,
        precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto",
    ):
        self.loss = loss
        self.conditional = conditional
        self.latent = latent
        self.width = width
        self.image_size = image_size
        self.channels = channels
        self.batch_size = batch_size
        self.generator_rate = generator_rate
        self.discriminator_rate = discriminator_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.schedule = schedule
        self.discriminator_steps = discriminator_steps
        self.r1 = r1
        self.gradient_penalty = gradient_penalty
        self.spectral_normalization = spectral_normalization
        self.label_smoothing = label_smoothing
        self.augmentation = augmentation
        self.average = average
        self.judge = judge
        self.precision = precision

    generator: "keras.Model"
    discriminator: "keras.Model"
    space: "FeatureSpace"
    shape: tuple[int, int, int]
    classes: list[str]

    # -- learning ------------------------------------------------------------------------------------------------

    def fit(
        self,
        train: Split,
        *,
        validation_data: Split | None = None,
        epochs: int | None = None,
        hold_out: float = 0.1,
        seed: int = 0,
        folder: str | Path | None = None,
        data: dict[str, Any] | None = None,
        progress: Any = None,
    ) -> History:
        """Learn from images; the epoch whose pictures are nearest to images held out is kept.

        Args:
            train: a split with images, and labels where it is conditional.
            validation_data: images that pictures are compared with after each epoch; without, a share of the training
                images.
            epochs: passes over the images; by default what makes some 16,000 steps.
            hold_out: share of the training images that is held out where there is no validation_data.
            seed: of everything that is drawn; the same seed gives the same weights on the same machine.
            folder: run folder. What it holds of an earlier call is taken up where it ended.
            data: what `system.json` shall say of the data.
            progress: is told what happens, see `firstlight.cli.progress`.

        Raises:
            FirstlightError: the data cannot be learned from, a setting is not one of those that exist, or `folder`
                holds a run of other settings.
        """
        from firstlight.systems.gan_preparation import prepare_gan
        from firstlight.systems.gan_settings import check_settings

        training = {"epochs": epochs, "hold_out": hold_out, "seed": seed}
        began = time.perf_counter()
        folder = None if folder is None else Path(folder)
        earlier = self.begun_in(folder, {**training, **(data or {})}) if folder else {}
        check_settings(self, training)
        progress = progress or Silent()
        prepared = prepare_gan(self, train, validation_data, hold_out, seed, progress)
        prepared.pictures.check_same(earlier, folder)

        from firstlight.systems.gan_course import GanCourse
        from firstlight.systems.gan_features import make_space

        # Decided once and written down before the first epoch: a run that is taken up again keeps it.
        chosen = earlier.get("chosen") or self._choose(prepared, epochs)
        ended = {name: earlier[name] for name in ("epochs_done", "seconds") if name in earlier}
        self.description = self.describe(training=training, data=data, chosen=chosen, **prepared.facts(), **ended)
        if folder is not None:
            self._write_description(folder)
        try:
            self.space = make_space(self.judge, train, prepared, seed, folder, progress)
            course = GanCourse(self, prepared, self.space, chosen, seed, progress, folder)
            self.generator, self.discriminator, history = course.teach()
        except BaseException:
            self.description = {}  # not fitted
            raise
        self.shape, self.classes = prepared.pictures.shape, prepared.classes
        seconds = round(ended.get("seconds", 0) + time.perf_counter() - began, 1)  # of the calls that came to an end
        self.description |= {"epochs_done": len(history.rows), "seconds": seconds}
        if folder is not None:
            history.save(folder / "history.csv")
            self.save(folder)
        return history

    def _choose(self, prepared: Any, epochs: int | None) -> dict[str, Any]:
        """What `auto` and settings that are not given come to for these pictures on this machine."""
        from firstlight.systems.autoencoder_batches import is_symmetric
        from firstlight.systems.backend import fast_precision
        from firstlight.systems.gan_settings import usual_epochs

        pictures, wanted = prepared.pictures.train, self.augmentation
        automatic = wanted == "auto"
        return {
            "precision": fast_precision() if self.precision == "auto" else self.precision,
            "mirror": wanted in ("mirror", "both") or (automatic and is_symmetric(pictures)),
            "shift": wanted in ("shift", "both") or (automatic and len(pictures) < _FEW),
            "epochs": epochs or usual_epochs(len(pictures), self),
        }

    # -- drawing -------------------------------------------------------------------------------------------------

    def sample(self, count: int, seed: int = 0, label: str | None = None) -> np.ndarray:
        """New pictures (count, height, width, channels) uint8; the first of a seed are the same for every count.

        A conditional GAN draws all classes in turn, or one alone where a label is given.
        """
        from firstlight.systems.gan_pictures import latents

        if count < 1:
            raise FirstlightError(f"Expected one picture or more. Received {count}.")
        return self.generate(latents(count, self.latent, seed), label)

    def generate(self, latent: Any, label: str | None = None) -> np.ndarray:
        """The pictures (pictures, height, width, channels) uint8 of random numbers (pictures, latent).

        Raises:
            FirstlightError: the numbers have another shape, or there is no such label.
        """
        from firstlight.systems.gan_pictures import draw

        self._require_fitted()
        values = np.asarray(latent, np.float32)
        if values.ndim != 2 or values.shape[1] != self.latent or not len(values):
            raise FirstlightError(f"Expected random numbers (pictures, {self.latent}). Received {values.shape}.")
        return draw(self.generator, values, self._labels(len(values), label))

    def morph(self, seeds: tuple[int, ...] = (0, 1), steps: int = 24, label: str | None = None) -> np.ndarray:
        """Pictures on the way from one drawn picture to the next, (pictures, height, width, channels) uint8.

        Args:
            seeds: of the pictures to pass through, two or more, each the first of its seed.
            steps: pictures of each part of the way, both ends included.
            label: of a conditional GAN; by default its first class.
        """
        from firstlight.systems.autoencoder_morphing import path_between
        from firstlight.systems.gan_pictures import latents

        if len(seeds) < 2:
            raise FirstlightError(f"Expected two seeds or more to morph between. Received {len(seeds)}.")
        ends = [latents(1, self.latent, seed)[0] for seed in seeds]
        # Normal numbers of many dimensions lie on a sphere: a straight line would leave it.
        parts = [path_between(one, other, steps, "spherical") for one, other in pairwise(ends)]
        way = np.concatenate([parts[0], *(part[1:] for part in parts[1:])])
        return self.generate(way, label or (self.classes[0] if self.conditional else None))

    def class_grid(self, columns: int = 10, seed: int = 0) -> np.ndarray:
        """Pictures (classes * columns, height, width, channels) uint8, a row a class, a column the same numbers."""
        from firstlight.systems.gan_pictures import latents

        self._require_fitted()
        if not self.conditional:
            raise FirstlightError("Expected a GAN that was trained with conditional=True. Received one without labels.")
        same = latents(columns, self.latent, seed)
        return np.concatenate([self.generate(same, label) for label in self.classes])

    def _labels(self, count: int, label: str | None) -> np.ndarray | None:
        if not self.conditional:
            if label is not None:
                raise FirstlightError(
                    f"Expected no label, for this GAN was trained without (conditional=False). Received {label!r}."
                )
            return None
        if label is None:
            return np.resize(np.arange(len(self.classes)), count)
        if label not in self.classes:
            raise FirstlightError(
                f"Expected one of the labels {', '.join(self.classes)}. Received {label!r}."
                f"{nearest(label, self.classes)}"
            )
        return np.full(count, self.classes.index(label))

    # -- judging -------------------------------------------------------------------------------------------------

    def evaluate(self, split: Split, *, train: Split | None = None, seed: int = 0) -> dict[str, Any]:
        """How near drawn pictures are to those of a split, in the feature space of the run.

        Args:
            split: real images that were not trained on; as many pictures are drawn as half of it has.
            train: the images that were trained on, for the check for copies; without, it is left out.
            seed: of what is drawn.

        Returns:
            `frechet_distance`, `frechet_halves` (two halves of the split), `frechet_untrained` (a generator that
            learned nothing), `precision`, `recall`, `density`, `coverage`, `variety`; with `train` `nearest_ratio`,
            `nearer` and `nearest_ratio_features`, `nearer_features`, see `metrics.memorisation`; `class_shares` where
            the feature space is a classifier's; `pictures`, `space`, `passed_over`.
        """
        from firstlight.systems.gan_judging import evaluate

        self._require_fitted()
        return evaluate(self, split, train, seed)

    def self_checks(self, train: Split, validation: Split | None = None) -> list[dict[str, Any]]:
        """Checks against silent failure, see `firstlight.systems.gan_checks`; the validation part is not needed."""
        from firstlight.systems.gan_checks import self_checks

        self._require_fitted()
        return self_checks(self, train)

    # -- parts ---------------------------------------------------------------------------------------------------

    def _save_parts(self, folder: Path) -> None:
        from firstlight.systems.gan_folder import write

        write(self, folder)

    def _load_parts(self, folder: Path) -> None:
        from firstlight.systems.gan_folder import read

        self.shape, self.classes = tuple(self.description["shape"]), list(self.description["classes"])
        for name, part in read(folder).items():
            setattr(self, name, part)
