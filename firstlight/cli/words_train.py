"""`firstlight train word-vectors`: vectors of the words of a user's own text, in one command that also resumes."""

import os
from pathlib import Path
from typing import Any

import click

from firstlight.cli.settings import option, settings_of

__all__ = ["text_command"]


def text_command(noun: str, system: Any) -> click.Command:
    """The command `firstlight train NOUN` for a system that learns from running text."""
    stored = settings_of(system.__init__, system.__doc__)
    fitted = settings_of(system.fit)

    def run(data: str, out: Path, restart: bool, **values: Any) -> None:
        chosen = {setting.name: values[setting.name] for setting in stored}
        training = {setting.name: values[setting.name] for setting in fitted}
        _train(system(**chosen), data, out, restart, training)

    text = (system.__doc__ or f"a {noun}").partition("\n\n")[0].strip()
    path = click.Path(path_type=Path)
    parameters: list[click.Parameter] = [
        click.Option(
            ["--data"], required=True, help="A text file (.gz, .bz2 and .xz too), or a folder or zip of them."
        ),
        click.Option(["--out"], type=path, required=True, help="The run folder; the same command again resumes."),
        click.Option(["--restart"], is_flag=True, help="Delete what the run folder holds and begin anew."),
        *(option(setting) for setting in [*stored, *fitted]),
    ]
    return click.Command(noun, callback=run, params=parameters, help=text, short_help=text.partition("\n")[0])


def _train(system: Any, source: str, out: Path, restart: bool, training: dict[str, Any]) -> None:
    from firstlight import plots
    from firstlight.cli.keras_start import load_keras
    from firstlight.cli.progress import progress
    from firstlight.cli.restarting import emptied
    from firstlight.cli.train import tell_checks
    from firstlight.data import load_corpus

    place = {"source": os.path.abspath(os.path.expanduser(source))}
    corpus = load_corpus(source, encoding=system.encoding)
    with emptied(out, restart):
        system.begun_in(out, {**training, **place})  # refused before Keras is loaded, which takes seconds
        load_keras()
        display = progress()
        try:
            history = system.fit(corpus, folder=out, data=place, progress=display, **training)
        finally:
            display.close()
    plots.training_curves(history.history, out / "curves.png")
    tell_checks(out, system.self_checks())
    _tell(system, out)


def _tell(system: Any, out: Path) -> None:
    """What was made, and what to ask of it: the neighbours of a few words."""
    click.echo(f"{len(system.words):,} words, {system.dimensions} dimensions: {out}")
    for word in system.words[:: max(1, len(system.words) // 20)][1:6]:
        click.echo(f"  {word}: {', '.join(near.word for near in system.similar(word, 5))}")
    click.echo(f"Ask: firstlight words similar {out} {system.words[min(100, len(system.words) - 1)]}")
