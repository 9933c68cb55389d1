"""A system's settings as options of the command line: nothing to write twice.

Names, types and defaults come from the signatures of the constructor and of `fit`, the help from their docstrings.
"""

import inspect
import re
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

import click

__all__ = ["Setting", "argument_help", "option", "settings_of", "was_given"]

_SIMPLE: dict[type, click.ParamType[Any, Any]] = {
    int: click.INT,
    float: click.FLOAT,
    str: click.STRING,
    bool: click.BOOL,
}
_EXTRA_FLAGS = {"self_critical_epochs": "--self-critical"}  # a shorter way to say it


@dataclass(frozen=True)
class Setting:
    """One argument of a constructor or of `fit`: its name, its simple type, its default, and what it is for."""

    name: str
    type: Any
    optional: bool
    default: Any
    help: str


class _OrNone(click.ParamType[Any, Any]):
    """A value of another type, or the word `none`."""

    def __init__(self, inner: click.ParamType[Any, Any]) -> None:
        self.inner = inner
        self.name = f"{inner.name}|none"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        """The value, converted by the inner type; `none` gives None."""
        if isinstance(value, str) and value.lower() == "none":
            return None
        return self.inner.convert(value, parameter, context)


def settings_of(function: Callable[..., Any], docstring: str | None = None) -> list[Setting]:
    """The arguments of a function that a command line can give: those of type int, float, bool, str or a Literal."""
    explained = argument_help(docstring if docstring is not None else function.__doc__)
    found = []
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        kind, optional = _simple_type(parameter.annotation)
        if kind is not None and parameter.default is not parameter.empty:
            text = explained.get(parameter.name, "")
            found.append(Setting(parameter.name, kind, optional, parameter.default, text))
    return found


def argument_help(docstring: str | None) -> dict[str, str]:
    """The `Args:` section of a Google-style docstring, as one line of text for each argument."""
    lines = inspect.cleandoc(docstring or "").splitlines()
    if "Args:" not in lines:
        return {}
    explained: dict[str, str] = {}
    name, margin = "", ""
    for line in lines[lines.index("Args:") + 1 :]:
        if line and not line[0].isspace():
            break
        start = re.match(r"(\s+)(\w+)(?: \([^)]*\))?:\s*(.*)", line)
        if start and (not margin or start[1] == margin):
            margin, name = start[1], start[2]
            explained[name] = start[3].strip()
        elif name:
            explained[name] = f"{explained[name]} {line.strip()}".strip()
    return explained


def option(setting: Setting) -> click.Option:
    """The option for a setting: `--units INTEGER`, `--attention / --no-attention`, with its default shown."""
    flag = "--" + setting.name.replace("_", "-")
    flags = [flag, _EXTRA_FLAGS[setting.name]] if setting.name in _EXTRA_FLAGS else [flag]
    if setting.type is bool:
        flags = [f"{flag}/--no-{flag[2:]}"]
    shown: bool | str = "none" if setting.default is None else True
    kind = None if setting.type is bool else _click_type(setting)
    return click.Option(
        [*flags, setting.name],
        type=kind,
        default=setting.default,
        show_default=shown,
        help=_sentence(setting) or None,
    )


def _sentence(setting: Setting) -> str:
    """The help with a capital at its beginning, unless it begins with a value, which is to be typed as it stands."""
    first = setting.help.partition(" ")[0]
    if first.endswith(",") or first == setting.default or first in get_args(setting.type):
        return setting.help
    return setting.help[:1].upper() + setting.help[1:]


def was_given(name: str) -> bool:
    """Whether the user typed this option of the command that runs, even with its default."""
    return click.get_current_context().get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _click_type(setting: Setting) -> click.ParamType[Any, Any]:
    if get_origin(setting.type) is Literal:
        inner: click.ParamType[Any, Any] = click.Choice(get_args(setting.type))
    else:
        inner = _SIMPLE[setting.type]
    return _OrNone(inner) if setting.optional else inner


def _simple_type(annotation: Any) -> tuple[Any, bool]:
    """The simple type behind an annotation and whether None is allowed too; (None, False) for any other."""
    members = [annotation]
    if get_origin(annotation) in (Union, types.UnionType):
        members = list(get_args(annotation))
    kinds = [member for member in members if member is not types.NoneType]
    if len(kinds) == 1 and (kinds[0] in _SIMPLE or get_origin(kinds[0]) is Literal):
        return kinds[0], len(members) > 1
    return None, False
