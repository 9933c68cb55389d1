"""`firstlight search RUN PHOTO...`: the photos of an index that are like one, as lines, CSV, JSON, a sheet or a page.

Several photos are looked for together, by the mean of what they have in common; with `--each`, one after the other.
"""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from firstlight.errors import FirstlightError

__all__ = ["Answer", "load_keras_for", "open_index", "pictures_of", "search", "searching_options", "shown", "to_text"]

_SIDE = 512  # pixels of a picture on a sheet or a page, which show it smaller


class Answer(NamedTuple):
    """What was looked for (paths, or words) and the matches."""

    wanted: list[str]
    words: str
    matches: list[Any]


def searching_options(command: Any) -> Any:
    """The options that say how an index is searched, where not as its settings say."""
    database = click.option("--database", help="Address of the PostgreSQL, where it is another one now.")
    structure = click.option("--structure", type=click.Choice(["flat", "hnsw", "ivf_pq"]), help="As for `index build`.")
    engine_help = "Search by this engine, and not by the one of the index."
    engine = click.option("--engine", type=click.Choice(["exact", "faiss"]), help=engine_help)
    return engine(structure(database(command)))


@click.command()
@click.argument("run", type=click.Path())
@click.argument("photos", nargs=-1)
@click.option("--words", help="Look for images whose captions have these words.")
@click.option("-k", "--count", type=click.IntRange(1), default=9, show_default=True, help="How many to find.")
@click.option("--each", is_flag=True, help="Look for each photo alone, and not for all of them together.")
@click.option("--to", type=click.Choice(["csv", "json"]), help="Write one table or file.")
@click.option("--out", type=click.Path(path_type=Path), help="The file to write; by default standard output.")
@click.option("--sheet", type=click.Path(path_type=Path, dir_okay=False), help="Draw what was found as one picture.")
@click.option("--page", type=click.Path(path_type=Path, dir_okay=False), help="Write a page of what was found.")
@searching_options
def search(
    run: str,
    photos: tuple[str, ...],
    words: str | None,
    count: int,
    each: bool,
    to: str | None,
    out: Path | None,
    sheet: Path | None,
    page: Path | None,
    **searching: str | None,
) -> None:
    """Find images in the index RUN that are like PHOTOS, or whose captions have words.

    PHOTOS are paths, also inside zip or tar files. Several are looked for together. Prints rank, distance and name. A
    photo that is in the index finds itself first.

    \b
      firstlight search runs/photos beach.jpg -k 9
      firstlight search runs/photos --words "dog beach" --page found.html
    """
    from firstlight.cli.records import write

    if bool(photos) == (words is not None):
        raise click.UsageError("Give PHOTOS or --words, one of them.")
    if out and not to:
        raise click.UsageError("--out needs --to csv or json.")
    index = open_index(run, **searching)
    answers = _answers(index, list(photos), words, count, each)
    if to:
        text = to_text(answers, to)
        if out:
            write(out, text)
        else:
            click.echo(text, nl=False)
    else:
        for answer in answers:
            if len(answers) > 1:
                click.echo(f"{shown(answer.wanted[0])}:")
            for match in answer.matches:
                click.echo(f"{match.rank:3d}  {match.distance:.4f}  {shown(match.name)}")
    for path, draw in ((sheet, _draw_sheet), (page, _write_page)):
        if path is not None:
            draw(index, run, answers, path)
            click.echo(f"Written: {path}", err=True)


def open_index(run: str, **searching: str | None) -> Any:
    """The index in a run folder, with other settings of searching where they are given.

    Raises:
        FirstlightError: the folder holds another system.
    """
    from firstlight.systems.image_index import ImageIndex
    from firstlight.systems.system import read_description

    kind = read_description(run)["class"].rpartition(":")[2]
    if kind != ImageIndex.__name__:
        raise FirstlightError(
            f"Expected the run folder of an image index. Received {run}, which holds a {kind}. Build one with "
            "`firstlight index build`."
        )
    changed: dict[str, Any] = {name: value for name, value in searching.items() if value is not None}
    if changed.get("engine") == "exact":
        changed.setdefault("structure", "flat")
    return ImageIndex.load(run, **changed)


def load_keras_for(index: Any) -> None:
    """Load Keras without its notices, where the encoder of an index needs it."""
    from firstlight.cli.keras_start import load_keras

    if index.description["encoder"]["kind"] != "pixels":
        load_keras()


def shown(name: str) -> str:
    """A name on one line, and as UTF-8 can hold it."""
    return name.replace("\n", "\\n").encode("utf-8", "backslashreplace").decode()


def _answers(index: Any, photos: list[str], words: str | None, count: int, each: bool) -> list[Answer]:
    if words is not None:
        return [Answer([], words, index.search_words(words, count))]
    if not all(index.knows(photo) for photo in photos):
        load_keras_for(index)
    groups = [[photo] for photo in photos] if each else [photos]
    return [Answer(group, "", index.search(group, count)) for group in groups]


def to_text(answers: Sequence[Answer], to: str) -> str:
    """Answers as CSV (query, rank, distance, name) or JSON."""
    if to == "json":
        records = [
            {
                **({"words": answer.words} if answer.words else {"photos": answer.wanted}),
                "matches": [
                    {"rank": match.rank, "name": match.name, "distance": round(match.distance, 6)}
                    for match in answer.matches
                ],
            }
            for answer in answers
        ]
        return json.dumps(records, indent=1) + "\n"
    memory = io.StringIO()
    writer = csv.writer(memory, lineterminator="\n")
    writer.writerow(["query", "rank", "distance", "name"])
    for answer in answers:
        query = answer.words or " ".join(map(shown, answer.wanted))
        writer.writerows([query, match.rank, round(match.distance, 6), shown(match.name)] for match in answer.matches)
    return memory.getvalue()


def pictures_of(names: Sequence[str]) -> list[Any]:
    """The pictures of some names, small; None for one that cannot be read any more."""
    import numpy as np
    from PIL import Image

    from firstlight.data.images import ImageError, read_many

    pictures: list[Any] = []
    for _, picture in read_many(names):
        if isinstance(picture, ImageError):
            pictures.append(None)
            continue
        small = Image.fromarray(picture)
        small.thumbnail((_SIDE, _SIDE))
        pictures.append(np.asarray(small))
    return pictures


def _draw_sheet(index: Any, run: str, answers: Sequence[Answer], path: Path) -> None:
    from firstlight import plots

    names, texts = [], []
    for answer in answers:
        names += [*answer.wanted, *(match.name for match in answer.matches)]
        texts += [["looked for"]] * len(answer.wanted)
        texts += [[f"{match.rank}: {match.distance:.3f}"] for match in answer.matches]
    title = f"{answers[0].words}, in {run}" if answers[0].words else f"Like these, in {run}"
    columns = min(5, len(names))
    labels = [shown(name.rsplit("/", 1)[-1]) for name in names]
    plots.contact_sheet(pictures_of(names), texts, path, title=title, names=labels, columns=columns)


def _write_page(index: Any, run: str, answers: Sequence[Answer], path: Path) -> None:
    from firstlight import pages

    searches = []
    for answer in answers:
        wanted = [
            pages.Hit(name, picture) for name, picture in zip(answer.wanted, pictures_of(answer.wanted), strict=True)
        ]
        pictures = pictures_of([match.name for match in answer.matches])
        found = [
            pages.Hit(match.name, picture, match.distance, _note(index, match.name))
            for match, picture in zip(answer.matches, pictures, strict=True)
        ]
        title = answer.words or ", ".join(name.rsplit("/", 1)[-1] for name in answer.wanted)
        searches.append(pages.Search(title, wanted, found))
    about = index.description["encoder"]["name"]
    measure = "1 less the share of the best BM25 score" if answers[0].words else f"{index.distance} distance"
    protocol = f"{len(index):,} images; encoder {about}; {measure}"
    pages.search_page(path, f"Search in {run}", protocol, searches)


def _note(index: Any, name: str) -> str:
    """The first caption of an image, or its label."""
    entry = index.store.find(name)
    if entry is None:
        return ""
    return entry.captions[0] if entry.captions else entry.label or ""
