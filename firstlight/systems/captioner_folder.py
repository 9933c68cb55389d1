"""What a captioner writes into its run folder beside `system.json`: networks, words, and a card for who finds it.

`system.load` opens the folder again.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from firstlight.data.vocabulary import Vocabulary
from firstlight.errors import FirstlightError
from firstlight.systems.system import write_safely, write_text_safely

if TYPE_CHECKING:
    import keras

    from firstlight.systems.captioner import Captioner

__all__ = ["read", "write"]

_NETWORKS = ("backbone", "bridge", "decoder")


def write(captioner: "Captioner", folder: Path) -> None:
    """Each file is written whole or not at all."""
    for name in _NETWORKS:
        write_safely(folder / f"{name}.keras", captioner.describer.networks[name].save)
    captioner.vocabulary.save(folder / "vocabulary.txt")
    card = _card(captioner)
    write_text_safely(folder / "README.md", card)


def read(folder: Path) -> tuple[Vocabulary, list["keras.Model"]]:
    """The vocabulary, and backbone, bridge and decoder.

    Raises:
        FirstlightError: the training has not ended, so that networks are missing.
    """
    import keras

    paths = [folder / f"{name}.keras" for name in _NETWORKS]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise FirstlightError(
            f"Expected a finished training in {folder}. Received one without {', '.join(missing)}. "
            "Run the training command again; it goes on where it was stopped."
        )
    return Vocabulary.load(folder / "vocabulary.txt"), [keras.models.load_model(path, compile=False) for path in paths]


def _card(captioner: "Captioner") -> str:
    """A short model card: what it is, what it learned from, how to use it, and what not to expect."""
    description = captioner.description
    source = (description.get("data") or {}).get("source", "not recorded")
    seed = description["training"]["seed"]
    seed = f"an ensemble of seeds {', '.join(map(str, seed))}" if isinstance(seed, list) else f"seed {seed}"
    lines = [
        "# A captioner",
        "",
        f"Describes images in words. Trained by firstlight {description['versions']['firstlight']} on "
        f"{description['date'][:10]}, data: {source} ({description['train_images']} images for training, "
        f"{description['validation_images']} to choose the best epoch), {seed}.",
        "",
        f"{captioner!r}",
        "",
        "Use: `firstlight caption THIS_FOLDER image.jpg`. Measured quality: `metrics.json`. It knows the "
        f"{len(captioner.vocabulary) - 4:,} words of `vocabulary.txt` and what was in its training images, and will "
        "describe anything else in those terms, wrongly and with confidence.",
    ]
    return "\n".join(lines) + "\n"
