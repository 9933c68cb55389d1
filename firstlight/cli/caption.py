"""`firstlight caption RUN IMAGE...`: describe pictures: lines, sidecar texts, tables, COCO results, figures.

A broken image is told on standard error and passed over: exit code 1 if some failed, 2 if all did.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import click

from firstlight.cli.settings import was_given
from firstlight.errors import FirstlightError

__all__ = ["caption"]

_FIGURE_SIDE = 512  # pixels of a picture in an attention figure; its panels are smaller still


@click.command()
@click.argument("run", type=click.Path())
@click.argument("images", nargs=-1, required=True)
@click.option(
    "--to", type=click.Choice(["txt", "csv", "json", "coco"]), help="Write sidecar texts, or one table or file."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The file to write (txt: the folder). By default standard output (txt: beside each image).",
)
@click.option("--overwrite", is_flag=True, help="Let sidecar texts replace files that are there.")
@click.option(
    "--beam", type=click.IntRange(1), default=3, show_default=True, help="Hypotheses kept side by side; 1 is greedy."
)
@click.option("--n-best", type=click.IntRange(1), help="Tell the best N captions of each image; N at most the beam.")
@click.option("--minimum-length", type=click.IntRange(0), help="No caption is shorter, in words.")
@click.option(
    "--maximum-length", type=click.IntRange(1), help="No caption is longer, in words; as in training if not given."
)
@click.option("--length-penalty", type=click.FloatRange(0), help="Rank by log-probability / length**P; 1 if not given.")
@click.option("--no-repeat", type=click.IntRange(0), metavar="N", help="No N words in a row occur twice in a caption.")
@click.option("--samples", type=click.IntRange(1), help="Draw N captions an image instead of seeking the best.")
@click.option(
    "--temperature", type=click.FloatRange(0, min_open=True), help="Draw words; above 1 bolder, below 1 safer."
)
@click.option("--top-k", type=click.IntRange(1), help="Draw from the K most probable words only.")
@click.option(
    "--top-p", type=click.FloatRange(0, 1, min_open=True), help="Draw from the words that share probability P."
)
@click.option("--seed", type=int, default=0, show_default=True, help="For drawing: the same seed, the same captions.")
@click.option(
    "--attention",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write a figure an image of where the network looked for each word.",
)
@click.option("--batch-size", type=click.IntRange(1), default=32, show_default=True, help="Images described at a time.")
@click.pass_context
def caption(context: click.Context, /, run: str, images: tuple[str, ...], **options: Any) -> None:
    """Describe IMAGES with the captioner trained in the folder RUN.

    IMAGES are files, folders (searched below, too), zip or tar files, paths inside them such as
    photos.zip/beach.jpg, or patterns in quotes; - reads names from standard input. A broken image is told on standard
    error and passed over; the exit code is then 1, and 2 if none could be described.
    """
    from firstlight.cli.describing import describe_all
    from firstlight.cli.inputs import find_images
    from firstlight.cli.pictures import open_run

    decoding = _decoding(options)
    if options["out"] and not options["to"]:
        raise click.UsageError("--out needs --to txt, csv, json or coco.")
    everything = list(find_images(images, sys.stdin))
    found = [image for image in everything if not isinstance(image, FirstlightError)]
    failures = [image for image in everything if isinstance(image, FirstlightError)]
    for failure in failures:
        click.echo(str(failure), err=True)
    output = _Output(found, **options)
    captioner = open_run(run, "caption", "a captioner")
    try:
        output.begin(len(found))
        answers = describe_all(captioner, [image.path for image in found], options["batch_size"], **decoding)
        for image, answer in zip(found, answers, strict=True):
            if isinstance(answer, FirstlightError):
                click.echo(str(answer), err=True)
            else:
                output.add(image, answer)
    finally:
        output.close()
    output.write_file()
    if output.count < len(everything):
        context.exit(1 if output.count else 2)


def _decoding(options: dict[str, Any]) -> dict[str, Any]:
    """What `predict` is asked for: a beam, or drawing when any option of drawing is given, and limits for both."""
    names = ("minimum_length", "maximum_length", "length_penalty", "no_repeat")
    limits = {name: options[name] for name in names if options[name] is not None}
    drawing = {
        name: options[name] for name in ("samples", "temperature", "top_k", "top_p") if options[name] is not None
    }
    if not drawing:
        best = {} if options["n_best"] is None else {"n_best": options["n_best"]}
        if options["n_best"] and options["n_best"] > options["beam"]:
            raise click.UsageError(f"--n-best {options['n_best']} needs a beam as wide: --beam {options['n_best']}.")
        return {"beam_width": options["beam"], **best, **limits}
    if options["n_best"] or was_given("beam"):
        raise click.UsageError(
            f"--beam and --n-best seek, --{next(iter(drawing)).replace('_', '-')} draws. Give one or the other."
        )
    count = {"n_best": drawing.pop("samples")} if "samples" in drawing else {}
    return {"beam_width": 1, "temperature": 1.0, "seed": options["seed"], **drawing, **count, **limits}


class _Output:
    """Where the captions go, checked before the first image is described."""

    def __init__(
        self, found: Sequence[Any], to: str | None, out: Path | None, overwrite: bool, attention: Path | None, **_: Any
    ) -> None:
        self.to, self.out = to, out
        self.records: list[dict[str, Any]] = []
        self.sidecars = _sidecars(found, out, overwrite) if to == "txt" else {}
        self.figures = _targets(found, attention, ".png") if attention else {}
        self.done: Callable[[int], None] | None = None
        self.count = 0

    def begin(self, images: int) -> None:
        """Show how far it is, where the captions are not printed."""
        if self.to == "txt" or self.out:
            from firstlight.cli.progress import progress

            self.progress = progress()
            self.done = self.progress.task("describing", images)

    def add(self, image: Any, answer: Any) -> None:
        """Print or write the caption of one image, or keep it for the file that is written at the end."""
        from firstlight.cli import records

        if self.figures:
            _draw_attention(image.path, answer, self.figures[image.path])
        if self.to is None:
            click.echo(f"{image.path}: {answer.text}")
            for text, score in records.runners_up(answer):
                click.echo(f"    {text}  ({score:.2f})")
        elif self.to == "txt":
            texts = [answer.text, *(text for text, _ in records.runners_up(answer))]
            records.write(self.sidecars[image.path], "".join(f"{text}\n" for text in texts))
        else:
            self.records.append(records.record(image.path, answer))
        self.count += 1
        if self.done:
            self.done(self.count)

    def close(self) -> None:
        """Give the terminal back."""
        if self.done:
            self.progress.close()

    def write_file(self) -> None:
        """Write the one file of csv, json and coco, if there is anything to write."""
        from firstlight.cli import records

        if self.to in records.FORMATS and self.records:
            text = records.FORMATS[self.to](self.records)
            if self.out:
                records.write(self.out, text)
            else:
                click.echo(text, nl=False)


def _sidecars(found: Sequence[Any], folder: Path | None, overwrite: bool) -> dict[str, Path]:
    """The text file of each image. Texts that are there may be somebody's work: they are replaced only when told so."""
    if folder is None:
        packed = [image.path for image in found if not Path(image.path).is_file()]
        if packed:
            raise FirstlightError(
                f"Expected images on disk to write texts beside. Received {packed[0]}, which lies in an archive. "
                "Pass --out FOLDER."
            )
    targets = _targets(found, folder, ".txt")
    present = [str(path) for path in targets.values() if path.exists()]
    if present and not overwrite:
        raise FirstlightError(
            f"Expected no text beside the images yet. Received {len(present)} (first: {present[0]}). "
            "Pass --overwrite to replace them or --out FOLDER to write elsewhere."
        )
    return targets


def _targets(found: Sequence[Any], folder: Path | None, suffix: str) -> dict[str, Path]:
    """The file to write for each image: beside it, or at the same place below a folder."""
    targets: dict[str, Path] = {}
    owners: dict[Path, str] = {}
    for image in found:
        place = PurePosixPath(image.path) if folder is None else PurePosixPath(image.place)
        target = Path(folder or "", place.with_suffix(suffix))
        if target in owners:
            raise FirstlightError(
                f"Expected a file of its own for each image. Received {owners[target]} and {image.path}, "
                f"which both lead to {target}. Describe them in two calls."
            )
        owners[target] = image.path
        targets[image.path] = target
    return targets


def _draw_attention(path: str, answer: Any, target: Path) -> None:
    from PIL import Image

    from firstlight import plots
    from firstlight.data.images import read

    if any(word.attention is None for word in answer.words):
        raise FirstlightError(
            "Expected a captioner with attention for --attention. Received one trained with attention=False. "
            "Leave the option out, or train with --attention."
        )
    import numpy as np

    picture = Image.fromarray(read(path))
    picture.thumbnail((_FIGURE_SIDE, _FIGURE_SIDE))
    words = [word.text for word in answer.words]
    maps = [word.attention for word in answer.words]
    plots.attention(np.asarray(picture), words, maps, [word.probability for word in answer.words], target)
