"""The help texts of all commands as one Markdown page: `python -m firstlight.cli.help` writes docs/cli.md.

The page is made, never edited; a test compares it with what the commands say.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from firstlight.cli import main
from firstlight.cli.records import write

__all__ = ["page"]

_WIDTH = 100
_OPENING = """# The command line

Made from the help texts by `python -m firstlight.cli.help`; edit those.
"""


def page() -> str:
    """All help texts, a section a command, subcommands after their group."""
    sections = [
        f"## {path}\n\n```\n{text}\n```\n"
        for path, text in _help(main, click.Context(main, info_name="firstlight", **main.context_settings))
    ]
    return "\n".join([_OPENING, *sections])


def _help(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    context.terminal_width = _WIDTH
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from _help(child, click.Context(child, parent=context, info_name=name))


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/cli.md"), page())
