"""The fixed space in which drawn pictures are compared with real ones: what a classifier of such pictures sees.

Distances between pixels say little of what a picture shows. The layer before the logits of a classifier, trained on
the same pictures, does. Without labels there is no such classifier, and principal components of the pixels take its
place, which see less: shapes that are a little blurred or broken are near to whole ones there.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.metrics import PrincipalComponents, principal_components
from firstlight.systems.autoencoder_preparation import flat
from firstlight.systems.autoencoder_training import in_batches
from firstlight.systems.gan_preparation import PreparedGan
from firstlight.systems.pictures import Pictures
from firstlight.systems.system import Silent, write_safely

if TYPE_CHECKING:
    from firstlight.systems.classifier import ImageClassifier

__all__ = ["JUDGE", "FeatureSpace", "make_space", "read_space"]

JUDGE = "judge"  # folder of the classifier inside a run folder
_COMPONENTS = "judge.npz"
_UNITS = 64  # principal components
_STEPS = 1500  # of a judge: enough for its features, and some minutes for a GAN of an hour


@dataclass(frozen=True, eq=False)
class FeatureSpace:
    """From pictures to features (pictures, features), and to classes where a classifier sees them.

    Args:
        classifier: whose layer before the logits counts, or None.
        components: of the pixels, where there is no classifier.
    """

    classifier: "ImageClassifier | None"
    components: PrincipalComponents | None = None

    @property
    def name(self) -> str:
        """What the space is, for tables and pages."""
        return "classifier features" if self.classifier else "principal components of pixels"

    @property
    def classes(self) -> list[str]:
        """What the classifier tells apart; nothing without one."""
        return self.classifier.classes if self.classifier else []

    def see(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The features of pictures (pictures, height, width, channels) uint8, and the probabilities of the classes."""
        if self.components is not None:
            rows = pictures.reshape(len(pictures), -1).astype("float32") / np.float32(255)
            return self.components.transform(rows), None
        network, shape = self._network(), self._classifier().shape
        shown = pictures if pictures.shape[1:] == shape else Pictures(_coloured(pictures), shape).take(slice(None))

        def given(places: np.ndarray) -> Any:
            return network.predict_on_batch(shown[places].astype("float32"))

        features, shares = in_batches(given, len(shown), int(np.prod(shape)))
        return features.astype("float32"), shares

    def features(self, pictures: np.ndarray) -> np.ndarray:
        """The features alone."""
        return self.see(pictures)[0]

    def save(self, folder: Path) -> None:
        """Write the space into a run folder, where it is not there already."""
        if self.classifier is not None:
            if not (folder / JUDGE / "network.keras").exists():
                self.classifier.save(folder / JUDGE)
            return
        found = self.components

        def write(path: Path) -> None:
            with path.open("wb") as file:
                np.savez(file, mean=found.mean, components=found.components, variances=found.variances)  # type: ignore

        write_safely(folder / _COMPONENTS, write)

    def _classifier(self) -> Any:
        return self.classifier

    def _network(self) -> keras.Model:
        """Features and probabilities in one pass; built once."""
        if not hasattr(self, "_both"):
            network = self._classifier().network
            logits = network.get_layer("logits")
            object.__setattr__(self, "_both", keras.Model(network.input, [logits.input, network.output]))
        both: keras.Model = self._both  # type: ignore[attr-defined]
        return both


def make_space(
    judge: str | None, train: Split, prepared: PreparedGan, seed: int, folder: Path | None, progress: Any
) -> FeatureSpace:
    """The space of a run: of the classifier in a folder that is named, of one that is trained here, or of pixels.

    A classifier that is trained here is kept in the run folder, and taken up there.
    """
    if folder is not None and ((folder / JUDGE / "network.keras").exists() or (folder / _COMPONENTS).exists()):
        return read_space(folder)
    if judge is not None:
        space = FeatureSpace(_opened(judge))
    elif prepared.classes and len(prepared.classes) > 1:
        progress.message("training a classifier of these images, to judge by what it sees")
        space = FeatureSpace(_trained(train, prepared, seed, folder, progress))
    else:
        progress.message("no labels: judged by principal components of the pixels, which see less than a classifier")
        space = FeatureSpace(None, principal_components(flat(prepared.pictures.train), _UNITS))
    if folder is not None:
        space.save(folder)
    return space


def read_space(folder: Path) -> FeatureSpace:
    """The space that a run folder holds.

    Raises:
        FirstlightError: it holds none.
    """
    if (folder / JUDGE / "network.keras").exists():
        return FeatureSpace(_opened(folder / JUDGE))
    if not (folder / _COMPONENTS).is_file():
        raise FirstlightError(
            f"Expected {JUDGE}/ or {_COMPONENTS} in {folder}, by which the run is judged. Received a folder without. "
            "Run the training command again."
        )
    with np.load(folder / _COMPONENTS, allow_pickle=False) as file:
        return FeatureSpace(None, PrincipalComponents(file["mean"], file["components"], file["variances"]))


def _opened(folder: str | Path) -> "ImageClassifier":
    from firstlight.systems.classifier import ImageClassifier
    from firstlight.systems.system import load

    found = load(folder)
    if not isinstance(found, ImageClassifier):
        raise FirstlightError(f"Expected judge to be the run of a classifier. Received a {type(found).__name__}.")
    return found


def _trained(train: Split, prepared: PreparedGan, seed: int, folder: Path | None, progress: Any) -> "ImageClassifier":
    from firstlight.systems.classifier import ImageClassifier

    height, width = prepared.pictures.shape[:2]
    square = height if height == width else None
    classifier = ImageClassifier("cnn", image_size=square, batch_size=min(128, len(train)))
    # What the GAN never saw stays unseen by its judge, too: both learn from the same pictures.
    part = prepared.pictures.train
    rows = [int(row) for row in np.asarray(part.whole.rows)[part.places]]
    epochs = max(2, min(40, _STEPS * 128 // max(len(rows), 1)))
    inside = None if folder is None else folder / JUDGE
    classifier.fit(train.take(rows), epochs=epochs, seed=seed, folder=inside, progress=_InOneLine(progress, epochs))
    return classifier


class _InOneLine(Silent):
    """The epochs of the classifier as one task, so that the reader sees those of the GAN."""

    def __init__(self, progress: Any, epochs: int):
        self.done = progress.task("epochs of the classifier", epochs)

    def epoch_ended(self, epoch: int, logs: dict[str, float]) -> None:
        """One more is done."""
        self.done(epoch + 1)


def _coloured(pictures: np.ndarray) -> list[np.ndarray]:
    return list(np.repeat(pictures, 3, axis=3) if pictures.shape[3] == 1 else pictures)
