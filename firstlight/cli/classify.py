"""`firstlight classify RUN IMAGE...`: what images show, as lines, a table or JSON.

A broken image is told on standard error and passed over: exit code 1 if some failed, 2 if all did.
"""

import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from firstlight.errors import FirstlightError

__all__ = ["classify"]

_BATCH = 64
_EXPLAINED = 200  # images on a page, some 40 kB each


@click.command()
@click.argument("run", type=click.Path())
@click.argument("images", nargs=-1, required=True)
@click.option("--to", type=click.Choice(["csv", "json"]), help="Write one table or file with every class.")
@click.option("--out", type=click.Path(path_type=Path), help="The file to write; by default standard output.")
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="Classes that are told in a line.")
@click.option(
    "--explain",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a page that shows what each image was told as and which parts of it speak for that.",
)
@click.pass_context
def classify(
    context: click.Context,
    /,
    run: str,
    images: tuple[str, ...],
    to: str | None,
    out: Path | None,
    top: int,
    explain: Path | None,
) -> None:
    """Tell what IMAGES show with the classifier trained in the folder RUN: classes and their probabilities.

    IMAGES are files, folders (searched below, too), zip or tar files, paths inside them, or patterns in quotes; - reads
    names from standard input. A broken image is told on standard error and passed over; the exit code is then 1, and 2
    if none could be classified.
    """
    from firstlight.cli.inputs import find_images
    from firstlight.cli.pictures import open_run
    from firstlight.cli.records import write

    if out and not to:
        raise click.UsageError("--out needs --to csv or json.")
    found = list(find_images(images, sys.stdin))
    paths = [each.path for each in found if not isinstance(each, FirstlightError)]
    failed = [str(each) for each in found if isinstance(each, FirstlightError)]
    for failure in failed:
        click.echo(failure, err=True)
    classifier = open_run(run, "classify", "a classifier")
    answers: list[tuple[str, Any]] = []
    for path, answer in _answers(classifier, paths):
        if isinstance(answer, FirstlightError):
            click.echo(str(answer), err=True)
            failed.append(str(answer))
            continue
        answers.append((path, answer))
        if to is None:
            told = ", ".join(f"{label} {share:.1%}" for label, share in answer.ranking[:top])
            click.echo(f"{path}: {told}")
    if to and answers:
        text = _to_csv(answers) if to == "csv" else _to_json(answers)
        if out:
            write(out, text)
        else:
            click.echo(text, nl=False)
    if explain and answers:
        _explain(classifier, run, [path for path, _ in answers], failed, explain)
    if len(answers) < len(found):
        context.exit(1 if answers else 2)


def _explain(classifier: Any, run: str, paths: list[str], failed: list[str], page: Path) -> None:
    """The page of what was told and why; more images than a browser can bear are told and left out."""
    from firstlight.cli import classifier_cards

    if len(paths) > _EXPLAINED:
        click.echo(f"{page}: the first {_EXPLAINED} of {len(paths):,} images", err=True)
    classifier_cards.explain(classifier, run, paths[:_EXPLAINED], failed, page)
    click.echo(f"Written: {page}", err=True)


def _answers(classifier: Any, paths: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """What each image shows, or why it cannot be read; broken ones do not stop the others."""
    from firstlight.data.images import ImageError, read_many

    for start in range(0, len(paths), _BATCH):
        some = paths[start : start + _BATCH]
        pictures = dict(read_many(some, classifier.shape[:2]))
        whole = [number for number, picture in pictures.items() if not isinstance(picture, ImageError)]
        found: dict[int, Any] = {n: p for n, p in pictures.items() if isinstance(p, ImageError)}
        if whole:
            found |= dict(zip(whole, classifier.predict([pictures[number] for number in whole]), strict=True))
        yield from ((path, found[number]) for number, path in enumerate(some))


def _to_csv(answers: Sequence[tuple[str, Any]]) -> str:
    """A table of image, label, probability, and a column for each class."""
    labels = sorted(label for label, _ in answers[0][1].ranking)
    memory = io.StringIO()
    writer = csv.writer(memory, lineterminator="\n")
    writer.writerow(["image", "label", "probability", *labels])
    for path, answer in answers:
        shares = dict(answer.ranking)
        writer.writerow(
            [path, answer.label, round(answer.probability, 6), *(round(shares[each], 6) for each in labels)]
        )
    return memory.getvalue()


def _to_json(answers: Sequence[tuple[str, Any]]) -> str:
    records = [
        {
            "image": path,
            "label": answer.label,
            "probability": round(answer.probability, 6),
            "ranking": [[label, round(share, 6)] for label, share in answer.ranking],
        }
        for path, answer in answers
    ]
    return json.dumps(records, ensure_ascii=False, indent=1) + "\n"
