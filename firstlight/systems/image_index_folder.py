"""What an image index is set to, the store that its settings ask for, and the card in its folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from firstlight.errors import FirstlightError, nearest
from firstlight.systems.image_index_records import Store
from firstlight.systems.system import write_safely

if TYPE_CHECKING:
    from firstlight.systems.image_index import ImageIndex

__all__ = [
    "BUILDING",
    "check_empty",
    "check_same",
    "check_searching",
    "check_settings",
    "copy",
    "open_store",
    "write_card",
]

BUILDING = ("encoder", "weights", "image_size", "distance", "whiten", "whiten_by")
"""The settings that the vectors depend on; the others say how they are searched, and may change at any time."""

_CHOICES = {
    "distance": ("cosine", "euclidean"),
    "whiten_by": ("images", "labels"),
    "engine": ("exact", "faiss", "postgres"),
    "structure": ("flat", "hnsw", "ivf_pq"),
}


def check_settings(index: "ImageIndex") -> None:
    """Refuse settings that no index can have."""
    for name, known in _CHOICES.items():
        value = getattr(index, name)
        if value not in known:
            raise FirstlightError(
                f"Expected {name} to be one of {', '.join(known)}. Received {value!r}.{nearest(str(value), known)}"
            )
    if index.engine == "postgres" and index.structure == "ivf_pq":
        raise FirstlightError("Expected structure flat or hnsw for engine 'postgres'. Received 'ivf_pq'.")
    if index.engine == "exact" and index.structure != "flat":
        raise FirstlightError(
            f"Expected engine 'faiss' or 'postgres' for structure {index.structure!r}. Received 'exact'."
        )
    if index.whiten < 0 or (index.image_size is not None and index.image_size < 1):
        raise FirstlightError(
            f"Expected whiten of 0 or more and image_size of 1 or more. Received {index.whiten} and {index.image_size}."
        )


def check_same(index: "ImageIndex", description: dict[str, Any], folder: Path) -> None:
    """Refuse to go on with vectors of other settings in one index."""
    there = description["settings"]
    differing = [
        f"{name} ({there[name]} there, {index.settings[name]} here)"
        for name in BUILDING
        if there.get(name) != index.settings[name]
        and not (name == "encoder" and index.settings[name] == description["encoder"]["name"])  # what auto came to
    ]
    if differing:
        raise FirstlightError(
            f"Expected the settings that the index in {folder} was begun with. Received others: "
            f"{', '.join(differing)}. Give the same settings to go on, another folder, or --restart to delete the "
            "index and begin anew."
        )


def check_searching(searching: dict[str, Any]) -> None:
    """Refuse to change what the vectors depend on."""
    fixed = [name for name in searching if name in BUILDING]
    if fixed:
        raise FirstlightError(
            f"Expected settings of searching. Received {', '.join(fixed)}, on which the vectors depend. Build another "
            "index."
        )


def check_empty(index: "ImageIndex", folder: Path) -> None:
    """Refuse to put a new index where vectors of an unknown encoder are."""
    if len(index.store):
        place = f"table {index.table}" if index.engine == "postgres" else str(folder)
        raise FirstlightError(
            f"Expected no images yet in {place}. Received {len(index.store):,}. Name another place; to share an index, "
            "copy its run folder to the other machine."
        )


def copy(index: "ImageIndex", folder: Path, searching: dict[str, Any]) -> "ImageIndex":
    """See `ImageIndex.copy`; `system.json` comes last, so a copy that was cut off is none."""
    check_searching(searching)
    if (folder / "system.json").exists():
        raise FirstlightError(f"Expected a folder without a run. Received {folder}. Name another one.")
    other = type(index)(**{**index.settings, "database": index.database, **searching})
    check_settings(other)
    other.encoder, other.folder = index.encoder, folder
    other.description = {**index.description, "settings": other.settings}
    other.store = open_store(other, folder)
    check_empty(other, folder)
    index.vision.save(folder)
    for entries, vectors in index.store.blocks():
        other.store.append(entries, vectors)
    other._load_parts(folder)
    other._write_description(folder)
    write_card(other, folder)
    return other


def open_store(index: "ImageIndex", folder: Path) -> Store:
    """The store of an index, with what searches it."""
    if index.engine == "postgres":
        from firstlight.systems.image_index_postgres import PostgresStore

        approximate = index.structure == "hnsw"
        return PostgresStore(index.database, index.table, index.distance, approximate, index.hnsw_search)
    from firstlight.systems.image_index_exact import ExactSearcher
    from firstlight.systems.image_index_store import FolderStore, Searcher

    searcher: Searcher = ExactSearcher(index.distance)
    if index.engine == "faiss":
        from firstlight.systems.image_index_faiss import FaissPlan, FaissSearcher

        plan = FaissPlan(
            index.distance,
            index.structure,
            links=index.hnsw_links,
            build_effort=index.hnsw_build,
            search_effort=index.hnsw_search,
            cells=index.ivf_cells,
            probes=index.ivf_probes,
            code_bytes=index.pq_bytes,
        )
        searcher = FaissSearcher(plan)
    return FolderStore(folder, searcher)


def write_card(index: "ImageIndex", folder: Path) -> None:
    """A short card for who finds the folder."""
    description = index.description
    sources = ", ".join(source["path"] for source in description["sources"]) or "single images"
    lines = [
        "# An image index",
        "",
        f"Finds images that are like another one, among {len(index.store):,}. Built by firstlight "
        f"{description['versions']['firstlight']} from {sources}; encoder: {description['encoder']['name']}.",
        "",
        f"{index!r}",
        "",
        "Use: `firstlight search THIS_FOLDER photo.jpg`. After photos have changed: `firstlight index update "
        "THIS_FOLDER`. What is near is what the encoder takes for alike; it says nothing of people, places or rights.",
    ]
    text = "\n".join(lines) + "\n"
    write_safely(folder / "README.md", lambda path: path.write_text(text, encoding="utf-8"))
