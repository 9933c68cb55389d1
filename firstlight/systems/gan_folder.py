"""What a GAN writes into its run folder beside `system.json`: networks, the pictures of each epoch, a card."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.errors import FirstlightError
from firstlight.systems.system import write_safely

if TYPE_CHECKING:
    from firstlight.systems.gan import GAN

__all__ = ["read", "read_progress", "write", "write_progress"]

_NETWORKS = ("generator", "discriminator")
_PROGRESS = "progress"


def write(gan: "GAN", folder: Path) -> None:
    """Each file is written whole or not at all."""
    for name in _NETWORKS:
        write_safely(folder / f"{name}.keras", getattr(gan, name).save)
    gan.space.save(folder)
    card = _card(gan)
    write_safely(folder / "README.md", lambda path: path.write_text(card, encoding="utf-8"))


def read(folder: Path) -> dict[str, Any]:
    """The parts of a GAN by the names that it has for them.

    Raises:
        FirstlightError: the training has not ended.
    """
    import keras

    from firstlight.systems.gan_features import read_space

    paths = [folder / f"{name}.keras" for name in _NETWORKS]
    missing = next((path for path in paths if not path.is_file()), None)
    if missing:
        raise FirstlightError(
            f"Expected a finished training in {folder}. Received one without {missing.name}. "
            "Run the training command again; it goes on where it was stopped."
        )
    networks = {name: keras.models.load_model(path, compile=False) for name, path in zip(_NETWORKS, paths, strict=True)}
    return {**networks, "space": read_space(folder)}


def write_progress(folder: Path, epoch: int, pictures: np.ndarray) -> None:
    """The pictures of an epoch (pictures, height, width, channels) uint8, drawn from the same numbers in each."""

    def save(path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, pictures)

    write_safely(folder / _PROGRESS / f"epoch-{epoch:04d}.npy", save)


def read_progress(folder: Path) -> list[np.ndarray]:
    """The pictures of each epoch that a run folder holds, in order."""
    return [np.load(path, allow_pickle=False) for path in sorted((folder / _PROGRESS).glob("epoch-*.npy"))]


def _card(gan: "GAN") -> str:
    """A short model card: what it is, what it learned from, how to use it, and what not to expect."""
    description = gan.description
    source = (description.get("data") or {}).get("source", "not recorded")
    height, width, channels = gan.shape
    classes = f" of {len(gan.classes)} classes that can be asked for" if gan.conditional else ""
    lines = [
        "# A generative adversarial network",
        "",
        f"Draws new pictures of {height} x {width} pixels, {'grey' if channels == 1 else 'in colour'}{classes}, from "
        f"{gan.latent} random numbers. Trained by firstlight {description['versions']['firstlight']} on "
        f"{description['date'][:10]}, data: {source} ({description['train_images']} images for training, "
        f"{description['validation_images']} to choose the best epoch), seed {description['training']['seed']}.",
        "",
        f"{gan!r}",
        "",
        "Use: `firstlight sample THIS_FOLDER -n 64 --out grid.png`, `firstlight morph THIS_FOLDER --out film.gif`. "
        "`generator.keras` takes standard normal numbers and gives pixels from 0 to 255; all scaling is part of it. "
        "Measured quality: `metrics.json`. It draws what looks like its training pictures, with their prejudices, and "
        "nothing that it draws ever was.",
    ]
    return "\n".join(lines) + "\n"
