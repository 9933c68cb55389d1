"""`firstlight ensemble RUN RUN...`: several trained captioners become one run folder, used like any other.

How they speak as one stands in `firstlight.systems.captioner_ensemble`.
"""

from pathlib import Path

import click

from firstlight.errors import FirstlightError

__all__ = ["ensemble"]


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(), metavar="RUN RUN...")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The folder for the ensemble; it must hold no run."
)
def ensemble(runs: tuple[str, ...], out: Path) -> None:
    """Let captioners trained on the same data with other seeds speak as one: better captions, slower.

    Each next word has the mean of their probabilities. The folder that comes out is a captioner like any other.
    """
    if (out / "system.json").exists():
        raise FirstlightError(f"Expected a folder without a run for the ensemble. Received {out}. Pass another --out.")
    from firstlight.cli.pictures import open_run
    from firstlight.systems.system import read_description

    for run in runs:
        read_description(run)  # a folder that holds no run is told before Keras is loaded, which takes seconds
    members = [open_run(run, "caption", "a captioner") for run in runs]
    from firstlight.systems.captioner_ensemble import ensemble as together

    together(members).save(out)
    click.echo(f"{len(runs)} captioners speak as one in {out}. Next:\n  firstlight evaluate {out}")
