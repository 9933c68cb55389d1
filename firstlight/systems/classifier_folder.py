"""What a classifier writes into its run folder beside `system.json`: the network, and a card for who finds it."""

from pathlib import Path
from typing import TYPE_CHECKING

from firstlight.errors import FirstlightError
from firstlight.systems.system import write_safely, write_text_safely

if TYPE_CHECKING:
    import keras

    from firstlight.systems.classifier import ImageClassifier

__all__ = ["read_network", "write"]


def write(classifier: "ImageClassifier", folder: Path) -> None:
    """Each file is written whole or not at all."""
    write_safely(folder / "network.keras", classifier.network.save)
    card = _card(classifier)
    write_text_safely(folder / "README.md", card)


def read_network(folder: Path) -> "keras.Model":
    """The network of a run folder.

    Raises:
        FirstlightError: the training has not ended.
    """
    import keras

    path = folder / "network.keras"
    if not path.is_file():
        raise FirstlightError(
            f"Expected a finished training in {folder}. Received one without network.keras. "
            "Run the training command again; it goes on where it was stopped."
        )
    return keras.models.load_model(path, compile=False)


def _card(classifier: "ImageClassifier") -> str:
    """A short model card: what it is, what it learned from, how to use it, and what not to expect."""
    description = classifier.description
    source = (description.get("data") or {}).get("source", "not recorded")
    height, width, channels = classifier.shape
    names = ", ".join(classifier.classes[:20]) + ", ..." * (len(classifier.classes) > 20)
    lines = [
        "# An image classifier",
        "",
        f"Tells {len(classifier.classes)} classes of images apart: {names}. Trained by firstlight "
        f"{description['versions']['firstlight']} on {description['date'][:10]}, data: {source} "
        f"({description['train_images']} images for training, {description['validation_images']} to choose the best "
        f"epoch), seed {description['training']['seed']}.",
        "",
        f"{classifier!r}",
        "",
        f"Use: `firstlight classify THIS_FOLDER image.jpg`. Images are brought to {height} x {width} pixels, "
        f"{'grey' if channels == 1 else 'in colour'}; all other scaling is part of `network.keras`. Measured quality: "
        "`metrics.json`. It gives one of its classes to any image, also to one that shows something else.",
    ]
    return "\n".join(lines) + "\n"
