"""`firstlight compare`: one model under several settings, and the tricks of modern networks one by one.

The work is done by `firstlight.systems.compare` and `compare_tricks`; here stand options and what is shown.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from firstlight.errors import FirstlightError, nearest

__all__ = ["compare", "optimizers", "parse_settings", "tricks"]

_OPTIMIZERS = ("sgd", "rmsprop", "adam")
_RATES = (0.1, 0.01, 0.001)
_COMMON = (
    click.option("--data", required=True, help="A data set by name, or the path of your own."),
    click.option("--layout", help="How the data is laid out, where it is not recognised."),
    click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, help="Trainings of each variant."),
    click.option("--images", type=click.IntRange(1), help="Learn from so many images only, of each class alike."),
    click.option(
        "--hold-out",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        default=0.2,
        show_default=True,
        help="Share of the training images that judges; the test part is never looked at.",
    ),
    click.option(
        "--set",
        "given",
        metavar="NAME=VALUE",
        multiple=True,
        help="A setting that all share, as `train` has it, such as width=16; may be repeated.",
    ),
    click.option("--processes", type=click.IntRange(1), help="Trainings at the same time.  [default: one a core]"),
    click.option("--restart", is_flag=True, help="Delete the runs that the folder holds and begin anew."),
)


@click.group()
def compare() -> None:
    """Compare settings or tricks: same start, several seeds, in parallel."""


def _show_tricks(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    """Show every trick there is and end, as `--help` does."""
    if not wanted:
        return
    from firstlight.cli.comparison_reports import print_tricks
    from firstlight.systems.tricks import LADDERS, ladder

    for system in LADDERS:
        print_tricks(system, ladder(system))
    context.exit()


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_COMMON):
        command = option(command)
    return command


@compare.command()
@click.option("--system", default="classifier", show_default=True, help="What to train, as `firstlight train` has it.")
@click.option("--optimizer", multiple=True, help=f"May be repeated.  [default: {', '.join(_OPTIMIZERS)}]")
@click.option(
    "--learning-rate",
    type=click.FLOAT,
    multiple=True,
    help="May be repeated.  [default: 0.1, 0.01 and 0.001 where optimizers are compared]",
)
@click.option("--batch-size", type=click.IntRange(1), multiple=True, help="May be repeated.")
@click.option(
    "--vary", metavar="NAME=A,B,...", multiple=True, help="Compare values of another setting; may be repeated."
)
@click.option("--epochs", type=click.IntRange(1), default=5, show_default=True, help="Of each training.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs/compare"), show_default=True, help="Keeps every run."
)
@_common
def optimizers(
    system: str,
    optimizer: tuple[str, ...],
    learning_rate: tuple[float, ...],
    batch_size: tuple[int, ...],
    vary: tuple[str, ...],
    epochs: int,
    out: Path,
    **common: Any,
) -> None:
    """Train the same model under every combination of optimizers, rates, batch sizes and other settings.

    Every training of a seed begins with the same weights and sees the images in the same order. Prints a table and
    writes comparison.csv, comparison.json, figures and comparison.html. The same command again resumes.
    """
    from firstlight.cli.comparison_reports import publish
    from firstlight.systems import combinations
    from firstlight.systems import compare as compare_systems

    if not (optimizer or learning_rate or batch_size or vary):
        optimizer = _OPTIMIZERS
    if len(optimizer) > 1 and not learning_rate:
        learning_rate = _RATES
    grid: dict[str, Sequence[Any]] = {"optimizer": optimizer, "learning_rate": learning_rate, "batch_size": batch_size}
    grid = {name: values for name, values in grid.items() if values}
    varied = parse_settings(system, vary, several=True)
    settings = parse_settings(system, common.pop("given"))
    for name in varied:
        if name in grid:
            flag = name.replace("_", "-")
            raise FirstlightError(f"Expected {name} to be varied once. Received --{flag} and --vary {name}=... too.")
    grid |= varied
    for name in grid:
        if name in settings:
            raise FirstlightError(f"Expected {name} to be set or varied. Received both. Leave out --set {name}=...")
    variants = combinations(**grid)
    comparison = _run(compare_systems, system, out, common, variants=variants, settings=settings, epochs=epochs)
    publish(comparison, out, f"{system} on {_short(common['data'])}")


@compare.command()
@click.option("--system", default="classifier", show_default=True, help="What to train; its ladder of tricks.")
@click.option("--tricks", "chosen", help="Only these, in this order, such as normalization,schedule.  [default: all]")
@click.option("--leave-one-out", is_flag=True, help="Also train with all tricks but one, for each of them.")
@click.option("--epochs", type=click.IntRange(1), default=15, show_default=True, help="Of each training.")
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_tricks,
    help="Show the tricks with their settings and where they are from, and exit.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs/tricks"), show_default=True, help="Keeps every run."
)
@_common
def tricks(system: str, chosen: str | None, leave_one_out: bool, epochs: int, out: Path, **common: Any) -> None:
    """Begin with a plain network and add one trick of modern networks after the other.

    Tells what each brought: the change of the held-out score to the rung above, with its 95 % interval over the seeds.
    Writes comparison.csv, comparison.json, figures and comparison.html. The same command again resumes.
    """
    from firstlight.cli.comparison_reports import publish_tricks
    from firstlight.systems import compare_tricks

    names = None if chosen is None else [name.strip() for name in chosen.split(",") if name.strip()]
    settings = parse_settings(system, common.pop("given"))
    more = {"tricks": names, "leave_one_out": leave_one_out, "settings": settings, "epochs": epochs}
    found = _run(compare_tricks, system, out, common, **more)
    publish_tricks(found, out, f"tricks of the {system} on {_short(common['data'])}")


def _run(function: Callable[..., Any], system: str, out: Path, common: dict[str, Any], **more: Any) -> Any:
    """Load the data, and compare with a display of how far it is."""
    import os

    from firstlight.cli.loading import load_data
    from firstlight.cli.progress import progress
    from firstlight.data import CATALOGUE
    from firstlight.systems.comparison_plan import system_class

    source, layout = common["data"], common["layout"]
    dataset: Any = load_data(source, layout, task=system_class(system)[1].task)
    place = source if source in CATALOGUE else os.path.abspath(os.path.expanduser(source))
    options = {name: common[name] for name in ("seeds", "images", "hold_out", "processes", "restart")}
    display = progress()
    try:
        return function(
            system,
            dataset.train,
            folder=out,
            data={"source": place, "layout": layout},
            progress=display,
            **options,
            **more,
        )
    finally:
        display.close()


def _short(source: str) -> str:
    """The name of a data set, or the last part of a path."""
    return Path(source).name or source


def parse_settings(system: str, given: Sequence[str], several: bool = False) -> dict[str, Any]:
    """Settings of a system from texts `name=value`, or with `several` lists of values from `name=a,b`.

    Raises:
        FirstlightError: a text of another form, a setting that is unknown or given twice, or a value of another type.
    """
    from firstlight.cli.settings import option, settings_of
    from firstlight.systems.comparison_plan import system_class

    kind = system_class(system)[1]
    fields = [*settings_of(kind.__init__, kind.__init__.__doc__ or kind.__doc__), *settings_of(kind.fit)]
    known = {field.name: option(field).type for field in fields}
    found: dict[str, Any] = {}
    for text in given:
        name, sign, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not sign:
            raise FirstlightError(f"Expected NAME=VALUE, such as width=16. Received {text!r}.")
        if name not in known:
            raise FirstlightError(
                f"Expected a setting of the {system}: {', '.join(known)}. Received {name!r}.{nearest(name, known)}"
            )
        if name in found:
            raise FirstlightError(f"Expected {name} to be given once. Received it again: {text!r}. Leave one out.")
        parts = [part.strip() for part in value.split(",")] if several else [value.strip()]
        values = [_converted(name, part, known) for part in parts]
        found[name] = values if several else values[0]
    return found


def _converted(name: str, text: str, known: Mapping[str, Any]) -> Any:
    try:
        return known[name].convert(text, None, None)
    except click.BadParameter as error:
        raise FirstlightError(f"Expected a value for {name}: {error.message} Received {text!r}.") from error
