"""Search by faiss: flat, which is exact; HNSW, a graph that is walked; IVF-PQ, cells of short codes for small memory.

What faiss proposes is compared once more with the vectors themselves, so distances are exact whatever proposed them.
HNSW and IVF-PQ are kept in a file beside the vectors, which is made anew where it no longer fits them.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.errors import FirstlightError, nearest
from firstlight.systems.image_index_exact import refined, settled
from firstlight.systems.system import write_safely

__all__ = ["STRUCTURES", "FaissPlan", "FaissSearcher"]

STRUCTURES = ("flat", "hnsw", "ivf_pq")
_TRAINED_ON = 39  # rows a cell, below which faiss warns that its cells are poor
_LEAST = 256  # rows: a code of 8 bits has as many values


@dataclass(frozen=True)
class FaissPlan:
    """What a faiss index is made of; the settings of `ImageIndex` without their prefix.

    Source: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable
    Small World graphs", 2018; Jégou, Douze and Schmid, "Product quantization for nearest neighbor search", 2011.
    """

    distance: str
    structure: str = "flat"
    links: int = 32
    build_effort: int = 200
    search_effort: int = 64
    cells: int = 0
    probes: int = 16
    code_bytes: int = 32

    def check(self) -> None:
        """Refuse what faiss cannot do."""
        if self.structure not in STRUCTURES:
            raise FirstlightError(
                f"Expected structure to be one of {', '.join(STRUCTURES)}. Received {self.structure!r}."
                f"{nearest(self.structure, STRUCTURES)}"
            )
        least = {"links": 2, "build_effort": 1, "search_effort": 1, "cells": 0, "probes": 1, "code_bytes": 1}
        for name, lowest in least.items():
            if getattr(self, name) < lowest:
                raise FirstlightError(f"Expected {name} to be {lowest} or more. Received {getattr(self, name)}.")


class FaissSearcher:
    """Searches a `FolderStore` by faiss; the index follows the store when it is next searched.

    Raises:
        FirstlightError: faiss is not installed, or there are too few images for the structure.
    """

    def __init__(self, plan: FaissPlan):
        plan.check()
        self.plan = plan
        self.faiss = _import()
        self.index: Any = None
        self._generation = 0

    def search(self, store: Any, queries: np.ndarray, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Rows and distances of the nearest for each query, ties by row; HNSW and IVF-PQ may miss some."""
        if not count:
            return [(np.zeros(0, np.int64), np.zeros(0))] * len(queries)
        self.prepare(store)
        alive = store.alive
        chosen = None if alive.all() else self.faiss.IDSelectorBitmap(np.packbits(alive, bitorder="little"))

        def candidates(some: np.ndarray, wanted: int) -> tuple[np.ndarray, np.ndarray]:
            scores, rows = self.index.search(some, wanted, params=self._parameters(chosen, wanted))
            return rows, scores if self.plan.distance == "cosine" else -scores

        exact = self.plan.structure == "flat"
        found = settled(candidates, queries, count, len(store), self.plan.distance, widen=exact)
        return [
            refined(rows, store.vectors[rows], query, count, self.plan.distance)
            for rows, query in zip(found, queries, strict=True)
        ]

    def prepare(self, store: Any) -> None:
        """Bring the index up to the store: from its file, by adding rows, or anew."""
        if self.index is not None and self._generation == store.generation:
            if self.index.ntotal == len(store.vectors):
                return
        else:
            self.index = self._read(store)
        if self.index is None:
            self.index = self._empty(store)
        self._generation = store.generation
        done = self.index.ntotal
        for start in range(done, len(store.vectors), 1 << 16):
            self.index.add(np.ascontiguousarray(store.vectors[start : start + (1 << 16)]))
        if self.plan.structure != "flat" and self.index.ntotal != done:
            self._write(store)

    def _empty(self, store: Any) -> Any:
        faiss, plan, columns = self.faiss, self.plan, store.columns
        measure = faiss.METRIC_INNER_PRODUCT if plan.distance == "cosine" else faiss.METRIC_L2
        if plan.structure == "flat":
            return faiss.IndexFlat(columns, measure)
        if plan.structure == "hnsw":
            index = faiss.IndexHNSWFlat(columns, plan.links, measure)
            index.hnsw.efConstruction = plan.build_effort
            return index
        rows = np.flatnonzero(store.alive)
        if len(rows) < _LEAST:
            raise FirstlightError(
                f"Expected at least {_LEAST} images for the structure ivf_pq. Received {len(rows)}. Use flat or hnsw."
            )
        cells = min(plan.cells or round(4 * len(rows) ** 0.5), max(1, len(rows) // _TRAINED_ON))
        length = next(n for n in range(min(plan.code_bytes, columns), 0, -1) if columns % n == 0)
        index = faiss.IndexIVFPQ(faiss.IndexFlat(columns, measure), columns, cells, length, 8, measure)
        index.cp.min_points_per_centroid = index.pq.cp.min_points_per_centroid = 1  # it would warn on standard error
        sample = rows[np.linspace(0, len(rows) - 1, min(len(rows), max(1 << 16, 64 * cells))).astype(int)]
        index.train(np.ascontiguousarray(store.vectors[sample]))
        return index

    def _parameters(self, chosen: Any, wanted: int) -> Any:
        options = {} if chosen is None else {"sel": chosen}
        if self.plan.structure == "hnsw":
            effort = max(self.plan.search_effort, wanted)
            return self.faiss.SearchParametersHNSW(efSearch=effort, **options)
        if self.plan.structure == "ivf_pq":
            return self.faiss.SearchParametersIVF(nprobe=self.plan.probes, **options)
        return self.faiss.SearchParameters(**options) if options else None

    # -- the file ------------------------------------------------------------------------------------------------

    def _read(self, store: Any) -> Any:
        """The index of the file, None where there is none of this plan and of these rows."""
        path = _path(store.folder, self.plan.structure)
        try:
            known = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            if known["made"] != self._made(store) or known["rows"] > len(store.vectors):
                return None
            index = self.faiss.read_index(str(path))
        except (OSError, ValueError, KeyError, RuntimeError):  # not there, or spoiled: it is made anew
            return None
        return index if index.ntotal == known["rows"] else None

    def _write(self, store: Any) -> None:
        path = _path(store.folder, self.plan.structure)
        path.with_suffix(".json").unlink(missing_ok=True)  # the note comes last, and speaks of the file that is there
        write_safely(path, lambda temporary: self.faiss.write_index(self.index, str(temporary)))
        text = json.dumps({"made": self._made(store), "rows": self.index.ntotal}) + "\n"
        write_safely(path.with_suffix(".json"), lambda temporary: temporary.write_text(text, encoding="utf-8"))

    def _made(self, store: Any) -> dict[str, Any]:
        """All on which the content of the file depends."""
        plan = {name: value for name, value in asdict(self.plan).items() if name not in ("search_effort", "probes")}
        return {**plan, "generation": store.generation, "columns": store.columns, "faiss": self.faiss.__version__}


def _path(folder: Path, structure: str) -> Path:
    return folder / f"{structure}.faiss"


def _import() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise FirstlightError(
            "Expected faiss to be installed for engine 'faiss'. Run `pip install 'firstlight[faiss]'`, or take engine "
            "'exact'."
        ) from error
    return faiss
