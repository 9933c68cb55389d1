"""`firstlight demo`: the main job on scenes drawn here: train a captioner, describe new scenes, see where it looked.

What it is made of stands at the top; the same command again resumes, and ends at once where all is done.
"""

import os
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from firstlight.cli.judging import Judgement

__all__ = ["CAPTIONER", "SCENES", "TRAINING", "demo"]

CAPTIONER: dict[str, Any] = {
    "backbone": "small_cnn",
    "units": 192,
    "embedding": 96,
    "batch_size": 32,
    "learning_rate": 0.003,
    "learning_rate_floor": 0.1,
    "dropout": 0.0,  # every scene is seen seven times only
    "label_smoothing": 0.0,
}
TRAINING: dict[str, Any] = {"epochs": 7}
SCENES = {"train": 14000, "validation": 200, "test": 400, "unseen": 400}
_JUDGED = ("test", "unseen")
_SHOWN = 12  # scenes on the sheet: the first ones, not the best
_TOLD = 5  # of these, captions in the terminal
_SIDE = 300  # pixels at which they are drawn once more to be looked at; the network saw them smaller


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs/demo"), show_default=True, help="The run folder."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the training.")
def demo(out: Path, seed: int) -> None:
    """Train a captioner on drawn scenes and describe new ones: about three minutes on two cores.

    Needs no download. Writes the trained captioner, demo.png, attention.png, gallery.html, curves.png and
    metrics.json. The same command again resumes.
    """
    from firstlight import data
    from firstlight.cli.judging import judge
    from firstlight.cli.reports import print_facts, remember, write_gallery
    from firstlight.cli.train import train_in
    from firstlight.systems import Captioner

    began = time.monotonic()
    click.echo(
        f"Drawing {sum(SCENES.values()):,} scenes, training a captioner on {SCENES['train']:,} of them, and describing "
        "scenes that it has never seen. About three minutes on two cores; Ctrl-C stops, the same command resumes."
    )
    dataset = data.load("scenes", **SCENES)
    captioner = Captioner(**CAPTIONER)
    train_in(out, captioner, dataset, {"source": "scenes", "layout": None}, {**TRAINING, "seed": seed})
    judged = {name: judge(captioner, dataset, name, beam_width=3) for name in _JUDGED}
    for judgement in judged.values():
        remember(out / "metrics.json", judgement.key, judgement.report)
    shown = _drawn_large(judged["test"])
    write_gallery(out / "gallery.html", f"{out} on scenes, test", shown)
    _draw(out, shown)

    click.echo()
    reports = {name: judgement.report for name, judgement in judged.items()}
    print_facts("Facts told of scenes never seen, in percent", reports)
    click.echo("unseen: scenes with a thing in a colour that it never had in training, such as a red bird.")
    click.echo("\nWhat it says of the first test scenes:")
    for name, caption in zip(shown.split.names[:_TOLD], shown.captions or [], strict=False):
        click.echo(f"  {name}: {caption.text}")
    _say_what_next(out, time.monotonic() - began)


def _drawn_large(judgement: "Judgement") -> "Judgement":
    """The same judgement with its scenes drawn once more, larger."""
    from firstlight.data.scenes import draw, split_scenes

    split = judgement.split
    images = [draw(scene, _SIDE) for scene in split_scenes(split.name, len(split))]
    return replace(judgement, split=replace(split, columns={**split.columns, "images": images}))


def _draw(out: Path, judgement: "Judgement") -> None:
    """The sheet of the first scenes with their captions, and where the network looked in the first."""
    from firstlight import plots

    images, captions = judgement.split.images[:_SHOWN], (judgement.captions or [])[:_SHOWN]
    plots.contact_sheet(images, [[caption.text] for caption in captions], out / "demo.png")
    words = captions[0].words
    maps, shares = [word.attention for word in words], [word.probability for word in words]
    plots.attention(images[0], [word.text for word in words], maps, shares, out / "attention.png")


def _say_what_next(out: Path, seconds: float) -> None:
    from firstlight.cli.progress import duration

    firstlight = _command()
    click.echo(f"""
Done in {duration(seconds)}. Look at:
  {out / "demo.png"}         scenes and what it says of them
  {out / "attention.png"}    where it looked for each word
  {out / "gallery.html"}     the best, the worst and some others; open it in a browser

Next:
  {firstlight} evaluate {out} --split unseen
  {firstlight} data check my/photos
  {firstlight} train captioner --data my/photos --out runs/mine
  {firstlight} caption runs/mine beach.jpg --attention looks""")


def _command() -> str:
    """How this `firstlight` is called from here: by its name where that leads to it, else by its place."""
    script = Path(sys.executable).with_name("firstlight")
    found = shutil.which("firstlight")
    if found and Path(found).resolve() == script.resolve():
        return "firstlight"
    return os.path.relpath(script) if script.is_file() else f"{os.path.relpath(sys.executable)} -m firstlight"
