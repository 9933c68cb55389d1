"""From a judged GAN to its report, and the pictures of its training: what is drawn, and what stands beside it.

Pictures are few and small, so that the page has a megabyte or two whatever the data.
"""

from collections.abc import Callable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from firstlight import pages
from firstlight.cli.classifier_report import checks_of, history_of
from firstlight.cli.judging import Judgement

__all__ = ["PROGRESS", "judge_gan", "report_of", "watcher", "write_film", "write_report"]

PROGRESS = "progress"  # folder of the pictures of each epoch, inside a run folder
_ACROSS, _DOWN = 16, 8  # pictures in a row of the report, and rows
_NEAREST = 10  # drawn pictures beside their nearest training images
_LOOKED_AT = 60_000  # training images among which the nearest are looked for
_WAYS = 3
_SECONDS_AN_EPOCH = 0.35  # of the film


def judge_gan(system: Any, dataset: Any, split: Any) -> Judgement:
    """Judge a GAN on a split; where the data have a training part, also whether its pictures are copies."""
    train = dataset.splits.get("train")
    found = system.evaluate(split, train=None if train is None or split.name == "train" else train)
    told = (
        f"{found['pictures']:,} drawn pictures against each half of {2 * found['pictures']:,} images of split "
        f"{split.name}, in {found['space']}."
    )
    return Judgement(dataset.name, split, None, {"protocol": told, **found}, system, train)


def watcher(out: Path) -> Callable[[int, np.ndarray], None]:
    """What writes the pictures of an epoch as a grid into `progress/` of a run folder."""
    from firstlight import plots

    def watch(epoch: int, pictures: np.ndarray) -> None:
        plots.picture_grid(list(pictures), out / PROGRESS / f"epoch-{epoch:04d}.png", cell=64)

    return watch


def write_film(run: Path) -> Path | None:
    """The film of the pictures of all epochs, `progress.gif` in the run folder; None where it holds none."""
    from firstlight import plots
    from firstlight.systems.gan_folder import read_progress

    grids = [_sheet(pictures) for pictures in read_progress(run)]
    if not grids:
        return None
    path = run / "progress.gif"
    plots.film(grids, path, seconds=max(2.0, _SECONDS_AN_EPOCH * len(grids)))
    return path


def write_report(judgement: Judgement, run: Path, path: Path, title: str) -> None:
    """Write the report of a GAN; `run` is its folder, where its history and the pictures of its epochs stand."""
    pages.gan_report(path, title, report_of(judgement, run))


def report_of(judgement: Judgement, run: Path) -> pages.GanReport:
    """What the page tells of a judgement."""
    from firstlight.cli.reports import metrics_of

    report, system = judgement.report, judgement.system
    film = write_film(run)
    return pages.GanReport(
        metrics=metrics_of({name: value for name, value in report.items() if name != "pictures"}),
        protocol=report["protocol"],
        summary=_summary(report),
        checks=checks_of(run),
        tables=_tables(judgement),
        film=b"" if film is None else film.read_bytes(),
        shares=report.get("class_shares", {}),
        history=history_of(run),
        facts=_facts(system),
        passed_over=report["passed_over"],
    )


def _summary(report: Mapping[str, Any]) -> str:
    """The result in a sentence or two."""
    distance, halves, begun = (report[f"frechet_{name}"] for name in ("distance", "halves", "untrained"))
    text = (
        f"Its pictures are {distance:.3g} from real ones, where two sets of real ones are {halves:.3g} apart and those "
        f"of an untrained generator {begun:.3g}."
    )
    ratio = report.get("nearest_ratio")
    if ratio is None:
        return text
    verdict = "They are no copies" if ratio >= 0.8 else "They may be copies"
    return (
        f"{text} {verdict}: the nearest training image is {ratio:.2f} times as far from a drawn picture as from a real "
        "one that was not trained on."
    )


def _tables(judgement: Judgement) -> list[pages.PictureTable]:
    system = judgement.system
    drawn = _coloured(system.sample(_ACROSS * _DOWN))
    rows = [("", drawn[start : start + _ACROSS]) for start in range(0, len(drawn), _ACROSS)]
    found = [pages.PictureTable("Samples", "Drawn from random numbers, none chosen by hand.", rows)]
    if system.conditional:
        grid = _coloured(system.class_grid(_ACROSS))
        by_class = [(label, grid[n * _ACROSS : (n + 1) * _ACROSS]) for n, label in enumerate(system.classes)]
        found.append(pages.PictureTable("By class", "A row a class; in a column, the same random numbers.", by_class))
    ways = [
        (f"{number + 1}.", _coloured(system.morph((2 * number, 2 * number + 1), _ACROSS))) for number in range(_WAYS)
    ]
    found.append(pages.PictureTable("From one to another", "Random numbers along a circle from one to another.", ways))
    if judgement.answers is not None:
        found.append(_nearest(system, judgement.answers))
    return found


def _nearest(system: Any, train: Any) -> pages.PictureTable:
    """Drawn pictures, and under each the training images that are nearest by pixels and by features."""
    from firstlight.metrics import nearest_rows
    from firstlight.systems.pictures import Pictures, spread

    every = Pictures(spread(train.images, _LOOKED_AT), system.shape)
    real, drawn = every.take(np.arange(len(every))), system.sample(_NEAREST)
    flat = [part.reshape(len(part), -1).astype("float32") for part in (drawn, real)]
    by_pixels = nearest_rows(*flat)[1][:, 0]
    by_features = nearest_rows(system.space.features(drawn), system.space.features(real))[1][:, 0]
    rows = [
        ("drawn", _coloured(drawn)),
        ("nearest by pixels", _coloured(real[by_pixels])),
        (f"by {system.space.name}", _coloured(real[by_features])),
    ]
    text = "Training images nearest to what was drawn. Copies would be the same as what stands above them."
    return pages.PictureTable("Nearest training images", text, rows)


def _facts(system: Any) -> dict[str, str]:
    """Networks, data and settings, as `system.json` has them."""
    description = system.description
    height, width, channels = system.shape
    changed = [
        f"{name} {value}"
        for name, value in system.settings.items()
        if value != signature(type(system)).parameters[name].default
    ]
    chosen = description["chosen"]
    return {
        "Networks": f"generator {system.generator.count_params():,} weights, discriminator "
        f"{system.discriminator.count_params():,}",
        "Images": f"{height} x {width} pixels, {'grey' if channels == 1 else 'in colour'}"
        f"{', mirrored at random' if chosen['mirror'] else ''}{', moved at random' if chosen['shift'] else ''}",
        "Data": str((description.get("data") or {}).get("source", "not recorded")),
        "Learned from": f"{description['train_images']:,} images; {description['validation_images']:,} held out to "
        "choose the best epoch",
        "Epochs": str(description.get("epochs_done", chosen["epochs"])),
        "Other than by default": ", ".join(changed) or "nothing",
        "Seed": str(description["training"]["seed"]),
        "Precision": str(chosen["precision"]),
        "Date": str(description["date"])[:16].replace("T", " "),
        "Versions": ", ".join(f"{name} {number}" for name, number in description["versions"].items()),
    }


def _coloured(pictures: np.ndarray) -> list[np.ndarray]:
    """Pictures (height, width, 1 or 3) uint8 as (height, width, 3)."""
    return list(np.repeat(pictures, 3, axis=-1) if pictures.shape[-1] == 1 else pictures)


def _sheet(pictures: np.ndarray) -> np.ndarray:
    """Pictures side by side in rows as one picture, about square."""
    columns = int(np.ceil(np.sqrt(len(pictures))))
    missing = -len(pictures) % columns
    whole = np.concatenate([pictures, np.zeros((missing, *pictures.shape[1:]), np.uint8)])
    height, width, channels = pictures.shape[1:]
    rows = whole.reshape(-1, columns, height, width, channels)
    return rows.transpose(0, 2, 1, 3, 4).reshape(-1, columns * width, channels)
