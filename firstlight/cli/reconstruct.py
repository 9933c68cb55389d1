"""`firstlight reconstruct` and `firstlight denoise`: pictures there and back through an autoencoder.

A broken image is told on standard error and passed over: exit code 1 if some failed, 2 if all did.
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import click
import numpy as np

__all__ = ["denoise", "reconstruct"]

_ACROSS = 10  # pictures side by side on a sheet


def _options(command: Any) -> Any:
    out = "A sheet (.png, .jpg) with what comes back below each picture, or a folder for single files."
    command = click.option("--out", type=click.Path(path_type=Path), required=True, help=out)(command)
    command = click.argument("images", nargs=-1, required=True)(command)
    return click.pass_context(click.argument("run", type=click.Path())(command))


@click.command()
@_options
def reconstruct(context: click.Context, /, run: str, images: tuple[str, ...], out: Path) -> None:
    """Write IMAGES as codes and draw them again, with the autoencoder trained in the folder RUN.

    IMAGES are files, folders (searched below, too), zip or tar files, paths inside them, or patterns in quotes; - reads
    names from standard input.

    \b
      firstlight reconstruct runs/faces photos/ --out sheet.png
    """
    _through(context, run, images, out, "reconstruct")


@click.command()
@_options
def denoise(context: click.Context, /, run: str, images: tuple[str, ...], out: Path) -> None:
    """Take noise out of IMAGES with the autoencoder trained in the folder RUN.

    Best is one that was trained with such noise: `firstlight train autoencoder --noise gaussian`. Pictures get the size
    that it was trained with. IMAGES are as for `firstlight reconstruct`.

    \b
      firstlight denoise runs/clean noisy.jpg --out mended/
    """
    _through(context, run, images, out, "denoise")


def _through(context: click.Context, run: str, images: tuple[str, ...], out: Path, verb: str) -> None:
    from firstlight.cli.pictures import open_run, read_pictures

    system = open_run(run, verb, "an autoencoder")
    found, failed = read_pictures(images, system.shape[:2])
    if found:
        pictures = [picture for _, picture in found]
        back = getattr(system, verb)(pictures)
        if out.suffix:
            _sheet(system.pictures(pictures), back, out)
        else:
            _files([place for place, _ in found], back, out)
        click.echo(f"Written: {out}", err=True)
    if failed:
        context.exit(1 if found else 2)


def _sheet(pictures: np.ndarray, back: np.ndarray, out: Path) -> None:
    """Rows of pictures, and below each row what came back of it."""
    from firstlight import plots

    across = min(_ACROSS, len(pictures))
    empty = np.full_like(pictures[0], 255)
    rows: list[np.ndarray] = []
    for start in range(0, len(pictures), across):
        for some in (pictures[start : start + across], back[start : start + across]):
            rows += [*some, *[empty] * (across - len(some))]
    plots.picture_grid(rows, out, columns=across)


def _files(places: Sequence[str], back: np.ndarray, folder: Path) -> None:
    """A PNG for each picture, at the place below the folder that it had below what was asked for."""
    from PIL import Image

    from firstlight.plots import enlarged
    from firstlight.plots.figure import write_picture

    for place, picture in zip(_different(places), back, strict=True):
        image = Image.fromarray(enlarged(picture, 0))
        write_picture(folder / place, image.save)


def _different(places: Sequence[str]) -> list[str]:
    """The places as names of PNG files, with a number where two would be the same."""
    taken: set[str] = set()
    found = []
    for place in places:
        plain = PurePosixPath(*[part for part in PurePosixPath(place).parts if part not in ("/", "..")])
        name, number = str(plain.with_suffix(".png")), 1
        while name in taken:
            number += 1
            name = str(plain.with_name(f"{plain.stem}-{number}.png"))
        taken.add(name)
        found.append(name)
    return found
