"""Image search: an index of many images that finds those that look like another one, or whose captions have a word.

An encoder turns each image into a vector, and near vectors are images alike. The index lives on disk, is brought up to
date as files come, change and go, and is searched exactly, by faiss, or in a PostgreSQL that many machines share.
"""

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from firstlight.data.archives import exists
from firstlight.data.table import Split
from firstlight.errors import FirstlightError
from firstlight.systems.image_index_encoders import FunctionEncoder, choose_encoder, make_encoder
from firstlight.systems.image_index_folder import (
    check_empty,
    check_same,
    check_searching,
    check_settings,
    open_store,
    write_card,
)
from firstlight.systems.image_index_records import ARRAY, Store, Update
from firstlight.systems.image_index_searching import Image, Searching
from firstlight.systems.image_index_sources import Item, Source, items_of, items_of_split, whole_path
from firstlight.systems.image_index_updating import bring_up_to_date
from firstlight.systems.image_index_vision import Vision
from firstlight.systems.system import Silent, System, read_description

__all__ = ["ImageIndex"]


class ImageIndex(Searching, System):
    """Finds images that are like another one: near in what an encoder sees in them.

    Args:
        encoder: a network of keras.applications such as mobilenet_v2, the run folder of a classifier, captioner or
            autoencoder, pixels, or (from Python) a function of a list of pictures that gives vectors; auto takes
            mobilenet_v2 where its weights are at hand, and else pixels.
        weights: for a network of keras.applications, "imagenet", the path of a file of weights, or random.
        image_size: side in pixels to which images are brought; by default 224, and 16 for pixels.
        distance: cosine, or euclidean.
        whiten: numbers of a vector after whitening by principal axes of the first images; 0 for none.
        whiten_by: images, or labels, so that images of one class come near each other.
        engine: exact, faiss, or postgres, a table that many machines share.
        structure: flat, which is exact; hnsw, a graph (faiss, postgres); ivf_pq, cells of short codes (faiss).
        hnsw_links: neighbours of an image in the graph.
        hnsw_build: candidates that are looked at while the graph is built.
        hnsw_search: candidates that are looked at in a search; more find more and take longer.
        ivf_cells: cells; 0 for four times the root of the number of images.
        ivf_probes: cells that are looked at in a search.
        pq_bytes: bytes of an image's code.
        database: address of the PostgreSQL; what it leaves out comes from PostgreSQL's own variables and files.
        table: its table.
    """

    task: ClassVar[str] = "images"

    def __init__(
        self,
        encoder: str | Callable[..., Any] = "auto",
        *,
        weights: str = "imagenet",
        image_size: int | None = None,
        distance: Literal["cosine", "euclidean"] = "cosine",
        whiten: int = 0,
        whiten_by: Literal["images", "labels"] = "images",
        engine: Literal["exact", "faiss", "postgres"] = "exact",
        structure: Literal["flat", "hnsw", "ivf_pq"] = "flat",
        hnsw_links: int = 32,
        hnsw_build: int = 200,
        hnsw_search: int = 64,
        ivf_cells: int = 0,
        ivf_probes: int = 16,
        pq_bytes: int = 32,
        database: str = "",
        table: str = "firstlight_images",
    ):
        self.encoder = encoder
        self.weights = weights
        self.image_size = image_size
        self.distance = distance
        self.whiten = whiten
        self.whiten_by = whiten_by
        self.engine = engine
        self.structure = structure
        self.hnsw_links = hnsw_links
        self.hnsw_build = hnsw_build
        self.hnsw_search = hnsw_search
        self.ivf_cells = ivf_cells
        self.ivf_probes = ivf_probes
        self.pq_bytes = pq_bytes
        self.database = database
        self.table = table
        self.store: Store
        self.folder: Path
        self.vision: Vision
        self._words: Any = None

    @property
    def settings(self) -> dict[str, Any]:
        """Every argument of the constructor with its value as it may be written down: no function, no password."""
        from firstlight.systems.image_index_postgres import without_password

        encoder = self.encoder
        if callable(encoder):
            encoder = f"function {FunctionEncoder(encoder).description['name']}"
        elif os.path.isdir(encoder):
            encoder = whole_path(encoder)
        return {**super().settings, "encoder": encoder, "database": without_password(self.database)}

    # -- building ------------------------------------------------------------------------------------------------

    def fit(
        self,
        images: str | Path | Source | Split | Sequence[Image],
        *,
        names: Sequence[str] | None = None,
        folder: str | Path | None = None,
        progress: Any = None,
    ) -> Update:
        """Index images; those that are in the folder's index already are not encoded again.

        Args:
            images: a folder or archive (searched below, and again by `update`), a split, or paths and arrays.
            names: of images that are arrays; a path is its own name.
            folder: run folder, which is taken up where it ended; without, one that goes with this object.
            progress: is told what happens, see `firstlight.cli.progress`.

        Raises:
            FirstlightError: there are no images, a setting is not one of those that exist, or the folder holds an index
                of other settings.
        """
        progress = progress or Silent()
        check_settings(self)
        items, source = self._items(images, names)
        self._begin(folder, progress)
        if source is not None and source.to_json() not in self.description["sources"]:
            self.description["sources"].append(source.to_json())
            self._write_description(self.folder)
        if self.whiten and self.vision.whitening is None:
            self.vision.learn_whitening(items, self.whiten, self.whiten_by == "labels", progress)
        update = self.update(progress=progress) if source is not None else self._bring(items, [], progress)
        self.vision.forget()
        if not len(self.store):
            first = f" First: {update.problems[0]}" if update.problems else ""
            raise FirstlightError(f"Expected images that can be read. Received {len(items)}, none readable.{first}")
        return update

    def add(self, images: Sequence[Image], *, names: Sequence[str] | None = None, progress: Any = None) -> Update:
        """Index more images, paths or arrays with names; one of a name that is there takes its place."""
        self._require_fitted()
        items = items_of(images, names)
        self._leave_out(set(self.description["left_out"]) - {item.name for item in items})
        return self._bring(items, [], progress or Silent())

    def remove(self, names: Sequence[str | Path]) -> int:
        """Take images out, by their names or paths; how many there were. `update` does not bring them back."""
        self._require_fitted()
        there = [name for name in map(self._name_of, names) if name is not None]
        self._leave_out({*self.description["left_out"], *there})
        self._words = None
        return self.store.remove(there)

    def update(self, *, progress: Any = None) -> Update:
        """Look at all files again: encode what is new or changed, keep what was moved, take out what is gone.

        Raises:
            FirstlightError: a folder that was indexed is not there, or has no image left; nothing is changed then.
        """
        self._require_fitted()
        progress = progress or Silent()
        items: dict[str, Item] = {}
        problems = []
        for source in self.description["sources"]:
            found, passed_over = Source(**source).items()
            items |= {item.name: item for item in found}
            problems += passed_over
        for name in self.description["left_out"]:
            items.pop(name, None)
        gone = []
        for name, entry in self.store.known().items():
            if name in items or entry.size == ARRAY:
                continue
            if exists(name):
                items[name] = Item(name, name, entry.label, entry.captions)
            else:
                gone.append(name)
        update = self._bring(list(items.values()), gone, progress)
        update.problems[:0] = problems
        return update

    def compact(self) -> None:
        """Give back the space of images that were removed or changed."""
        self._require_fitted()
        self.store.compact()

    def caption(self, captioner: Any, *, progress: Any = None) -> int:
        """Let a captioner (or its run folder) describe the images that have no caption; how many it described."""
        from firstlight.systems.image_index_captioning import caption

        self._require_fitted()
        self._words = None
        return caption(self.store, captioner, progress or Silent())

    # -- on disk -------------------------------------------------------------------------------------------------

    @classmethod
    def load(cls, folder: str | Path, encoder: Callable[..., Any] | None = None, **searching: Any) -> Self:
        """Open the folder of an index.

        Args:
            folder: run folder.
            encoder: the function that it was built with, where it was one.
            searching: other settings of searching, such as engine and structure; the vectors stay as they are.

        Raises:
            FirstlightError: the folder holds no index, or the encoder is another one.
        """
        check_searching(searching)
        description = read_description(folder)
        index = cls(**{**description["settings"], **searching})
        index.description = description
        if encoder is not None:
            index.encoder = encoder
        check_settings(index)
        index._load_parts(Path(folder))
        return index

    def copy(self, folder: str | Path, **searching: Any) -> "ImageIndex":
        """The same images in another index, for example of another engine, without encoding them again.

        Raises:
            FirstlightError: the folder, or the table, holds an index already.
        """
        from firstlight.systems.image_index_folder import copy

        self._require_fitted()
        return copy(self, Path(folder), searching)

    def save(self, folder: str | Path) -> None:
        """Write the index into a folder, where it is not there already."""
        self._require_fitted()
        if Path(folder).resolve() != self.folder.resolve():
            self.copy(folder)

    def _load_parts(self, folder: Path) -> None:
        self.folder = folder
        encoder = FunctionEncoder(self.encoder) if callable(self.encoder) else None
        self.vision = Vision(folder, self.distance, encoder, self.description["encoder"])
        self.store = open_store(self, folder)

    # -- parts ---------------------------------------------------------------------------------------------------

    def _items(self, images: Any, names: Sequence[str] | None) -> tuple[list[Item], Source | None]:
        """The images that are meant, and the source to look at again, if there is one."""
        if isinstance(images, str | Path):
            images = Source(whole_path(images))
        if isinstance(images, Source):
            return images.items()[0], images
        items = items_of_split(images) if isinstance(images, Split) else items_of(images, names)
        if not items:
            raise FirstlightError("Expected images. Received none.")
        return items, None

    def _begin(self, folder: str | Path | None, progress: Any) -> None:
        """Open the index in a folder, or make a new one there."""
        if folder is None:
            folder = tempfile.mkdtemp(prefix="firstlight-index-")
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.folder = Path(folder)
        if (self.folder / "system.json").exists():
            description = read_description(folder)
            check_same(self, description, self.folder)
            self.description = description
            self._load_parts(self.folder)
            return
        chosen = self.encoder
        if not callable(chosen):
            chosen = choose_encoder(chosen, self.weights, progress.message)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.vision = Vision(self.folder, self.distance, make_encoder(chosen, self.weights, self.image_size))
        self.description = self.describe(encoder=self.vision.about, sources=[], left_out=[])
        self.store = open_store(self, self.folder)
        check_empty(self, self.folder)
        self.vision.save(self.folder)
        self._write_description(self.folder)

    def _bring(self, items: list[Item], gone: list[str], progress: Any) -> Update:
        self._words = None
        update = bring_up_to_date(self.store, items, gone, self.vision.encoding(), progress)
        write_card(self, self.folder)
        return update

    def _leave_out(self, names: set[str]) -> None:
        if names != set(self.description["left_out"]):
            self.description["left_out"] = sorted(names)
            self._write_description(self.folder)
