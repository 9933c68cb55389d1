"""Codes on a map: two numbers for each, by principal components, or by t-SNE where neighbours matter most."""

from typing import Any

import numpy as np

from firstlight.errors import FirstlightError, nearest
from firstlight.metrics import principal_components

__all__ = ["METHODS", "map_codes"]

METHODS = ("pca", "tsne")

_FEWEST = 8  # codes from which neighbours can be kept


def map_codes(codes: Any, method: str = "pca", seed: int = 0) -> np.ndarray:
    """The place of each code on a map, (codes, 2).

    Args:
        codes: (codes, units).
        method: `pca` for the two directions in which codes vary most: distances on the map are true ones, seen from
            one side. `tsne` keeps neighbours together (van der Maaten and Hinton 2008); distances between groups mean
            nothing. Of very few codes both are `pca`.
        seed: of t-SNE.
    """
    values = np.asarray(codes, np.float64)
    if values.ndim != 2 or not len(values):
        raise FirstlightError(f"Expected codes (codes, units). Received {values.shape}.")
    if method not in METHODS:
        raise FirstlightError(
            f"Expected method to be one of {', '.join(METHODS)}. Received {method!r}.{nearest(method, METHODS)}"
        )
    if method == "tsne" and len(values) >= _FEWEST and values.shape[1] > 2:
        from sklearn.manifold import TSNE

        perplexity = min(30.0, (len(values) - 1) / 3)
        return np.asarray(TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(values))
    found = np.zeros((len(values), 2))
    places = principal_components(values, 2).transform(values)
    found[:, : places.shape[1]] = places
    return found
