"""`firstlight train NOUN --find-learning-rate`: which rates a training stands, seen in a minute and without a run.

The test itself is `firstlight.systems.range_test`.
"""

from pathlib import Path
from typing import Any

import click

from firstlight.errors import FirstlightError

__all__ = ["find_rate", "rate_options"]

_LOWEST, _HIGHEST = 1e-6, 10.0


def rate_options(system: Any) -> list[click.Parameter]:
    """The options of the test, hidden where a system has none."""
    hidden = not hasattr(system, "find_learning_rate")
    about = "Only let the learning rate grow until the loss does, and suggest one; writes learning_rate.png and .csv."
    bound = "{} rate that --find-learning-rate tries.  [default: {:g}]"
    return [
        click.Option(["--find-learning-rate"], is_flag=True, help=about, hidden=hidden),
        click.Option(["--lowest"], type=click.FLOAT, help=bound.format("Lowest", _LOWEST), hidden=hidden),
        click.Option(["--highest"], type=click.FLOAT, help=bound.format("Highest", _HIGHEST), hidden=hidden),
    ]


def find_rate(
    system: Any, source: str, layout: str | None, out: Path | None, seed: int, values: dict[str, Any]
) -> bool:
    """Do the test where `values` ask for it; whether they did."""
    given = {name: values[name] for name in ("lowest", "highest") if values[name] is not None}
    if not values["find_learning_rate"]:
        if given:
            raise click.UsageError(f"--{next(iter(given))} needs --find-learning-rate.")
        return False
    if not hasattr(system, "find_learning_rate"):
        raise FirstlightError(f"Expected a system with a learning rate. Received a {type(system).__name__}.")
    span = {"lowest": _LOWEST, "highest": _HIGHEST, **given}
    _tell(_tested(system, source, layout, seed, span), out or Path())
    return True


def _tested(system: Any, source: str, layout: str | None, seed: int, span: dict[str, float]) -> Any:
    from firstlight.cli.keras_start import load_keras
    from firstlight.cli.loading import load_data
    from firstlight.cli.progress import progress

    split = load_data(source, layout, task=system.task).train  # type: ignore[union-attr]
    load_keras()
    display = progress()
    try:
        return system.find_learning_rate(split, seed=seed, progress=display, **span)
    finally:
        display.close()


def _tell(found: Any, folder: Path) -> None:
    """The suggestions, a figure and a table."""
    from firstlight import plots

    marks = {"steepest descent": found.steepest, "a tenth of the lowest": found.tenth}
    plots.learning_rates(found.rates, found.losses, found.smooth, marks, folder / "learning_rate.png")
    found.save(folder / "learning_rate.csv")
    ends = {
        "highest": "all rates were tried",
        "diverged": f"at {found.rates[-1]:.2g} the loss had grown to four times its lowest",
        "not finite": f"above {found.rates[-1]:.2g} the loss was no finite number",
    }
    click.echo(f"{len(found.rates)} steps, from {found.rates[0]:.2g} to {found.rates[-1]:.2g}: {ends[found.ended]}.")
    click.echo(f"the loss falls fastest at {found.steepest:.2g}")
    click.echo(f"the loss is lowest at {found.minimum:.2g}, a tenth of which is {found.tenth:.2g}")
    click.echo(f"to begin with, the smaller of both: --learning-rate {found.suggestion:.2g}")
    click.echo(f"Written: {folder / 'learning_rate.png'}, {folder / 'learning_rate.csv'}")
