"""What a layout is, and how the layout of a folder is recognised, whatever the layouts are of: captions or labels.

A layout is a name, one line on what it looks like, and two functions: which files hold what is looked for, and what
rows they give. The layouts themselves stand in `caption_layouts` and `label_layouts`.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from firstlight.data.contents import Contents
from firstlight.errors import FirstlightError, nearest

__all__ = ["Layout", "NotRecognisedError", "recognise"]

RowType = TypeVar("RowType")


class NotRecognisedError(FirstlightError):
    """No known layout matches what was found."""


@dataclass(frozen=True)
class Layout(Generic[RowType]):
    """A way to lay out images and what is said of them: how it looks, how to find it, how to read it."""

    name: str
    looks_like: str
    find: Callable[[Contents], list[str]]
    read: Callable[[Contents, list[str]], Iterator[RowType]]


def recognise(
    contents: Contents, layouts: Mapping[str, Layout[RowType]], name: str | None, holding: str
) -> tuple[Layout[RowType], list[str]]:
    """The layout of what was found, or the one asked for, and its files; `holding` is "captions" or "labels".

    The first in the order of `layouts` is taken; where others match other files, that is told. Raises
    `NotRecognisedError` where none matches, and FirstlightError for a name that is not known.
    """
    if name is not None and name not in layouts:
        raise FirstlightError(
            f"Unknown layout {name!r} of {holding}. Known are: {', '.join(layouts)}.{nearest(name, layouts)}"
        )
    wanted = [layouts[name]] if name else list(layouts.values())
    matches = [(layout, files) for layout in wanted if (files := _find(layout, contents))]
    if not matches:
        raise NotRecognisedError(_nothing_recognised(contents, wanted, holding))
    layout, files = matches[0]
    # Reading what turned out to be something else may have told of lines that nobody meant so.
    taken = set(files)
    contents.problems = [problem for problem in contents.problems if problem.file in taken]
    _tell_others(contents, layout, files, matches[1:])
    return layout, files


def _find(layout: Layout[RowType], contents: Contents) -> list[str]:
    found = layout.find(contents)
    return [path for path in found if path in contents.documents] if contents.restricted else found


def _tell_others(
    contents: Contents, chosen: Layout[RowType], files: list[str], others: list[tuple[Layout[RowType], list[str]]]
) -> None:
    taken = set(files)
    for layout, found in others:
        unused = [path for path in found if path not in taken]
        # Every tar with texts is also a set of sidecars; only files that nothing has claimed are worth a word.
        if unused and not all(any(path.startswith(f"{tar}/") for tar in taken) for path in unused[:50]):
            more = f" and {len(unused) - 1:,} more" if len(unused) > 1 else ""
            contents.tell(
                "note",
                f"read as {chosen.name}; {contents.relative(unused[0])}{more} would match {layout.name} "
                f"(choose with layout={layout.name!r})",
                files[0],
            )
            taken.update(unused)


def _nothing_recognised(contents: Contents, wanted: list[Layout[RowType]], holding: str) -> str:
    """What was expected, what is there, why each document was turned down, and what to do."""
    counts: dict[str, int] = {}
    for path in contents.files:
        ending = os.path.splitext(path)[1].lower() or "(no ending)"
        counts[ending] = counts.get(ending, 0) + 1
    found = ", ".join(f"{number} {ending}" for ending, number in sorted(counts.items(), key=lambda item: -item[1])[:8])
    reasons = [f"  {contents.relative(path)}: {reason}" for path, reason in list(contents.rejected.items())[:8]]
    layouts = [f"  {layout.name}: {layout.looks_like}" for layout in wanted]
    return "\n".join(
        [
            f"Expected images with {holding} in {contents.root}. "
            f"Received {found or 'no files'}; no known layout matches.",
            *(["Not used:", *reasons] if reasons else []),
            f"Arrange the {holding} in one of these layouts:"
            if len(wanted) > 1
            else "The layout asked for looks like this:",
            *layouts,
        ]
    )
