"""Tables on the screen show every text as it is."""

import pytest
from rich.console import Console

from firstlight.cli import comparison_reports
from firstlight.cli.tables import add_row, make_table
from firstlight.pages import Column


def test_square_brackets_are_no_mark_up(capsys: pytest.CaptureFixture[str]) -> None:
    table = make_table("runs/[bold]a[/bold]", "Term [cm]", "rate [/h]")
    add_row(table, "length [cm]", ":smile:")
    add_row(table, "rate [/h]", "[red]", style="bold")
    Console().print(table)
    told = capsys.readouterr().out
    for part in ("runs/[bold]a[/bold]", "Term [cm]", "rate [/h]", "length [cm]", ":smile:", "[red]"):
        assert part in told


def test_nor_are_they_in_a_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    comparison_reports._print("classifier on [/data]", ["rate [/h]"], [Column("score [%]", ["1 [red]"])])
    told = capsys.readouterr().out
    for part in ("classifier on [/data]", "rate [/h]", "score [%]", "1 [red]"):
        assert part in told
