"""`firstlight descend`: the ways that optimizers take over a loss of two weights, as a table, figure, film or page."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from firstlight.errors import FirstlightError, nearest

if TYPE_CHECKING:
    from firstlight import engine, plots

__all__ = ["descend"]

_USUAL = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam")
_ENDINGS = (".png", ".svg", ".gif", ".html", ".json", ".csv")


@click.command()
@click.option(
    "--surface", "names", multiple=True, default=("valley",), show_default=True, help="One of those above; or all."
)
@click.option(
    "--optimizer", "optimizers", multiple=True, default=_USUAL, show_default=True, help="One of those above; or all."
)
@click.option(
    "--learning-rate",
    "rates",
    multiple=True,
    metavar="[NAME=]RATE",
    help="For all, or for one: adam=0.1. By default each has a rate for each surface that shows what is typical of it.",
)
@click.option("--steps", type=click.IntRange(1), default=200, show_default=True)
@click.option("--start", metavar="X,Y", help="Where to begin, in place of where the surface says.")
@click.option(
    "--noise",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Standard deviation of what is added to each derivative, as batches of few samples do.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the noise.")
@click.option(
    "--condition",
    type=float,
    help="Of the valley: how many times as steep across as along; 25. Above a rate of 2 / condition, sgd diverges.",
)
@click.option("--angle", type=float, help="Of the valley to the x axis in degrees; 0.")
@click.option(
    "--out",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"Write it: {', '.join(_ENDINGS)}. May be given repeatedly.",
)
def descend(
    names: tuple[str, ...],
    optimizers: tuple[str, ...],
    rates: tuple[str, ...],
    start: str | None,
    out: tuple[Path, ...],
    **settings: Any,
) -> None:
    """Let optimizers descend a loss of two weights, and see which way they take.

    The table tells for each the loss at the end, how far the nearest minimum is, and the step from which on the loss
    above the least one is within 1 % of what it was at first.

    \b
    Surfaces:   valley       25 times as steep across as along
                saddle       start almost on the line that leads to the saddle
                rosenbrock   a bent valley whose bottom hardly falls
                two_weights  a tanh unit on data, from where it is saturated
    Optimizers: sgd, momentum and nesterov (sgd with 0.9 of either), adagrad, adadelta,
                rmsprop, adam, adamw, adamax, nadam, lion

    \b
      firstlight descend --surface all --out descent.png
      firstlight descend --surface rosenbrock --steps 2000 --out descent.html
      firstlight descend --optimizer sgd --learning-rate 0.079 --out zigzag.gif
    """
    for path in out:
        if path.suffix.lower() not in _ENDINGS:
            raise FirstlightError(
                f"Expected a file {', '.join(_ENDINGS)}. Received {path}. Choose one of these endings."
            )
    shape = {name: settings.pop(name) for name in ("condition", "angle")}
    given = _rates(rates, chosen := _chosen(optimizers))
    how = settings | {"start": None if start is None else _place(start)}
    found = []
    for surface in _surfaces(names, shape):
        paths = [_path(surface, name, given.get(name), how) for name in chosen]
        found.append((surface, paths))
        click.echo(_table(surface, paths))
    for path in out:
        _write(path, found, how)
        click.echo(f"Written: {path}", err=True)


# -- what was asked for ------------------------------------------------------------------------------------------


def _surfaces(names: Sequence[str], shape: Mapping[str, float | None]) -> list["engine.surfaces.Surface"]:
    from firstlight.engine import surfaces

    wanted = [name.replace("-", "_") for name in names]
    wanted = list(surfaces.SURFACES) if "all" in wanted else list(dict.fromkeys(wanted))
    told = {name: value for name, value in shape.items() if value is not None}
    if told and "valley" not in wanted:
        raise click.UsageError(f"--{next(iter(told))} is for the valley: --surface valley.")
    return [surfaces.valley(**told) if name == "valley" else surfaces.get(name) for name in wanted]


def _chosen(names: Sequence[str]) -> list[str]:
    from firstlight.engine.paths import RULES, make_optimizer

    wanted = list(RULES) if "all" in names else list(dict.fromkeys(names))
    for name in wanted:
        make_optimizer(name)  # raises where there is none, before anything is computed
    return wanted


def _rates(texts: Sequence[str], names: Sequence[str]) -> dict[str, float]:
    """The learning rate by optimizer; what names one goes before what is for all."""
    found: dict[str, float] = {}
    for text in sorted(texts, key=lambda text: "=" in text):
        name, _, number = text.rpartition("=")
        try:
            rate = float(number)
        except ValueError:
            rate = float("nan")
        if not 0 < rate < float("inf"):
            raise FirstlightError(f"Expected a learning rate such as 0.1 or adam=0.1. Received {text!r}.")
        if name and name not in names:
            raise FirstlightError(
                f"Expected a learning rate for one of {', '.join(names)}. Received {text!r}.{nearest(name, names)}"
            )
        found |= dict.fromkeys([name] if name else names, rate)
    return found


def _place(text: str) -> tuple[float, float]:
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise FirstlightError(f"Expected a start of two numbers such as -4,1. Received {text!r}.") from None
    return x, y


def _path(surface: Any, name: str, rate: float | None, how: Mapping[str, Any]) -> "engine.Path":
    from firstlight import engine
    from firstlight.engine.paths import make_optimizer

    return engine.descend(surface, name if rate is None else make_optimizer(name, rate), **how)


# -- what came of it ---------------------------------------------------------------------------------------------


def _table(surface: Any, paths: Sequence["engine.Path"]) -> str:
    lines = [
        f"{surface.name}: {surface.formula}, at least {surface.lowest:.4g}",
        f"  {'':10} {'rate':>8} {'final loss':>11} {'above least':>12} {'distance':>9}  within 1 %",
    ]
    for path in paths:
        settled, loss = path.settled(), path.losses[-1]
        when = f"diverged after {path.steps}" if path.diverged else "no" if settled is None else f"step {settled}"
        numbers = f"{path.rate:8.4g} {loss:11.4g} {loss - path.lowest:12.2e} {path.distance:9.3g}"
        lines.append(f"  {path.optimizer:10} {numbers}  {when}")
    return "\n".join(lines) + "\n"


def _write(path: Path, found: Sequence[tuple[Any, Sequence["engine.Path"]]], how: Mapping[str, Any]) -> None:
    """All surfaces with their paths, as the ending of the file says."""
    from firstlight import pages, plots
    from firstlight.cli.records import write

    ending = path.suffix.lower()
    if ending == ".json":
        write(path, _json(found, how))
    elif ending == ".csv":
        write(path, _csv(found))
    else:
        descents = [_drawn(surface, paths) for surface, paths in found]
        if ending == ".gif":
            plots.descent_film(descents, path)
        elif ending == ".html":
            noise = f", noise of {how['noise']:g} from seed {how['seed']} on the gradients" if how["noise"] else ""
            pages.descent_page(path, descents, protocol=f"{how['steps']} steps of each optimizer{noise}.")
        else:
            plots.descent(descents, path)


def _drawn(surface: Any, paths: Sequence["engine.Path"]) -> "plots.Descent":
    from firstlight import plots

    columns, rows, values = surface.grid(around=tuple(paths[0].positions[0]))
    return plots.Descent(
        title=surface.name.replace("_", " ").capitalize(),
        formula=surface.formula,
        columns=columns,
        rows=rows,
        values=values,
        minima=np.array(surface.minima, np.float64),
        lowest=surface.lowest,
        paths={path.optimizer: (path.positions, path.losses) for path in paths},
        lost=frozenset(path.optimizer for path in paths if path.diverged),
        rates={path.optimizer: path.rate for path in paths},
    )


def _json(found: Sequence[tuple[Any, Sequence["engine.Path"]]], how: Mapping[str, Any]) -> str:
    surfaces = [
        {
            "name": surface.name,
            "formula": surface.formula,
            "minima": surface.minima,
            "lowest": surface.lowest,
            "paths": [
                {
                    "optimizer": path.optimizer,
                    "learning_rate": path.rate,
                    "diverged": path.diverged,
                    "steps_until_within_1_percent": path.settled(),
                    "distance": path.distance,
                    "losses": path.losses.tolist(),
                    "positions": path.positions.tolist(),
                }
                for path in paths
            ],
        }
        for surface, paths in found
    ]
    return json.dumps({**how, "surfaces": surfaces}, indent=1) + "\n"


def _csv(found: Sequence[tuple[Any, Sequence["engine.Path"]]]) -> str:
    memory = io.StringIO()
    writer = csv.writer(memory, lineterminator="\n")
    writer.writerow(["surface", "optimizer", "learning_rate", "step", "x", "y", "loss"])
    for surface, paths in found:
        for path in paths:
            for step, ((x, y), loss) in enumerate(zip(path.positions.tolist(), path.losses.tolist(), strict=True)):
                writer.writerow([surface.name, path.optimizer, path.rate, step, x, y, loss])
    return memory.getvalue()
