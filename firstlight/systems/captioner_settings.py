"""Which settings a captioner can have, told before any work is done.

The settings themselves are the arguments of `Captioner`.
"""

from typing import TYPE_CHECKING

from firstlight.errors import FirstlightError, nearest

if TYPE_CHECKING:
    from firstlight.systems.captioner import Captioner

__all__ = ["SCRATCH", "check_settings"]

SCRATCH = "small_cnn"
"""The backbone that is trained together with the decoder; all others are frozen."""


def check_settings(captioner: "Captioner") -> None:
    """Refuse settings that no captioner can have.

    Raises:
        FirstlightError: says which setting, what was expected and what came.
    """
    from firstlight.systems.backbones import names
    from firstlight.systems.captioner_networks import CELLS
    from firstlight.systems.optimization import OPTIMIZERS, SCHEDULES

    for name, known in (
        ("backbone", [SCRATCH, *names()]),
        ("cell", list(CELLS)),
        ("optimizer", list(OPTIMIZERS)),
        ("schedule", list(SCHEDULES)),
        ("precision", ["auto", "float32", "mixed_bfloat16"]),
    ):
        value = getattr(captioner, name)
        if value not in known:
            raise FirstlightError(
                f"Expected {name} to be one of {', '.join(known)}. Received {value!r}.{nearest(value, known)}"
            )
    for name in ("views", "together", "units", "embedding", "maximum_length", "batch_size"):
        value = getattr(captioner, name)
        if value < 1:
            raise FirstlightError(f"Expected {name} to be 1 or more. Received {value}.")
    for name in ("dropout", "label_smoothing", "average", "learning_rate_floor", "warm_up", "momentum"):
        value = getattr(captioner, name)
        if not 0 <= value < 1:
            raise FirstlightError(f"Expected {name} to be at least 0 and below 1. Received {value}.")
    if captioner.word_vectors is not None:
        from firstlight.systems.word_vectors_start import open_vectors

        width = captioner.units if captioner.cell == "transformer" else captioner.embedding
        open_vectors(captioner.word_vectors).require_width(width)
    if captioner.clip_norm < 0:
        raise FirstlightError(f"Expected clip_norm to be 0 or more. Received {captioner.clip_norm}.")
