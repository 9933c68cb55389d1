"""`firstlight data`: list, get, check and show data sets.

Each takes the name of a data set of the catalogue or a path to anything with images and captions in it.
"""

import json
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
from firstlight.data import CATALOGUE, Dataset, Record, check, load
from firstlight.data.batches import shuffled
from firstlight.data.files import adopt, fetch, is_here
from firstlight.data.images import read_many
from firstlight.errors import FirstlightError, nearest

__all__ = ["data"]


@click.group()
def data() -> None:
    """List, get, check and show data sets.

    A data set is a name from `firstlight data list`, or a path to your own: a folder, a zip or tar, or a file of
    captions with its images around it. The layout is recognised.

    \b
      firstlight data list
      firstlight data check my/photos
      firstlight data show my/photos --out sheet.png
    """


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
    is checked and copied there; anything else that you point at stays where it is.

    \b
      firstlight data get flickr8k
      firstlight data get flickr8k --from ~/Downloads/Flickr8k_Dataset.zip
      firstlight data get flickr30k --from /data/flickr30k
    """
    record = _record(name)
    if record.drawn:
        click.echo(f"{name} is drawn on this machine when it is loaded. There is nothing to get.")
        return
    if source is not None and Path(source).name not in [file.name for file in record.files]:
        dataset = load(Path(source))  # an error here, and nothing is remembered
        click.echo(f"{name} is in {adopt(record, source)}")
        _tell(dataset)
        return
    if source is not None:
        click.echo(f"Copied to {adopt(record, source)}")
        if not is_here(record):
            click.echo(f"The rest of {name} is still missing: `firstlight data get {name}` downloads it.")
            return
    with downloading() as told:
        place = fetch(record, told)
    click.echo(f"{name} is in {place}")
    _tell(load(name))


@data.command("check")
@click.argument("target", metavar="NAME_OR_PATH")
@click.option("--layout", help="Read it as this layout, instead of recognising one.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.option("--strict", is_flag=True, help="Exit with 1 where anything is missing, broken or passed over.")
def _check(target: str, layout: str | None, as_json: bool, strict: bool) -> None:
    """Say what a data set holds and what is wrong with it.

    The layout, images, captions and their lengths, the vocabulary; broken, missing and duplicate images, also across
    splits; and all that will be passed over, with file and line. Every image is opened. Problems do not stop anything:
    the exit code is 0 as long as something can be used.

    \b
      firstlight data check my/photos
      firstlight data check captions.csv --layout csv
      firstlight data check flickr8k --json > report.json
    """
    dataset = load_data(target, layout)
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
@click.argument("target", metavar="NAME_OR_PATH")
@click.option("--layout", help="Read it as this layout, instead of recognising one.")
@click.option("--split", help="The split to look at; the first one where not given.")
@click.option("--count", type=click.IntRange(min=1), default=8, show_default=True, help="How many images.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed, other images.")
@click.option("--out", type=click.Path(dir_okay=False), help="Write the images with their captions to this picture.")
def _show(target: str, layout: str | None, split: str | None, count: int, seed: int, out: str | None) -> None:
    """Show some images of a data set with their captions.

    \b
      firstlight data show scenes --count 12 --out scenes.png
      firstlight data show my/photos --split validation --seed 1
    """
    if out is not None:
        _require_picture(out)
    dataset = _draw(target, count, seed) if _is_drawn(target) and layout is None else load_data(target, layout)
    part = dataset[split] if split else next(iter(dataset.splits.values()))
    chosen = part.take(np.sort(shuffled(len(part), seed, epoch=0)[:count]).tolist())
    if out is not None:
        from firstlight import plots

        images = [found if isinstance(found, np.ndarray) else None for _, found in read_many(chosen.images)]
        plots.contact_sheet(images, chosen.captions, out, title=f"{dataset.name}: {part.name}", names=chosen.names)
    console = Console(soft_wrap=True, highlight=False)
    for name, captions in zip(chosen.names, chosen.captions, strict=True):
        console.print(Text(name, "bold"))
        for caption in captions:
            console.print(Text(f"  {caption}"))
    if out is not None:
        click.echo(f"Wrote {out}")


def _record(name: str) -> Record:
    if name not in CATALOGUE:
        raise FirstlightError(
            f"Expected a data set by name: {', '.join(CATALOGUE)}. Received {name!r}.{nearest(name, CATALOGUE)} "
            "A folder of your own needs no `get`: use its path."
        )
    return CATALOGUE[name]


def _is_drawn(target: str) -> bool:
    return target in CATALOGUE and CATALOGUE[target].drawn


def _draw(name: str, count: int, seed: int) -> Dataset:
    """So many scenes of each split and no more: a whole set takes long to draw, and only to be looked at."""
    options: dict[str, Any] = dict.fromkeys(CATALOGUE[name].splits, count)
    return load(name, size=300, seed=seed, **options)


def _require_picture(path: str) -> None:
    if Path(path).suffix.lower() not in (known := Image.registered_extensions()):
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
