"""What verbs share that make pictures: a run that can do something, pictures to read, and files to write by ending."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from firstlight.errors import FirstlightError

__all__ = ["open_run", "read_pictures", "write_pictures"]


def open_run(run: str, verb: str, what: str) -> Any:
    """The system in a run folder, which must have the method `verb`; `what` says in words which systems have it."""
    from firstlight import systems
    from firstlight.cli.keras_start import load_keras
    from firstlight.systems.system import read_description

    read_description(run)  # what is no run is told before Keras is loaded
    load_keras()
    system = systems.load(run)
    if not hasattr(system, verb):
        raise FirstlightError(
            f"Expected the run folder of {what}. Received {run}, which holds a {type(system).__name__}. "
            "Name another folder."
        )
    return system


def read_pictures(arguments: Sequence[str], size: tuple[int, int]) -> tuple[list[tuple[str, np.ndarray]], int]:
    """The images behind arguments as (place, pixels) at one size, and how many cannot be read, each told in a line."""
    from firstlight.cli.inputs import find_images
    from firstlight.data.images import ImageError, read_many

    found = list(find_images(arguments, sys.stdin))
    good = [each for each in found if not isinstance(each, FirstlightError)]
    pictures, failed = [], [str(each) for each in found if isinstance(each, FirstlightError)]
    for number, picture in read_many([each.path for each in good], size):
        if isinstance(picture, ImageError):
            failed.append(str(picture))
        else:
            pictures.append((good[number].place, picture))
    for line in failed:
        click.echo(line, err=True)
    return pictures, len(failed)


def write_pictures(pictures: np.ndarray, out: Path, seconds: float = 3.0, there_and_back: bool = False) -> None:
    """A film for a .gif, a strip for any other ending, and for a name without one a folder with a file each."""
    from firstlight import plots

    if out.suffix.lower() == ".gif":
        plots.film(list(pictures), out, seconds=seconds, there_and_back=there_and_back)
    elif out.suffix:
        plots.strip(list(pictures), out)
    else:
        plots.frames(list(pictures), out)
    click.echo(f"Written: {out}", err=True)
