"""Which images the rows of a table mean, all rows together.

An image that one row names by its very path does not stand in for another of the same base name that is missing.
"""

import os
from collections.abc import Sequence

from firstlight.data.contents import Contents

__all__ = ["resolve"]

_Key = tuple[str, str]  # what decides which image is meant: the reference, and the file from whose place it is seen


def resolve(
    contents: Contents, references: Sequence[tuple[str, str, int | None]]
) -> tuple[dict[_Key, str | None], set[str]]:
    """Where the image of each (reference, file) lies, or None, and every image that some reference may mean.

    `references` are triples (reference, file, line). A reference that may mean several images is told.
    """
    lookup = contents.images
    lines = {(reference, file): line for reference, file, line in reversed(references)}
    places = {(reference, file): lookup.literal(reference, file) for reference, file in lines}
    named = set(filter(None, places.values()))
    mentioned = set(named)
    for (reference, file), line in reversed(lines.items()):
        if places[reference, file] is not None:
            continue
        found = _similar(contents, reference, file, named)
        if len(found) > 1:
            others = ", ".join(map(contents.relative, found[1:4]))
            message = f"{reference} may be {contents.relative(found[0])}, which is used, or {others}"
            contents.tell("ambiguous image", message, file, line)
        mentioned.update(found)
        places[reference, file] = found[0] if found else None
    return places, mentioned


def _similar(contents: Contents, reference: str, file: str, named: set[str]) -> list[str]:
    """The images of that base name which no other row names by their path."""
    folder, ending = os.path.dirname(file), f"/{reference}"
    return [
        path
        for path in contents.images.similar(reference, file)
        if path not in named or (path.startswith(folder) and path.endswith(ending))
    ]
