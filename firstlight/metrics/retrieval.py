"""How good a ranking of a database is for each query: precision and recall at k, mean average precision, by class.

An item is relevant to a query where both have the same label. Every function gives a `Score` with a value for each
query, so `bootstrap` gives its interval.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from firstlight.errors import FirstlightError
from firstlight.metrics.captions import Score

__all__ = ["mean_average_precision", "neighbour_recall", "precision_at_k", "recall_at_k", "relevance"]

Booleans = npt.NDArray[np.bool_]


def relevance(true: npt.ArrayLike, labels: npt.ArrayLike, rankings: npt.ArrayLike) -> Booleans:
    """Whether each ranked item has its query's label, (queries, ranks).

    Args:
        true: the label of each query, (queries,).
        labels: the label of each item of the database, (items,).
        rankings: for each query rows of the database, the nearest first, (queries, ranks).
    """
    wanted, classes, rows = np.asarray(true), np.asarray(labels), np.asarray(rankings)
    if wanted.ndim != 1 or classes.ndim != 1 or rows.ndim != 2 or len(rows) != len(wanted):
        raise FirstlightError(
            f"Expected labels (queries,) and (items,), and rankings (queries, ranks). Received shapes {wanted.shape}, "
            f"{classes.shape} and {rows.shape}."
        )
    if rows.size and not (rows.min() >= 0 and rows.max() < len(classes)):
        raise FirstlightError(
            f"Expected ranked rows from 0 to {len(classes) - 1}. Received {rows.min()} to {rows.max()}."
        )
    return np.asarray(classes[rows] == wanted[:, None], np.bool_)


def mean_average_precision(relevant: npt.ArrayLike, totals: npt.ArrayLike | None = None) -> Score:
    """The mean over the queries of the precision at the rank of each relevant item.

    Args:
        relevant: whether each ranked item is relevant, (queries, ranks).
        totals: relevant items in the whole database, (queries,), where the ranking is cut; those that are not ranked
            count as precision 0.

    Source: Manning, Raghavan and Schutze, "Introduction to Information Retrieval", 2008, section 8.4. A query without
    any relevant item has the value 0.
    """
    hits = _ranked(relevant)
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    each = (precision * hits).sum(axis=1) / np.maximum(_totals(hits, totals), 1)
    return _score("mean average precision", each)


def precision_at_k(relevant: npt.ArrayLike, k: int) -> Score:
    """The share of the first k items that are relevant."""
    hits = _cut(_ranked(relevant), k)
    return _score(f"precision@{k}", hits.mean(axis=1))


def recall_at_k(relevant: npt.ArrayLike, k: int, totals: npt.ArrayLike | None = None) -> Score:
    """The share of all relevant items that are among the first k; `totals` as in `mean_average_precision`."""
    hits = _ranked(relevant)
    each = _cut(hits, k).sum(axis=1) / np.maximum(_totals(hits, totals), 1)
    return _score(f"recall@{k}", each)


def neighbour_recall(found: Sequence[Sequence[int]], exact: Sequence[Sequence[int]]) -> Score:
    """The share of the true neighbours of each query that a search found, in whatever order: of k, its recall@k."""
    if len(found) != len(exact) or any(not len(each) for each in exact):
        raise FirstlightError(
            f"Expected true neighbours for each of {len(found)} queries. Received {len(exact)} lists of them, none of "
            "which may be empty."
        )
    each = [len(set(some) & set(true)) / len(set(true)) for some, true in zip(found, exact, strict=True)]
    return _score("neighbour recall", np.array(each))


def _ranked(relevant: npt.ArrayLike) -> Booleans:
    hits = np.asarray(relevant)
    if hits.ndim != 2 or not hits.size or not np.isin(hits, (0, 1)).all():
        raise FirstlightError(
            f"Expected whether each ranked item is relevant, (queries, ranks) of True and False. Received {hits.dtype} "
            f"of shape {hits.shape}."
        )
    return hits.astype(np.bool_)


def _cut(hits: Booleans, k: int) -> Booleans:
    if not 1 <= k <= hits.shape[1]:
        raise FirstlightError(f"Expected k from 1 to the {hits.shape[1]} ranks. Received {k}.")
    return hits[:, :k]


def _totals(hits: Booleans, totals: npt.ArrayLike | None) -> npt.NDArray[np.int64]:
    found = hits.sum(axis=1)
    if totals is None:
        return np.asarray(found, np.int64)
    given = np.asarray(totals)
    if given.shape != found.shape or (given < found).any():
        raise FirstlightError(
            f"Expected the number of relevant items for each of {len(found)} queries, no less than were found. "
            f"Received shape {given.shape}."
        )
    return np.asarray(given, np.int64)


def _score(name: str, each: npt.NDArray[np.float64]) -> Score:
    return Score(name, float(np.mean(each)), np.asarray(each, np.float64))
