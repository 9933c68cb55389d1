"""`firstlight data`: list, get, check and show data sets.

Each takes the name of a data set of the catalogue or a path to images with captions or labels, or to a table.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table
from rich.text import Text

from firstlight.cli.loading import downloading, load_data
from firstlight.cli.progress import progress
from firstlight.cli.samples import Sample, sample
from firstlight.data import CATALOGUE, Dataset, Frame, Record, check, load
from firstlight.data.check_images import section, tell_passed_over
from firstlight.data.files import adopt, fetch, is_here
from firstlight.data.frame_columns import Categories
from firstlight.data.images import read_many
from firstlight.data.loading import TASKS
from firstlight.errors import FirstlightError, nearest

__all__ = ["data"]

_STRICT = "Exit with 1 where anything is missing, broken or passed over, or an image is in two splits."


@click.group()
def data() -> None:
    """List, get, check and show data sets.

    A data set is a name from `firstlight data list`, or a path to your own: a folder, a zip or tar, or a file of
    captions or labels with its images around it. What it is for and its layout are recognised.

    \b
      firstlight data list
      firstlight data check my/photos
      firstlight data show my/photos --out sheet.png
    """


def _with_source(function: Callable[..., Any]) -> Callable[..., Any]:
    """The parameters that say which data is meant and how to read it."""
    layout = click.option("--layout", help="Read it as this layout, instead of recognising one.")
    task_help = "What it is for: captions first, then labels, where not given; a name knows."
    task = click.option("--task", type=click.Choice(list(TASKS)), help=task_help)
    return click.argument("target", metavar="NAME_OR_PATH")(task(layout(function)))


@data.command("list", short_help="The data sets known by name.")
def _list() -> None:
    """The data sets that firstlight knows by name, and whether they are on this machine.

    \b
      firstlight data list
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
    for title, side in (
        ("Name", "left"),
        ("Task", "left"),
        ("Images", "right"),
        ("Download", "right"),
        ("Here", "left"),
    ):
        table.add_column(title, justify=side, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("What it is, and its licence")
    for record in CATALOGUE.values():
        about = Text(record.description).append(f"\n{record.licence}", style="dim")
        images = f"{sum(record.splits.values()):,}"
        table.add_row(Text(record.name, "bold"), record.task, images, _download(record), _here(record), about)
    Console().print(table)


@data.command("get", short_help="Bring a data set here, or use your own copy.")
@click.argument("name")
@click.option("--from", "source", metavar="PATH", type=click.Path(), help="Use your own copy: a file or a folder.")
def _get(name: str, source: str | None) -> None:
    """Bring the data set NAME to this machine, or point at your own copy of it.

    Downloads go on where they were cut off; FIRSTLIGHT_DATA names the folder for them. A file that would be downloaded
    is checked and copied there; anything else that you point at, in any layout, stays where it is.

    \b
      firstlight data get flickr8k
      firstlight data get flickr8k --from ~/Downloads/Flickr8k_Dataset.zip
      firstlight data get cifar10 --from my/cifar10_class_folders.zip
    """
    record = _record(name)
    if record.drawn:
        click.echo(f"{name} needs no download. There is nothing to get.")
        return
    if source is not None and Path(source).name not in [file.name for file in record.files]:
        _adopt_in_place(record, source)
        return
    if source is not None:
        try:
            click.echo(f"Copied to {adopt(record, source)}")
        except FirstlightError as error:
            _adopt_another(record, source, error)
            return
        if not is_here(record):
            click.echo(f"The rest of {name} is still missing: `firstlight data get {name}` downloads it.")
            return
    with downloading() as told:
        place = fetch(record, told)
    click.echo(f"{name} is in {place}")
    _tell(load(name))


@data.command("check")
@_with_source
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.option("--strict", is_flag=True, help=_STRICT)
def _check(target: str, task: str | None, layout: str | None, as_json: bool, strict: bool) -> None:
    """Say what a data set holds and what is wrong with it.

    The layout; images, captions and their lengths, the vocabulary; or classes and images a class; broken, missing and
    duplicate images, also across splits; and all that will be passed over, with file and line. Every image is opened.
    Of a table: what is in each column. Problems do not stop anything: the exit code is 0 as long as something can be
    used.

    \b
      firstlight data check my/photos
      firstlight data check captions.csv --layout table
      firstlight data check my/classes --task labels
      firstlight data check measurements.csv --task table
      firstlight data check flickr8k --json > report.json
    """
    dataset = load_data(target, layout, task=task)
    if isinstance(dataset, Frame):
        _check_table(dataset, as_json, strict)
        return
    display = progress()
    try:
        told = display.task("images", sum(map(len, dataset.splits.values())))
        report = check(dataset, lambda done, total: told(done))
    finally:
        display.close()
    click.echo(json.dumps(report.to_dict(), ensure_ascii=False, indent=2) if as_json else str(report))
    if len(report.broken) == sum(split.images for split in report.splits.values()):
        raise FirstlightError(
            f"Expected images that can be used in {target}. Received {len(report.broken)}, all broken."
        )
    across = any(duplicate.across for duplicate in report.duplicates)
    if strict and (report.missing or report.broken or report.passed_over or across):
        raise click.exceptions.Exit(1)


@data.command("show")
@_with_source
@click.option("--split", help="The split to look at; the first one where not given.")
@click.option("--count", type=click.IntRange(min=1), help="How many images, or how many a class; 8, or 4 a class.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed, other images.")
@click.option("--out", type=click.Path(dir_okay=False), help="Write the images and what is said of them as a picture.")
def _show(
    target: str, task: str | None, layout: str | None, split: str | None, count: int | None, seed: int, out: str | None
) -> None:
    """Show some images with their captions, or some of each class.

    Of a table, the first rows are shown.

    \b
      firstlight data show scenes --count 12 --out scenes.png
      firstlight data show my/photos --split validation --seed 1
      firstlight data show mnist --count 8 --out digits.png
    """
    if out is not None:
        _require_picture(out)
    if _is_drawn(target) and layout is None and task in (None, "captions"):
        dataset: Dataset | Frame = _draw(target, count or 8, seed)
    else:
        dataset = load_data(target, layout, task=task)
    if isinstance(dataset, Frame):
        if split is not None or out is not None:
            raise click.UsageError("A table has no splits, and no picture is made of it. Leave out --split and --out.")
        _show_table(dataset, count or 8)
        return
    part = dataset[split] if split else next(iter(dataset.splits.values()))
    chosen = sample(part, count, seed)
    if out is not None:
        from firstlight import plots

        images = [found if isinstance(found, np.ndarray) else None for _, found in read_many(chosen.images)]
        title = f"{dataset.name}: {part.name}"
        plots.contact_sheet(images, chosen.texts, out, title=title, names=chosen.names, columns=chosen.columns)
    _print(chosen)
    if out is not None:
        click.echo(f"Wrote {out}")


def _print(chosen: Sample) -> None:
    """Each image's name with its texts below, or each class with its images below."""
    console = Console(soft_wrap=True, highlight=False)
    for title, lines in chosen.told:
        console.print(Text(title, "bold"))
        for line in lines:
            console.print(Text(f"  {line}"))
    if chosen.left_out:
        console.print(Text(f"... and {chosen.left_out:,} more classes"))


def _check_table(frame: Frame, as_json: bool, strict: bool) -> None:
    """The columns of a table, and what was passed over."""
    problems = [problem for problem in frame.problems if problem.kind != "note"]
    if as_json:
        plain = {"name": frame.name, "source": frame.source, "rows": len(frame), "target": frame.target}
        told = {"columns": list(map(asdict, frame.report)), "problems": list(map(asdict, frame.problems))}
        click.echo(json.dumps({**plain, **told}, ensure_ascii=False, indent=2))
    else:
        notes = [problem for problem in frame.problems if problem.kind == "note"]
        click.echo("\n".join([str(frame), *tell_passed_over(problems), *section("Notes", notes)]))
    if strict and problems:
        raise click.exceptions.Exit(1)


def _show_table(frame: Frame, count: int) -> None:
    """The first rows of a table."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    shown = frame.take(range(min(count, len(frame))))
    for name, column in shown.columns.items():
        style = "bold" if name == frame.target else ""
        table.add_column(Text(name), justify="left" if isinstance(column, Categories) else "right", style=style)
    for row in range(len(shown)):
        table.add_row(*(Text(_cell(column[row])) for column in shown.columns.values()))
    Console().print(table)


def _cell(value: Any) -> str:
    return "" if value is None or value != value else value if isinstance(value, str) else f"{value:g}"


def _record(name: str) -> Record:
    if name not in CATALOGUE:
        raise FirstlightError(
            f"Expected a data set by name: {', '.join(CATALOGUE)}. Received {name!r}.{nearest(name, CATALOGUE)} "
            "A folder of your own needs no `get`: use its path."
        )
    return CATALOGUE[name]


def _adopt_in_place(record: Record, source: str) -> None:
    """Remember where an own copy lies, if it can be loaded; an error, and nothing is remembered."""
    dataset = load(Path(source), task=record.task)
    click.echo(f"{record.name} is in {adopt(record, source, as_it_is=True)}")
    if isinstance(dataset, Dataset):
        _tell(dataset)


def _adopt_another(record: Record, source: str, refused: FirstlightError) -> None:
    """Use a file with the name of the download but another content, where it holds the whole data set by itself."""
    try:
        load(Path(source), task=record.task)
    except FirstlightError:
        raise refused from None
    click.echo(f"{refused}\nIt can be read and is used as your own copy, where it lies.")
    _adopt_in_place(record, source)


def _is_drawn(target: str) -> bool:
    return target in CATALOGUE and CATALOGUE[target].drawn and CATALOGUE[target].task == "captions"


def _draw(name: str, count: int, seed: int) -> Dataset:
    """So many scenes of each split and no more: a whole set takes long to draw, and only to be looked at."""
    options: dict[str, Any] = dict.fromkeys(CATALOGUE[name].splits, count)
    drawn: Dataset = load(name, size=300, seed=seed, **options)
    return drawn


def _require_picture(path: str) -> None:
    known = [suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.SAVE]
    if Path(path).suffix.lower() not in known:
        raise FirstlightError(
            f"Expected a picture's name, for example sheet.png. Received {path}.{nearest(Path(path).suffix, known)}"
        )


def _download(record: Record) -> str:
    if record.drawn:
        return "none"
    if not record.files:
        return "on request"
    return f"{record.size / 1e9:.1f} GB" if record.size >= 1e9 else f"{record.size / 1e6:.0f} MB"


def _here(record: Record) -> Text:
    return Text("yes", "green") if is_here(record) else Text("no", "dim")


def _tell(dataset: Dataset) -> None:
    parts = ", ".join(f"{name} {len(split):,}" for name, split in dataset.splits.items())
    problems = f"; {len(dataset.problems):,} remarks, see `firstlight data check`" if dataset.problems else ""
    click.echo(f"Layout {dataset.layout}; images: {parts}{problems}")
