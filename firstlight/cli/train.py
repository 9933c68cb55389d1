"""`firstlight train NOUN`: one command for each system, its options made from the system's own signatures.

A line in `firstlight.systems.SYSTEMS` is enough for a command to exist. The same command again resumes.
"""

import os
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import click

from firstlight.data import Dataset
from firstlight.errors import FirstlightError

__all__ = ["check", "command", "tell_checks", "train", "train_in"]

_JUDGED_BY = {"captions": ("validation",), "labels": ("test", "validation"), "images": ("test", "validation")}
_MARKS = {
    True: click.style("ok   ", fg="green"),
    False: click.style("ALARM", fg="red", bold=True),
    None: click.style("?    ", fg="yellow"),  # nobody can tell
}
_TOLD = 5  # problems of the data; `firstlight data check` tells them all
# Options that every system has.
_RESERVED = {"data", "out", "layout", "restart", "overfit", "find_learning_rate", "lowest", "highest"}


class _SystemGroup(click.Group):
    """One command for each system; a system's module is imported when its command is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """The nouns of all systems."""
        from firstlight.systems import SYSTEMS

        return list(SYSTEMS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command that trains the system of this name."""
        from firstlight.systems import SYSTEMS

        if name not in SYSTEMS:
            return None
        module, _, attribute = SYSTEMS[name].partition(":")
        system = getattr(import_module(module), attribute)
        if system.task == "table":
            from firstlight.cli.train_table import TableCommand

            return TableCommand(name, system)
        if system.task == "text":
            from firstlight.cli.words_train import text_command

            return text_command(name, system)
        return command(name, system)


@click.group(cls=_SystemGroup)
def train() -> None:
    """Train a system on your own data; the same command again resumes."""


def command(noun: str, system: Any) -> click.Command:
    """The command `firstlight train NOUN` for a system class."""
    from firstlight.cli.learning_rate import find_rate, rate_options
    from firstlight.cli.settings import option, settings_of

    stored = settings_of(system.__init__, system.__init__.__doc__ or system.__doc__)
    fitted = settings_of(system.fit)
    settings = {setting.name: setting for setting in [*stored, *fitted]}
    taken = _RESERVED & set(settings)
    if taken:
        raise TypeError(
            f"Expected settings of {system.__name__} beside {sorted(_RESERVED)}. Received {sorted(taken)} again."
        )

    def run(data: str, out: Path | None, layout: str | None, restart: bool, overfit: int | None, **values: Any) -> None:
        chosen = {setting.name: values[setting.name] for setting in stored}
        training = {setting.name: values[setting.name] for setting in fitted}
        if overfit is not None and values["find_learning_rate"]:
            raise click.UsageError("Give --overfit or --find-learning-rate, not both.")
        if find_rate(system(**chosen), data, layout, out, training.get("seed", 0), values):
            return
        if overfit is not None:
            _overfit(system(**chosen), data, layout, overfit, training)
        elif out is None:
            raise click.UsageError("Missing option '--out': the folder for the trained system.")
        else:
            _train(system(**chosen), data, layout, out, restart, training)

    text = (system.__doc__ or f"a {noun}").partition("\n\n")[0].strip()
    parameters: list[click.Parameter] = [
        click.Option(["--data"], required=True, help="A data set by name, or the path of your own."),
        click.Option(
            ["--out"], type=click.Path(path_type=Path), help="The run folder; the same command again resumes."
        ),
        click.Option(["--layout"], help="How the data is laid out, where it is not recognised."),
        click.Option(["--restart"], is_flag=True, help="Delete what the run folder holds and begin anew."),
    ]
    overfit_help = "Only show that the network can learn this many images by heart."
    hidden = not hasattr(system, "overfit")
    parameters.append(click.Option(["--overfit"], type=click.IntRange(1), help=overfit_help, hidden=hidden))
    parameters += rate_options(system)
    parameters += [option(setting) for setting in settings.values()]
    return click.Command(noun, callback=run, params=parameters, help=text, short_help=text.partition("\n")[0])


def _train(system: Any, source: str, layout: str | None, out: Path, restart: bool, training: dict[str, Any]) -> None:
    """Train, or go on where an earlier call was stopped; then check, and judge on what was not learned from.

    Of captions that is validation; of labels test, and where there is none validation.
    """
    from firstlight.cli.judging import judge
    from firstlight.cli.loading import load_data
    from firstlight.cli.reports import publish
    from firstlight.cli.restarting import emptied
    from firstlight.data import CATALOGUE

    dataset: Any = load_data(source, layout, task=system.task)
    _tell_problems(dataset, source)
    place = source if source in CATALOGUE else os.path.abspath(os.path.expanduser(source))
    with emptied(out, restart):
        train_in(out, system, dataset, {"source": place, "layout": layout}, training)
    # A classifier takes what decides from its training part, so that a test part may be judged at once.
    judged = next((name for name in _JUDGED_BY[system.task] if name in dataset.splits), None)
    check(out, system, dataset)
    if judged is None:
        click.echo(_not_judged(system, dataset, out))
        return
    publish(judge(system, dataset, judged, beam_width=3), out, f"{out} on {dataset.name}, {judged}")


def _tell_problems(dataset: Any, source: str) -> None:
    """The first things that loading passed over; a class that is missing for that would be missed much later."""
    problems = [problem for problem in getattr(dataset, "problems", []) if problem.kind != "note"]
    for problem in problems[:_TOLD]:
        click.echo(f"passed over: {problem}", err=True)
    if len(problems) > _TOLD:
        click.echo(f"... and {len(problems) - _TOLD:,} more: firstlight data check {source}", err=True)


def train_in(out: Path, system: Any, dataset: Dataset, record: dict[str, Any], training: dict[str, Any]) -> None:
    """Train in a run folder, or go on with what it holds, and draw the curves.

    `record` is what `system.json` says of the data; `training` are the arguments of `fit`.
    """
    from firstlight import plots
    from firstlight.cli.keras_start import load_keras
    from firstlight.cli.progress import progress

    system.begun_in(out, {**training, **record})  # refused before Keras is loaded, which takes seconds
    load_keras()
    if hasattr(system, "watch"):
        from firstlight.cli.gan_report import watcher

        system.watch = watcher(out)
    display = progress()
    try:
        history = system.fit(
            dataset.train,
            validation_data=dataset.splits.get("validation"),
            folder=out,
            data=record,
            progress=display,
            **training,
        )
    finally:
        display.close()
    plots.training_curves(history.history, out / "curves.png")


def check(out: Path, system: Any, dataset: Dataset) -> None:
    """What guards against silent failure: printed, one line a check, and kept in `metrics.json` under `checks`."""
    if not hasattr(system, "self_checks"):
        return
    validation = dataset.splits.get("validation")
    if validation is None and signature(system.self_checks).parameters["validation"].default is not None:
        return  # it knows of no other images that it could be checked by
    tell_checks(out, system.self_checks(dataset.train, validation))


def tell_checks(out: Path, checks: list[dict[str, Any]]) -> None:
    """Print checks, one line each, and keep them in `metrics.json` of a run folder."""
    from firstlight.cli.reports import remember

    for found in checks:
        click.echo(f"{_MARKS[found['passed']]}  {found['name']}: {found['message']}")
    remember(out / "metrics.json", "checks", checks)


def _not_judged(system: Any, dataset: Dataset, out: Path) -> str:
    """Why there are no figures, and how to get some: images that chose the best epoch would flatter the system."""
    held_out = system.description.get("validation_images", 0)
    instead = f" to choose the best epoch, {held_out} of the {len(dataset.train):,} training images were held out."
    others = [f"--split {name}" for name in dataset.splits if name != "train"] or ["OTHER_DATA --split train"]
    return (
        f"{dataset.name} has no split 'validation'{':' + instead if held_out else '.'} Not judged, for there are no "
        f"images that training has not seen. Judge with: firstlight evaluate {out} {others[0]}"
    )


def _overfit(system: Any, source: str, layout: str | None, images: int, training: dict[str, Any]) -> None:
    """Learn a few images by heart: a network that cannot do this has a fault, whatever else it is given."""
    from firstlight.cli.keras_start import load_keras
    from firstlight.cli.loading import load_data
    from firstlight.cli.progress import progress

    if not hasattr(system, "overfit"):
        raise FirstlightError(f"Expected a system with a check by overfitting. Received a {type(system).__name__}.")
    split = load_data(source, layout, task=system.task).train  # type: ignore[union-attr]
    load_keras()
    display = progress()
    try:
        result = system.overfit(split, images=images, seed=training.get("seed", 0), progress=display)
    finally:
        display.close()
    for name, value in result.items():
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        click.echo(f"{name.replace('_', ' ')}: {shown}")
    if not result["passed"]:
        click.get_current_context().exit(1)
