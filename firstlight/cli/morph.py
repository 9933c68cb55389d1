"""`firstlight morph RUN A B`: the way from one picture to another, as a film, a strip, or single frames."""

from pathlib import Path
from typing import Any

import click

__all__ = ["morph"]


@click.command()
@click.argument("run", type=click.Path())
@click.argument("first", required=False)
@click.argument("second", required=False)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="A film (.gif), a strip (.png, .jpg), or a folder for single frames.",
)
@click.option("--steps", type=click.IntRange(2), default=24, show_default=True, help="Pictures, both ends included.")
@click.option(
    "--path",
    type=click.Choice(["linear", "spherical"]),
    default="linear",
    show_default=True,
    help="Straight, or around the origin, where a variational code has no pictures.",
)
@click.option("--seconds", type=click.FloatRange(0.1), default=3.0, show_default=True, help="How long a film plays.")
@click.option("--back/--no-back", default=True, show_default=True, help="Play a film backwards, too.")
@click.option("--seeds", default="0,1", show_default=True, help="Of a GAN: the pictures to pass, by their seeds.")
def morph(
    run: str,
    first: str | None,
    second: str | None,
    out: Path,
    steps: int,
    path: str,
    seconds: float,
    back: bool,
    seeds: str,
) -> None:
    """Morph the picture FIRST into SECOND with the system trained in the folder RUN.

    Every picture on the way is drawn from a code between the codes of both, so it is a picture and not a blend of two.

    \b
      firstlight morph runs/faces anna.jpg ben.jpg --out morph.gif
      firstlight morph runs/faces anna.jpg ben.jpg --steps 8 --out strip.png

    A GAN needs no images: it morphs what it draws from the --seeds.

    \b
      firstlight morph runs/gan --seeds 3,7,12,3 --out morph.gif
    """
    from firstlight.cli.pictures import open_run, write_pictures

    system: Any = open_run(run, "morph", "an autoencoder or a GAN")
    if hasattr(system, "generate"):
        if first or second:
            raise click.UsageError("A GAN draws its pictures from random numbers. Give --seeds 3,7 in place of images.")
        write_pictures(system.morph(_numbers(seeds), steps), out, seconds, back)
        return
    if not (first and second):
        raise click.UsageError("Missing the two images FIRST and SECOND.")
    write_pictures(system.morph(first, second, steps, path), out, seconds, back)


def _numbers(seeds: str) -> tuple[int, ...]:
    """Whole numbers with commas between them."""
    parts = [part.strip() for part in seeds.split(",")]
    if not all(part.isdigit() for part in parts):
        raise click.UsageError(f"Expected --seeds to be whole numbers with commas, such as 3,7. Received {seeds!r}.")
    return tuple(map(int, parts))
