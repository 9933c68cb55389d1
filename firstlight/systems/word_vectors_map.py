"""Words in the plane: their vectors brought to two dimensions by principal components, or by t-SNE."""

from typing import Any

import numpy as np

from firstlight.errors import FirstlightError, nearest

__all__ = ["METHODS", "in_the_plane"]

METHODS = ("pca", "tsne")
_PERPLEXITY = 30.0


def in_the_plane(vectors: np.ndarray, method: str = "pca", seed: int = 0) -> tuple[np.ndarray, str]:
    """Places (words, 2) of vectors (words, dimensions), and how they were found, in a line.

    Args:
        vectors: of any length; only where they point counts.
        method: "pca" keeps the two directions in which they differ most, "tsne" keeps neighbours together.
        seed: of t-SNE.

    Source: t-SNE of van der Maaten and Hinton, "Visualizing data using t-SNE", 2008; both by scikit-learn.

    Raises:
        FirstlightError: there are fewer than three words, or no such method.
    """
    if method not in METHODS:
        known = ", ".join(METHODS)
        raise FirstlightError(f"Expected a method: {known}. Received {method!r}.{nearest(method, METHODS)}")
    count = len(vectors)
    if count < 3:
        raise FirstlightError(f"Expected three words or more for a map. Received {count}. Name more words.")
    directions = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))
    if method == "tsne":
        from sklearn.manifold import TSNE

        perplexity = min(_PERPLEXITY, max(1.0, (count - 1) / 3))
        found: Any = TSNE(perplexity=perplexity, metric="cosine", init="random", random_state=seed)
        return found.fit_transform(directions), f"t-SNE, perplexity {perplexity:.0f}"
    from sklearn.decomposition import PCA

    kept = PCA(min(2, directions.shape[1]), svd_solver="full")
    places = kept.fit_transform(directions)
    if places.shape[1] == 1:
        places = np.concatenate([places, np.zeros_like(places)], axis=1)
    return places, f"principal components, {kept.explained_variance_ratio_.sum():.0%} of the variance"
