"""What an autoencoder decides for itself by looking at its pictures, once, before the first epoch.

`system.json` keeps it, so that a training that is taken up again goes on as it began.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from firstlight.systems.autoencoder_batches import is_symmetric
from firstlight.systems.autoencoder_preparation import Prepared
from firstlight.systems.backend import fast_precision

if TYPE_CHECKING:
    from firstlight.systems.autoencoder import Autoencoder

__all__ = ["choose", "choose_architecture"]

_DENSE = 3072  # values of a picture up to which dense layers on principal components do better than convolutions
_DEEP = 96  # pixels of a side, beyond which residual blocks take too long
_FEW = 20_000  # pictures, below which moving them helps
_LEAST = 12  # pixels of a side from which it does
_MORE, _FEWEST = 6, 64  # principal components: times the units of a code, and at least
_REFINED = 30  # steps


def choose(autoencoder: "Autoencoder", prepared: Prepared, tell: Callable[[str], object]) -> dict[str, Any]:
    """What `auto` and None come to for these pictures on this machine, told in a line."""
    architecture = choose_architecture(autoencoder, prepared.shape)
    height, width, channels = prepared.shape
    auto, kind = autoencoder.augmentation == "auto", autoencoder.augmentation
    mirror = kind in ("mirror", "both") or (auto and architecture != "linear" and is_symmetric(prepared.train))
    few = len(prepared.train) < _FEW and min(height, width) >= _LEAST
    move = kind in ("move", "both") or (auto and architecture != "linear" and few)
    precision = autoencoder.precision
    if precision == "auto":
        precision = fast_precision() if architecture in ("conv", "deep") else "float32"
    changes = " and ".join(word for word, done in (("mirrored", mirror), ("moved", move)) if done)
    tell(
        f"{height} x {width} pixels, {'grey' if channels == 1 else 'in colour'}, to {autoencoder.code} numbers; "
        f"{architecture}{f', {changes} at random' if changes else ''}"
    )
    components = max(_MORE * autoencoder.code, _FEWEST)
    return {
        "architecture": architecture,
        "precision": precision,
        "mirror": mirror,
        "move": move,
        "refine": _refine(autoencoder, architecture),
        "components": min(components, height * width * channels, max(1, len(prepared.train) - 1)),
    }


def choose_architecture(autoencoder: "Autoencoder", shape: tuple[int, int, int]) -> str:
    """What `architecture="auto"` comes to: dense for small pictures, plain convolutions for large ones, else deep."""
    if autoencoder.architecture != "auto":
        return autoencoder.architecture
    if shape[0] * shape[1] * shape[2] <= _DENSE:
        return "dense"
    return "conv" if max(shape[:2]) > _DEEP else "deep"


def _refine(autoencoder: "Autoencoder", architecture: str) -> int:
    """Steps by which codes are bettered. Where noise is to be left out, they would bring it back."""
    if autoencoder.refine is not None:
        return autoencoder.refine
    more_than_error = autoencoder.variational or autoencoder.sparsity != "none" or autoencoder.noise != "none"
    return 0 if architecture == "linear" or more_than_error else _REFINED
