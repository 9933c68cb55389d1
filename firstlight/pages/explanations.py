"""A page of pictures with what a classifier told of each, how surely, and which parts of it speak for that."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from firstlight.pages import cases
from firstlight.pages.cases import Case, cards, toggle
from firstlight.pages.document import shape_style, write_document

__all__ = ["explanations"]


def explanations(
    path: str | Path, title: str, protocol: str, found: Sequence[Case], heats: Sequence[str], failed: Sequence[str] = ()
) -> None:
    """Write a page of cards, with buttons for the heats over the pictures.

    Args:
        path: the HTML file.
        title: its heading.
        protocol: one line that says what the heats are.
        found: a card each.
        heats: names of the heats, in the order of the buttons.
        failed: a line for each image that could not be read.
    """
    lines = "".join(f"<li>{escape(line)}</li>" for line in failed)
    write_document(
        path,
        title,
        protocol,
        "",
        f'<nav aria-label="Heats">{toggle(heats)}</nav>\n{cards(found, heats)}'
        + (f"<h2>Passed over</h2>\n<ul>{lines}</ul>\n" if failed else ""),
        _FOOTER,
        style=shape_style(case.picture for case in found) + cases.STYLE + _STYLE,
        script=cases.SCRIPT,
    )


_STYLE = """
nav { z-index: 3; } .cases { grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); }
.shares .told i { background: var(--accent); }
@media (max-width: 700px) { nav { position: static; } }
@media print { nav { display: none; } article { break-inside: avoid; } }
"""

_FOOTER = """Grad-CAM: Selvaraju et al. 2017. Saliency: Simonyan et al. 2014. They show what an answer depends on, not
whether it is right."""
