"""What every caption metric takes: one candidate for each image, and the reference captions of each image.

A caption is a text, which is split by `firstlight.text.tokenize`, or a sequence of tokens, which is taken as it is.
"""

from collections.abc import Hashable, Sequence

import numpy as np

from firstlight.errors import FirstlightError
from firstlight.text import tokenize

__all__ = ["Caption", "Tokens", "candidate_tokens", "paired_tokens", "reference_tokens"]

Caption = str | Sequence[Hashable]
Tokens = Sequence[Hashable]


def candidate_tokens(captions: Sequence[Caption]) -> list[Tokens]:
    """The tokens of each caption; a single text in place of a list is an error."""
    if isinstance(captions, str):
        raise FirstlightError(f"Expected a list of captions. Received the single text {captions!r}. Wrap it in a list.")
    return [_tokens(caption) for caption in captions]


def reference_tokens(references: Sequence[Sequence[Caption]]) -> list[list[Tokens]]:
    """The tokens of each reference of each image; an image without references is an error."""
    result = []
    for image, captions in enumerate(references):
        if isinstance(captions, str):
            raise FirstlightError(
                f"Expected a list of reference captions for each image. Received the single text {captions!r} for "
                f"image {image}. Wrap it in a list."
            )
        if not len(captions):
            missing = sum(not len(captions) for captions in references)
            raise FirstlightError(
                f"Expected at least one reference caption for each image. Received {missing} images without one "
                f"(first: image {image}). Leave them out."
            )
        result.append([_tokens(caption) for caption in captions])
    if not result:
        raise FirstlightError(
            "Expected the reference captions of at least one image. Received none. Give a split with captions."
        )
    return result


def paired_tokens(
    candidates: Sequence[Caption], references: Sequence[Sequence[Caption]]
) -> tuple[list[Tokens], list[list[Tokens]]]:
    """The tokens of one candidate for each image and of the image's references; unequal lengths are an error."""
    candidate, reference = candidate_tokens(candidates), reference_tokens(references)
    if len(candidate) != len(reference):
        raise FirstlightError(
            f"Expected one candidate caption for each image. Received {len(candidate)} candidates and the references "
            f"of {len(reference)} images. Give both in the same order, an empty text where there is no caption."
        )
    return candidate, reference


def _tokens(caption: Caption) -> Tokens:
    if isinstance(caption, str):
        return tokenize(caption)
    if isinstance(caption, np.ndarray):
        return caption.tolist()  # plain numbers are looked up several times faster than NumPy scalars
    if not isinstance(caption, Sequence):
        raise FirstlightError(
            f"Expected a caption as a text or a list of tokens. Received {caption!r}. Give '' where there is none."
        )
    return caption
