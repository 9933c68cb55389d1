"""What an autoencoder writes into its run folder beside `system.json`: networks, what they are judged by, a card."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.errors import FirstlightError
from firstlight.metrics import PrincipalComponents
from firstlight.systems.system import write_safely

if TYPE_CHECKING:
    from firstlight.systems.autoencoder import Autoencoder

__all__ = ["read", "write"]

_NETWORKS = ("encoder", "decoder")
_COMPARED = "compared.npz"


def write(autoencoder: "Autoencoder", folder: Path) -> None:
    """Each file is written whole or not at all."""
    for name in _NETWORKS:
        write_safely(folder / f"{name}.keras", getattr(autoencoder, name).save)
    components = autoencoder.components
    arrays = {
        "mean": components.mean,
        "components": components.components,
        "variances": components.variances,
        "code_mean": autoencoder.code_mean,
        "code_covariance": autoencoder.code_covariance,
    }

    def save(path: Path) -> None:
        with path.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    write_safely(folder / _COMPARED, save)
    card = _card(autoencoder)
    write_safely(folder / "README.md", lambda path: path.write_text(card, encoding="utf-8"))


def read(folder: Path) -> dict[str, Any]:
    """The parts of an autoencoder by the names that it has for them.

    Raises:
        FirstlightError: the training has not ended.
    """
    import keras

    paths = [*(folder / f"{name}.keras" for name in _NETWORKS), folder / _COMPARED]
    missing = next((path for path in paths if not path.is_file()), None)
    if missing:
        raise FirstlightError(
            f"Expected a finished training in {folder}. Received one without {missing.name}. "
            "Run the training command again; it goes on where it was stopped."
        )
    found: dict[str, Any] = {
        name: keras.models.load_model(path, compile=False) for name, path in zip(_NETWORKS, paths, strict=False)
    }
    with np.load(paths[-1], allow_pickle=False) as file:
        arrays = dict(file)
    found["components"] = PrincipalComponents(arrays["mean"], arrays["components"], arrays["variances"])
    return {**found, "code_mean": arrays["code_mean"], "code_covariance": arrays["code_covariance"]}


def _card(autoencoder: "Autoencoder") -> str:
    """A short model card: what it is, what it learned from, how to use it, and what not to expect."""
    description = autoencoder.description
    source = (description.get("data") or {}).get("source", "not recorded")
    height, width, channels = autoencoder.shape
    kind = "variational " if autoencoder.variational else ""
    lines = [
        f"# A {kind}autoencoder",
        "",
        f"Writes a picture of {height} x {width} pixels, {'grey' if channels == 1 else 'in colour'}, as "
        f"{autoencoder.code} numbers, and back. Trained by firstlight {description['versions']['firstlight']} on "
        f"{description['date'][:10]}, data: {source} ({description['train_images']} images for training, "
        f"{description['validation_images']} to choose the best epoch), seed {description['training']['seed']}.",
        "",
        f"{autoencoder!r}",
        "",
        "Use: `firstlight reconstruct THIS_FOLDER image.jpg --out sheet.png`, `firstlight morph THIS_FOLDER a.jpg "
        "b.jpg --out morph.gif`. `encoder.keras` takes pixels from 0 to 255, `decoder.keras` gives them; all scaling "
        "is part of them. Measured quality: `metrics.json`. It knows only what its training pictures show: anything "
        "else comes back as the nearest thing that it knows.",
    ]
    return "\n".join(lines) + "\n"
