"""The `firstlight` command: one verb a file, each loaded when it is asked for.

Asking for help loads no framework. Wrong input prints one line and exits with 2; Ctrl-C exits with 130.
"""

import errno
import io
import sys
from importlib import import_module
from typing import Any

import click

from firstlight import __version__
from firstlight.errors import FirstlightError

__all__ = ["COMMANDS", "InputError", "LazyGroup", "main"]

COMMANDS = {
    "demo": ("firstlight.cli.demo:demo", "Train on drawn scenes and describe new ones, in about three minutes."),
    "train": ("firstlight.cli.train:train", "Train a system on your own data; the same command again resumes."),
    "evaluate": (
        "firstlight.cli.evaluate:evaluate",
        "Judge a trained system: a table with intervals, and a page that shows what they mean.",
    ),
    "ensemble": ("firstlight.cli.ensemble:ensemble", "Let several trained captioners speak as one."),
    "caption": ("firstlight.cli.caption:caption", "Describe images with a trained captioner."),
    "classify": ("firstlight.cli.classify:classify", "Tell what images show with a trained classifier."),
    "reconstruct": ("firstlight.cli.reconstruct:reconstruct", "Write pictures as codes and draw them again."),
    "denoise": ("firstlight.cli.reconstruct:denoise", "Take noise out of pictures with a trained autoencoder."),
    "morph": ("firstlight.cli.morph:morph", "Morph one picture into another: a film, a strip, single frames."),
    "sample": ("firstlight.cli.sample:sample", "Draw new pictures with a trained system."),
    "compare": ("firstlight.cli.compare:compare", "Compare optimizers, rates and tricks: same start, several seeds."),
    "index": ("firstlight.cli.index:index", "Index photos for search; update, duplicates, evaluation."),
    "search": ("firstlight.cli.search:search", "Find the photos of an index that are like one, or have a word."),
    "predict": ("firstlight.cli.predict:predict", "Predict the rows of a table with a trained linear model."),
    "words": ("firstlight.cli.words:words", "Ask word vectors: neighbours, analogies, the odd one out, maps."),
    "trace": ("firstlight.cli.trace:trace", "See what a network does with an input, step by step."),
    "descend": (
        "firstlight.cli.descend:descend",
        "Watch optimizers descend a loss of two weights: figure, film, page.",
    ),
    "data": ("firstlight.cli.data:data", "List, get, check and show data sets."),
}
_RESUME = ("demo", "train", "compare", "index")  # commands that go on where they were stopped
_INTERRUPTED = 130  # what a shell reports for a command that Ctrl-C ended


class InputError(click.ClickException):
    """Input that cannot be used: `Error: message`, exit code 2."""

    exit_code = 2


class LazyGroup(click.Group):
    """A group that knows the names and summaries of its commands, and imports one only when it is asked for."""

    def __init__(self, *args: Any, places: dict[str, tuple[str, str]] | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.places = places or {}

    def list_commands(self, context: click.Context) -> list[str]:
        """The names of all commands, in the order in which a user meets them."""
        return list(self.places)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of this name, imported now."""
        if name not in self.places:
            return None
        module, _, attribute = self.places[name][0].partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"Expected a click command at {self.places[name][0]}. Received {type(command).__name__}.")
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands from the summaries alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in self.places.items()])

    def invoke(self, context: click.Context) -> Any:
        """Run the command; what the user can mend is told in a line, everything else is a bug and escapes."""
        try:
            return super().invoke(context)
        except FirstlightError as error:
            raise InputError(str(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader went away (`firstlight ... | head`): click ends quietly
                raise
            raise InputError(_in_words(error)) from error
        except KeyboardInterrupt:
            resumes = " The same command resumes from what is saved." * (context.invoked_subcommand in _RESUME)
            click.echo(f"\nInterrupted.{resumes}", err=True)
            raise click.exceptions.Exit(_INTERRUPTED) from None


def _in_words(error: OSError) -> str:
    """An operating-system error in words, with the file it is about."""
    if error.filename is None or error.strerror is None:
        return str(error)
    return f"{error.strerror}: {error.filename}"


@click.group(
    cls=LazyGroup, places=COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="firstlight")
def main() -> None:
    """Deep learning from the first gradient to the first caption.

    Train on your own pictures, judge the result, and describe pictures nobody has described.

    \b
      firstlight demo
      firstlight data check my/photos
      firstlight train captioner --data my/photos --out runs/mine
      firstlight evaluate runs/mine --split validation
      firstlight caption runs/mine beach.jpg --attention looks/
    """
    # File names of other encodings are shown with an escape in place of an error; standard error does so by itself.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
