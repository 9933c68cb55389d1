"""The figures of a comparison: from `firstlight.systems.comparison` to `firstlight.plots.comparisons`.

Scores are drawn times 100, as they are told.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["draw", "scores_of"]


def draw(comparison: Any, out: Path, score: str) -> dict[str, Path]:
    """The figures by what they show."""
    from firstlight import plots

    figures: dict[str, Path] = {}
    for over in ("steps", "seconds"):
        figures[f"Training loss over {over}"] = out / f"loss_{over}.png"
        bands = {name: (each.places, each.mean, each.low, each.high) for name, each in comparison.curves(over).items()}
        plots.loss_curves(bands, out / f"loss_{over}.png", over)
    figures["Held-out score of each seed"] = out / "scores.png"
    scores = {each.variant: scores_of(each) for each in comparison.ranking()}
    plots.score_ladder(scores, out / "scores.png", score)
    table = _rates_table(comparison)
    if table is not None:
        figures["Held-out score by learning rate"] = out / "rates.png"
        title = f"Held-out {score}" + (", the best of all else" if table[3] else "")
        plots.heat_map(*table[:3], out / "rates.png", title, "learning rate")
    return figures


def _rates_table(comparison: Any) -> tuple[np.ndarray, list[str], list[str], bool] | None:
    """Mean scores (optimizers, rates) where there are several rates, the best where other settings vary too."""
    found: dict[tuple[str, float], list[float]] = {}
    for each in comparison.summaries():
        rate = each.settings.get("learning_rate")
        if rate is not None:
            cell = found.setdefault((str(each.settings.get("optimizer", "")), float(rate)), [])
            cell.append(np.nan if each.score is None else 100 * each.score)
    rows, rates = list(dict.fromkeys(row for row, _ in found)), sorted({rate for _, rate in found})
    if len(rates) < 2:
        return None
    values = np.array([[_highest(found.get((row, rate), [])) for rate in rates] for row in rows])
    return values, rows, [f"{rate:g}" for rate in rates], any(len(cell) > 1 for cell in found.values())


def _highest(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return max(known) if known else float("nan")


def scores_of(summary: Any) -> list[float]:
    """The score of each seed, times 100."""
    return [100 * value for value in summary.scores.values()]
