"""`firstlight sample RUN`: new pictures from a system that can draw some, as a grid or as single files."""

from pathlib import Path
from typing import Any

import click

__all__ = ["sample"]


@click.command()
@click.argument("run", type=click.Path())
@click.option("-n", "--count", type=click.IntRange(1), default=64, show_default=True, help="How many.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="A grid (.png, .jpg), a film (.gif), or a folder for single files.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Another one gives other pictures.")
@click.option("--label", help="Of a GAN that knows classes: the one to draw.  [default: all in turn]")
@click.option("--columns", type=click.IntRange(1), help="Pictures side by side.  [default: about a square]")
def sample(run: str, count: int, out: Path, seed: int, label: str | None, columns: int | None) -> None:
    """Draw new pictures with the system trained in the folder RUN.

    A variational autoencoder was trained for that. Of any other, codes are drawn that are spread like those of its
    training pictures, which need not give pictures.

    \b
      firstlight sample runs/faces -n 64 --out grid.png
    """
    from firstlight import plots
    from firstlight.cli.pictures import open_run, write_pictures

    system: Any = open_run(run, "sample", "an autoencoder or a GAN")
    if getattr(system, "variational", True) is False:
        click.echo("not trained for samples: codes are spread like those of the training pictures", err=True)
    if label is not None and not hasattr(system, "generate"):
        raise click.UsageError("--label is for a GAN that was trained with --conditional. Leave it out.")
    pictures = system.sample(count, seed=seed, **({} if label is None else {"label": label}))
    if out.suffix.lower() in ("", ".gif"):
        write_pictures(pictures, out)
        return
    plots.picture_grid(list(pictures), out, columns=columns)
    click.echo(f"Written: {out}", err=True)
