"""`firstlight index`: build an index of photos, bring it up to date, and see what is in it.

Building and updating go on where they were stopped; a broken photo is told on standard error and passed over.
"""

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from firstlight.cli.search import load_keras_for, open_index, pictures_of, searching_options, shown
from firstlight.errors import FirstlightError

__all__ = ["index"]

_TOLD = 10  # problems that are told one by one
_SHOWN = 60  # groups of duplicates on a page


@click.group()
def index() -> None:
    """Build an index of photos, bring it up to date, and see what is in it.

    \b
      firstlight index build my/photos --out runs/photos
      firstlight index update runs/photos
      firstlight search runs/photos beach.jpg -k 9
    """


@contextmanager
def _progress() -> Iterator[Any]:
    from firstlight.cli.progress import progress

    display = progress()
    try:
        yield display
    finally:
        display.close()


def _tell(update: Any, run: Any, count: int) -> None:
    """What was done, and what was passed over."""
    for problem in update.problems[:_TOLD]:
        click.echo(f"passed over: {shown(str(problem))}", err=True)
    if len(update.problems) > _TOLD:
        click.echo(f"and {len(update.problems) - _TOLD:,} more", err=True)
    click.echo(f"{update}; {count:,} images in {run}")


def _build(photos: str, out: Path, task: str | None, split: str | None, restart: bool, **settings: Any) -> None:
    """Index PHOTOS for search, into the run folder --out; the same command again goes on, and updates.

    PHOTOS is a folder (searched below, too), a zip or tar file, or a data set by name, whose labels or captions are
    kept. A folder is one, too, with --task.

    \b
      firstlight index build my/photos --out runs/photos
      firstlight index build my/photos --out runs/photos --encoder runs/classes
      firstlight index build cifar10 --split train --out runs/cifar10
    """
    from firstlight.cli.keras_start import load_keras
    from firstlight.systems.image_index import ImageIndex

    source = _source(photos, task, split)
    if restart and out.exists():
        _delete(out)
    if settings["encoder"] != "pixels":
        load_keras()
    built = ImageIndex(**settings)
    with _progress() as display:
        update = built.fit(source, folder=out, progress=display)
    _tell(update, out, len(built))


def _source(photos: str, task: str | None, split: str | None) -> Any:
    """What is to be indexed; a data set by name is brought here first."""
    from firstlight.cli.loading import load_data
    from firstlight.data import CATALOGUE
    from firstlight.systems.image_index_sources import Source, whole_path

    if photos in CATALOGUE and not Path(photos).exists():
        task = task or CATALOGUE[photos].task
        load_data(photos, task=task)
        return Source(photos, task, split)
    return Source(whole_path(photos), task or ("labels" if split else None), split)


def _delete(out: Path) -> None:
    if any(out.iterdir()) and not (out / "system.json").exists():
        raise FirstlightError(f"Expected the folder of an index to delete. Received {out}, which holds something else.")
    if (out / "system.json").exists():
        old = open_index(str(out))
        if hasattr(old.store, "drop"):
            old.store.drop()
        old.store.close()
    shutil.rmtree(out)


def _build_command() -> click.Command:
    """The command with an option for every setting of `ImageIndex`."""
    from firstlight.cli.settings import argument_help, option, settings_of
    from firstlight.systems.image_index import ImageIndex

    about = argument_help(ImageIndex.__doc__)["encoder"]
    about = about.replace(", or (from Python) a function of a list of pictures that gives vectors", "")
    parameters: list[click.Parameter] = [
        click.Argument(["photos"]),
        click.Option(["--out"], type=click.Path(path_type=Path), required=True, help="The run folder."),
        click.Option(["--encoder"], default="auto", show_default=True, help=about[:1].upper() + about[1:]),
        click.Option(["--task"], type=click.Choice(["labels", "captions"]), help="Read PHOTOS as a data set of these."),
        click.Option(["--split"], help="Index this part of the data set only; for a path, --task labels if not given."),
        click.Option(["--restart"], is_flag=True, help="Delete what the run folder holds and begin anew."),
    ]
    parameters += [option(setting) for setting in settings_of(ImageIndex.__init__, ImageIndex.__doc__)]
    callback: Callable[..., None] = _build
    return click.Command(
        "build", callback=callback, params=parameters, help=_build.__doc__, short_help="Index photos for search."
    )


index.add_command(_build_command())


@index.command("update", short_help="Follow files that came, changed, moved or went.")
@click.argument("run", type=click.Path())
@click.option("--database", help="Address of the PostgreSQL, where it is another one now.")
@click.option("--compact", is_flag=True, help="Give back the space of images that were removed or changed.")
def _update(run: str, database: str | None, compact: bool) -> None:
    """Bring the index RUN up to date with its photos: new, changed, moved and deleted files."""
    built = open_index(run, database=database)
    load_keras_for(built)
    with _progress() as display:
        update = built.update(progress=display)
    if compact:
        built.compact()
    _tell(update, run, len(built))


@index.command("add", short_help="Index more photos.")
@click.argument("run", type=click.Path())
@click.argument("photos", nargs=-1, required=True)
def _add(run: str, photos: tuple[str, ...]) -> None:
    """Add PHOTOS (files, or folders, which `update` will search again) to the index RUN."""
    built = open_index(run)
    load_keras_for(built)
    files = [photo for photo in photos if not Path(photo).is_dir()]
    with _progress() as display:
        for folder in (photo for photo in photos if Path(photo).is_dir()):
            _tell(built.fit(folder, folder=run, progress=display), run, len(built))
        if files:
            _tell(built.add(files, progress=display), run, len(built))


@index.command("remove", short_help="Take photos out of the index.")
@click.argument("run", type=click.Path())
@click.argument("names", nargs=-1, required=True)
def _remove(run: str, names: tuple[str, ...]) -> None:
    """Take photos out of the index RUN, by their names; the files stay, and `update` does not bring them back."""
    built = open_index(run)
    count = built.remove(names)
    click.echo(f"{count:,} removed; {len(built):,} images in {run}")
    if not count:
        raise FirstlightError(
            f"Expected names of images in {run}. Received {shown(names[0])!r}, which is none of them."
        )


@index.command("caption", short_help="Let a captioner describe the photos.")
@click.argument("run", type=click.Path())
@click.argument("captioner", type=click.Path())
def _caption(run: str, captioner: str) -> None:
    """Let the captioner in the run folder CAPTIONER describe the photos of the index RUN, for `search --words`."""
    built = open_index(run)
    load_keras_for(built)
    with _progress() as display:
        count = built.caption(captioner, progress=display)
    click.echo(f"{count:,} described; {len(built):,} images in {run}")


@index.command("duplicates", short_help="Groups of photos that are nearly the same.")
@click.argument("run", type=click.Path())
@click.option(
    "--threshold", type=click.FloatRange(0), default=0.1, show_default=True, help="Largest distance of a pair."
)
@click.option("--to", type=click.Choice(["csv", "json"]), help="Write one table or file.")
@click.option("--out", type=click.Path(path_type=Path), help="The file to write; by default standard output.")
@click.option("--page", type=click.Path(path_type=Path, dir_okay=False), help="Write a page of the groups.")
@searching_options
def _duplicates(
    run: str, threshold: float, to: str | None, out: Path | None, page: Path | None, **searching: str | None
) -> None:
    """Groups of photos in the index RUN that are nearly the same; the first of each was indexed first."""
    from firstlight.cli.records import write

    if out and not to:
        raise click.UsageError("--out needs --to csv or json.")
    groups = open_index(run, **searching).near_duplicates(threshold)
    if to:
        text = _groups_as(to, groups)
        if out:
            write(out, text)
        else:
            click.echo(text, nl=False)
    else:
        for group in groups:
            lines = zip(group.distances, group.names, strict=True)
            click.echo("\n".join(f"{distance:.4f}  {shown(name)}" for distance, name in lines) + "\n")
        copies = sum(len(group.names) - 1 for group in groups)
        click.echo(f"groups: {len(groups):,}; images that have another before them: {copies:,}", err=True)
    if page is not None:
        _write_groups(run, threshold, groups, page)
        click.echo(f"Written: {page}", err=True)


def _groups_as(to: str, groups: Any) -> str:
    if to == "json":
        records = [
            [
                {"name": name, "distance": round(distance, 6)}
                for name, distance in zip(g.names, g.distances, strict=True)
            ]
            for g in groups
        ]
        return json.dumps(records, indent=1) + "\n"
    memory = io.StringIO()
    writer = csv.writer(memory, lineterminator="\n")
    writer.writerow(["group", "distance", "name"])
    for number, group in enumerate(groups, 1):
        lines = zip(group.distances, group.names, strict=True)
        writer.writerows([number, round(distance, 6), shown(name)] for distance, name in lines)
    return memory.getvalue()


def _write_groups(run: str, threshold: float, groups: Any, page: Path) -> None:
    from firstlight import pages

    searches = []
    for number, group in enumerate(groups[:_SHOWN], 1):
        pictures = zip(group.names, pictures_of(group.names), group.distances, strict=True)
        hits = [pages.Hit(name, picture, distance) for name, picture, distance in pictures]
        searches.append(pages.Search(f"Group {number}: {len(hits)} pictures", [], hits))
    more = f"; the first {_SHOWN} are shown" if len(groups) > _SHOWN else ""
    protocol = f"{len(groups):,} groups, linked by pairs nearer than {threshold:g}{more}"
    pages.search_page(page, f"Nearly the same in {run}", protocol, searches)


@index.command("evaluate", short_help="Recall and average precision on labelled images.")
@click.argument("run", type=click.Path())
@click.argument("data")
@click.option("--split", default="test", show_default=True, help="The part of the data to search by.")
@click.option("--layout", help="How the labels of DATA are laid out, where it is not recognised.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of the table.")
def _evaluate(run: str, data: str, split: str, layout: str | None, as_json: bool) -> None:
    """Search the index RUN by the labelled images of DATA; what has the same label is right.

    Writes metrics.json into RUN. The index must have been built from labelled data, for example
    `firstlight index build DATA --task labels --split train`.
    """
    from firstlight.cli.loading import load_data
    from firstlight.cli.records import write

    built = open_index(run)
    found: Any = load_data(data, layout, task="labels")
    load_keras_for(built)
    with _progress() as display:
        report = {**built.evaluate(found[split], progress=display), "data": data, "split": split}
    text = json.dumps(report, indent=1) + "\n"
    write(Path(run) / "metrics.json", text)
    if as_json:
        click.echo(text, nl=False)
        return
    for name, (low, high) in report["intervals"].items():
        click.echo(f"{name.replace('_', ' '):24} {report[name]:.4f}  ({low:.4f} to {high:.4f})")
    click.echo(f"{report['queries']:,} queries of {found.name}, {split}; {report['images']:,} images in the index")


@index.command("info", short_help="What an index holds.")
@click.argument("run", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--names", is_flag=True, help="Print the name of every image, and nothing else.")
def _info(run: str, as_json: bool, names: bool) -> None:
    """Tell what the index RUN holds: images, encoder, how it is searched, and from where it was built."""
    built = open_index(run)
    known = built.store.known()
    if names:
        click.echo("".join(f"{shown(name)}\n" for name in known), nl=False)
        return
    facts = {
        "images": len(known),
        "with captions": sum(bool(entry.captions) for entry in known.values()),
        "with labels": sum(entry.label is not None for entry in known.values()),
        "encoder": built.description["encoder"]["name"],
        "vector": built.store.columns,
        "distance": built.distance,
        "whiten": built.whiten,
        "engine": built.engine if built.structure == "flat" else f"{built.engine}, {built.structure}",
        "sources": [source["path"] for source in built.description["sources"]],
        "left out": len(built.description["left_out"]),
        "bytes on disk": sum(file.stat().st_size for file in Path(run).rglob("*") if file.is_file()),
    }
    if as_json:
        click.echo(json.dumps(facts, indent=1))
        return
    for name, value in facts.items():
        told = (
            ", ".join(map(shown, value))
            if isinstance(value, list)
            else f"{value:,}"
            if isinstance(value, int)
            else value
        )
        click.echo(f"{name:14} {told}")
