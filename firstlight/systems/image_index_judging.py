"""How good an index is on labelled images: each is searched by, and what has its label should come first."""

from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight import metrics
from firstlight.data.images import ImageError
from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems.image_index_sources import items_of_split
from firstlight.systems.image_index_updating import encoded

if TYPE_CHECKING:
    from firstlight.systems.image_index_searching import Searching

__all__ = ["evaluate"]

_DEPTHS = (1, 5, 10)
_TOGETHER = 64  # queries: their scores of 100,000 images are 25 MB


def evaluate(index: "Searching", split: Split, progress: Any) -> dict[str, Any]:
    """See `ImageIndex.evaluate`."""
    if "labels" not in split.columns:
        raise FirstlightError(
            f"Expected images with labels. Received split {split.name!r} with columns {', '.join(split.columns)}. "
            "Load it with data.load(path, task='labels')."
        )
    blocks = list(index.store.blocks())
    labels = np.array([str(entry.label) for entries, _ in blocks for entry in entries])
    if not any(entry.label is not None for entries, _ in blocks for entry in entries):
        raise FirstlightError(
            "Expected an index of images with labels. Received one without. Build it from a data set with labels."
        )
    vectors = np.concatenate([part for _, part in blocks])
    names = [entry.name for entries, _ in blocks for entry in entries]
    items = items_of_split(split)
    done = progress.task("searching", len(items))
    true, relevant, passed_over = [], [], 0
    rows = {name: row for row, name in enumerate(names)}
    waiting: list[tuple[int, np.ndarray]] = []
    for number, (place, vector) in enumerate(encoded([item.image for item in items], index.vision.encoding()), 1):
        if isinstance(vector, ImageError):
            passed_over += 1
        else:
            waiting.append((place, vector))
        if len(waiting) == _TOGETHER or number == len(items):
            ranked = _rank(vectors, [v for _, v in waiting], index.distance)
            for (query, _), ranking in zip(waiting, ranked, strict=True):
                item = items[query]
                if item.name in rows:  # an image does not count as found by itself
                    ranking = np.append(ranking[ranking != rows[item.name]], rows[item.name])
                true.append(str(item.label))
                hits = metrics.relevance([true[-1]], labels, ranking[None])[0]
                if item.name in rows:
                    hits[-1] = False
                relevant.append(hits)
            waiting = []
        done(number)
    return {**_figures(relevant), "queries": len(relevant), "images": len(names), "passed_over": passed_over}


def _rank(vectors: np.ndarray, queries: list[np.ndarray], distance: str) -> np.ndarray:
    """All rows for each query, the nearest first, ties by row."""
    if not queries:
        return np.zeros((0, len(vectors)), np.int64)
    scores = np.stack(queries) @ vectors.T
    if distance == "euclidean":
        scores -= np.einsum("nd,nd->n", vectors, vectors) / 2
    return np.argsort(-scores, axis=1, kind="stable")


def _figures(relevant: list[np.ndarray]) -> dict[str, Any]:
    if not relevant:
        raise FirstlightError("Expected images that can be read to search by. Received none.")
    table = np.stack(relevant)
    scores = {"mean_average_precision": metrics.mean_average_precision(table)}
    for depth in (depth for depth in _DEPTHS if depth <= table.shape[1]):
        scores[f"precision@{depth}"] = metrics.precision_at_k(table, depth)
        scores[f"recall@{depth}"] = metrics.recall_at_k(table, depth)
    return {**{name: score.value for name, score in scores.items()}, "intervals": metrics.bootstrap(scores)}
