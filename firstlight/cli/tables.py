"""Tables on the screen. Every text stands as it is: square brackets in a user's names are no mark-up.

Rich is imported when a table is made, so that asking for help stays quick.
"""

from typing import Any

__all__ = ["add_row", "make_table"]


def make_table(title: str, *columns: str) -> Any:
    """A table with a title and headings; the first column stands left, all others, which hold figures, right."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title, "table.title"), title_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
    for place, name in enumerate(columns):
        table.add_column(Text(name), justify="right" if place else "left")
    return table


def add_row(table: Any, *cells: str, style: str | None = None) -> None:
    """A row of texts under the others."""
    from rich.text import Text

    table.add_row(*map(Text, cells), style=style)
