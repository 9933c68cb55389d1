"""`firstlight train linear-regression` and `logistic-regression`: a model of a user's own table in one command.

Options for the estimator's settings are made from its signature when they are asked for, so that the list of commands
loads nothing.
"""

import inspect
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from firstlight.cli.settings import Setting, argument_help, option, settings_of, was_given
from firstlight.data import Frame
from firstlight.errors import FirstlightError, nearest

__all__ = ["TableCommand", "load_frame", "source_of"]

_TOLD = 10  # problems of a table that are printed


class TableCommand(click.Command):
    """The command that trains a model of tables; what it takes is looked up when somebody asks."""

    def __init__(self, noun: str, system: Any):
        text = (system.__doc__ or f"a {noun}").partition("\n\n")[0].strip()
        super().__init__(noun, callback=self._run, help=text, short_help=text)
        self.system = system

    def get_params(self, context: click.Context) -> list[click.Parameter]:
        """The options of every table and those of the estimator."""
        if not self.params:
            self.params = [*_table_options(self.system), *map(option, _estimator_settings(self.system))]
        return super().get_params(context)

    def _run(self, *, data: str, target: str | None, out: Path, restart: bool, **values: Any) -> None:
        test, hold_out, curves = (values.pop(name) for name in ("test", "hold_out", "curves"))
        if test is not None and was_given("hold_out"):
            raise click.UsageError("Give --test or --hold-out: a table to judge on, or a share of this one.")
        frame = load_frame(data, target)
        values["class_weight"] = _class_weight(values.get("class_weight"))
        if not self.system.classifies:
            del values["class_weight"]
        for name in ("features", "ignore"):
            values[name] = _names(values[name], frame)
        model = self.system(target=frame.target, **values)
        judged = None if test is None else load_frame(test, frame.target)
        _train(model, frame, judged, out, restart, _Asked(data, test, 0.0 if test else hold_out, curves))


@dataclass(frozen=True)
class _Asked:
    """Where the tables come from, what is held out, and whether the curves are drawn."""

    data: str
    test: str | None
    hold_out: float
    curves: bool


def load_frame(source: str, target: str | None) -> Frame:
    """A table by path or name; what was passed over while reading is told on standard error."""
    from firstlight.data.bundled import BUNDLED
    from firstlight.systems.table_frames import as_frame

    path = os.path.expanduser(source)
    inside = any(part.lower().endswith((".zip", ".tar", ".gz", ".tgz")) for part in Path(path).parts)
    if source not in BUNDLED and not os.path.exists(path) and not inside:
        raise FirstlightError(
            f"Expected a table (CSV, TSV, Parquet), or one of {', '.join(BUNDLED)}. Received {source!r}, which does "
            f"not exist here.{nearest(source, BUNDLED)}"
        )
    frame = as_frame(source, target)
    for problem in frame.problems[:_TOLD]:
        click.echo(f"{problem.kind}: {problem}", err=True)
    if len(frame.problems) > _TOLD:
        click.echo(f"and {len(frame.problems) - _TOLD:,} more", err=True)
    return frame


def source_of(source: str) -> str:
    """What `system.json` says of a table: its path from the root, or its name."""
    path = os.path.abspath(os.path.expanduser(source))
    return path if os.path.exists(path) or os.sep in source else source


def _train(model: Any, frame: Frame, test: Frame | None, out: Path, restart: bool, asked: _Asked) -> None:
    from firstlight.cli.restarting import emptied
    from firstlight.cli.table_reports import is_done, report_again
    from firstlight.systems.table_frames import checksum

    record = {
        "source": source_of(asked.data),
        "checksum": checksum(frame),
        "test": None if asked.test is None else source_of(asked.test),
    }
    with emptied(out, restart):
        description = model.begun_in(out, {**record, "hold_out": asked.hold_out})
        if description and is_done(out):
            click.echo(f"{out} was trained with these settings on {description['date'][:10]}; --restart trains anew.\n")
            report_again(out, description)
            return
        _train_in(out, model, frame, test, record, asked)


def _train_in(out: Path, model: Any, frame: Frame, test: Frame | None, record: dict[str, Any], asked: _Asked) -> None:
    from firstlight.cli.keras_start import load_keras
    from firstlight.cli.progress import progress
    from firstlight.cli.table_reports import report_training

    display = progress()
    try:
        model.check(frame, asked.hold_out)  # refused before Keras is loaded, which takes seconds
        load_keras()
        model.fit(frame, hold_out=asked.hold_out, folder=out, data=record, progress=display)
        report_training(model, frame, test, out, display if asked.curves else None)
    finally:
        display.close()


def _table_options(system: Any) -> list[click.Parameter]:
    """What every model of a table takes."""
    own = settings_of(system.__init__, inspect.getmro(system)[1].__doc__)
    texts = argument_help(inspect.getmro(system)[1].__doc__)
    path = click.Path(path_type=Path)
    return [
        click.Option(["--data"], required=True, help="A CSV, TSV or Parquet file, or a table that comes along."),
        click.Option(["--target"], help=_sentence(texts["target"])),
        click.Option(["--out"], type=path, required=True, help="The run folder."),
        click.Option(["--features"], multiple=True, help=_sentence(texts["features"]) + " Names with commas between."),
        click.Option(["--ignore"], multiple=True, help=_sentence(texts["ignore"]) + " Names with commas between."),
        click.Option(["--test"], help="A second table to judge on, in place of --hold-out."),
        click.Option(
            ["--hold-out"],
            type=click.FloatRange(0, 1, max_open=True),
            default=0.2,
            show_default=True,
            help="Share of the rows, of each class alike, that is judged on and not learned from.",
        ),
        click.Option(
            ["--curves/--no-curves"],
            default=True,
            show_default=True,
            help="Draw the path of the penalty and the learning curve, which takes many fits.",
        ),
        click.Option(["--restart"], is_flag=True, help="Delete what the run folder holds and begin anew."),
        *(option(setting) for setting in own if setting.name not in ("target", "features", "ignore")),
    ]


def _estimator_settings(system: Any) -> list[Setting]:
    """Every argument of the estimator; those of any type are given as text here."""
    from firstlight.systems import LinearRegression

    kind = system.estimator_class()
    texts = {**argument_help(LinearRegression.__doc__), **argument_help(kind.__doc__)}
    texts["seed"] = "of the rows that are held out, and of the order of the others while learning by SGD."
    texts["optimizer"] = "of SGD: a name of keras.optimizers."
    texts["class_weight"] = 'weights of classes, as in "cat=1,dog=3"; "balanced" gives all the same total weight.'
    simple = {setting.name: setting for setting in settings_of(kind.__init__, kind.__doc__)}
    found = []
    for name, parameter in inspect.signature(kind).parameters.items():
        known = simple.get(name, Setting(name, str, parameter.default is None, parameter.default, ""))
        found.append(Setting(name, known.type, known.optional, known.default, texts.get(name, "")))
    return found


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _names(given: tuple[str, ...], frame: Frame) -> list[str] | None:
    """Names of columns, each an option of its own or with commas between; None where none are given."""
    found: list[str] = []
    for text in given:
        found += [text] if text in frame.columns else [name.strip() for name in text.split(",") if name.strip()]
    return found or None


def _class_weight(text: str | None) -> str | dict[str, float] | None:
    if text is None or "=" not in text:
        return text
    found: dict[str, float] = {}
    for part in text.split(","):
        label, _, weight = part.rpartition("=")
        try:
            found[label.strip()] = float(weight)
        except ValueError:
            raise FirstlightError(
                f"Expected class weights such as cat=1,dog=3. Received {part.strip()!r}. Write a number behind '='."
            ) from None
    return found
