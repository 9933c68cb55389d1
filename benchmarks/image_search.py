"""How fast an index finds its nearest images, exactly, by faiss and in a PostgreSQL, and what building costs.

    python benchmarks/image_search.py [--rows 100000] [--columns 256] [--rounds 21] [--data gaussian] [--skip postgres]

Vectors stand for images. `features` lie as those of networks do: in many clusters, near a surface of few dimensions
(24, and what that comes to by the estimate of Facco et al. is told), with a little noise in all; `gaussian` ones have
no structure at all, which is the hardest case for a graph. All have length 1, and the distance is the cosine.
All ways run in turn in each round; medians are told, and the smallest of each as what an undisturbed machine would do.
"""

import argparse
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from firstlight import metrics
from firstlight.systems.image_index_exact import ExactSearcher, normalised
from firstlight.systems.image_index_faiss import FaissPlan, FaissSearcher
from firstlight.systems.image_index_records import Entry
from firstlight.systems.image_index_store import FolderStore

COUNT = 10
Work = Callable[[], object]


def draw(kind: str, rows: int, columns: int, seed: int) -> np.ndarray:
    """Vectors (rows, columns) of length 1."""
    random = np.random.default_rng(seed)
    if kind == "gaussian":
        return normalised(random.standard_normal((rows, columns), np.float32))
    shape = np.random.default_rng(0)  # the same clusters for images and queries
    centres, axes = shape.standard_normal((200, 24)), shape.standard_normal((24, columns))
    inner = centres[random.integers(0, 200, rows)] + 0.7 * random.standard_normal((rows, 24))
    return normalised((inner @ axes / 24**0.5 + 0.05 * random.standard_normal((rows, columns))).astype(np.float32))


def dimension(vectors: np.ndarray) -> float:
    """The dimension that vectors seem to have from the ratio of the distances to their two nearest.

    Source: Facco et al., "Estimating the intrinsic dimension of datasets by a minimal neighborhood information", 2017.
    """
    some = vectors[:: max(1, len(vectors) // 2000)]
    apart = np.maximum(2 - 2 * some @ vectors.T, 1e-12)
    near = np.sort(np.partition(apart, 2, axis=1)[:, :3], axis=1)
    ratios = np.sqrt(near[:, 2] / near[:, 1])
    return len(ratios) / float(np.log(ratios).sum())


def measure(ways: dict[str, Work], rounds: int) -> dict[str, list[float]]:
    """Seconds of each way in each round, all of them run in turn, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, work in ways.items():
            began = time.perf_counter()
            work()
            if number:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def table(title: str, seconds: dict[str, list[float]], queries: int) -> None:
    """Milliseconds a query, queries a second, and the time beside that of the first way."""
    print(
        f"\n{title}\n{'':34} {'ms/query':>9} {'queries/s':>10} {'ratio':>7} {'ratio of the smallest':>22}", flush=True
    )
    base = next(iter(seconds.values()))
    for name, taken in seconds.items():
        middle = statistics.median(taken)
        # The ratio within each round: both sides saw the same machine.
        ratio = statistics.median(one / other for one, other in zip(taken, base, strict=True))
        print(
            f"{name:34} {1000 * middle / queries:9.3f} {queries / middle:10,.0f} {ratio:7.3f} "
            f"{min(taken) / min(base):22.3f}",
            flush=True,
        )


def timed(name: str, work: Callable[[], Any]) -> Any:
    began, used = time.perf_counter(), time.process_time()
    result = work()
    wall, processor = time.perf_counter() - began, time.process_time() - used
    print(f"{name:34} {wall:9.2f} s, {processor:9.2f} s of processors", flush=True)
    return result


def rows_of(store: Any, queries: np.ndarray) -> list[list[int]]:
    return [[int(found.entry.name.split(".")[0]) for found in each] for each in store.search(queries, COUNT)]


def built(folder: Path, plan: FaissPlan) -> FolderStore:
    store = FolderStore(folder, FaissSearcher(plan))
    store.searcher.prepare(store)  # type: ignore[attr-defined]
    return store


def in_postgres(entries: list[Entry], vectors: np.ndarray, folder: Path) -> dict[str, Any]:
    """Tables in a PostgreSQL that is started here: plain, and with an HNSW index."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pgserver
    from firstlight.systems.image_index_postgres import PostgresStore

    server = pgserver.get_server(folder, cleanup_mode="stop")
    found = {}
    for name, approximate in (("pgvector, exact", False), ("pgvector, HNSW", True)):
        store = PostgresStore(server.get_uri(), f"vectors_{int(approximate)}", "cosine", approximate)

        def fill(store: Any = store) -> None:
            for start in range(0, len(entries), 5000):
                store.append(entries[start : start + 5000], vectors[start : start + 5000])

        timed(f"build {name}", fill)
        found[name] = store
    return found


def run(options: argparse.Namespace, folder: Path) -> None:
    vectors = draw(options.data, options.rows, options.columns, 1)
    queries = draw(options.data, 200, options.columns, 2)
    print(
        f"{options.rows:,} x {options.columns}, {options.data}, dimension {dimension(vectors):.1f}; "
        f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    )
    entries = [Entry(f"{row}.jpg") for row in range(len(vectors))]
    exact = FolderStore(folder, ExactSearcher("cosine"))
    timed("write the store", lambda: exact.append(entries, vectors))
    stores: dict[str, Any] = {"exact": exact}
    plans = {
        "faiss flat": FaissPlan("cosine"),
        "faiss HNSW": FaissPlan("cosine", "hnsw", options.links, options.build, options.search),
        "faiss IVF-PQ": FaissPlan("cosine", "ivf_pq", probes=32),
    }
    for name, plan in plans.items():
        if name not in options.skip:
            stores[name] = timed(f"build {name}", lambda plan=plan: built(folder, plan))
    if "postgres" not in options.skip:
        stores |= in_postgres(entries, vectors, folder / "postgres")
    print("\nrecall@10 of 200 queries against exact search")
    right = rows_of(exact, queries)
    for name, store in stores.items():
        found = rows_of(store, queries)
        same = sum(one == other for one, other in zip(found, right, strict=True))
        print(f"{name:34} {metrics.neighbour_recall(found, right).value:.4f}, {same} of 200 in the same order")
    mapped, one = exact.vectors, queries[:1]
    ways: dict[str, Work] = {"one BLAS product": lambda: mapped @ one[0]}
    ways |= {name: lambda store=store: store.search(one, COUNT) for name, store in stores.items()}
    table("One query at a time", measure(ways, options.rounds), 1)
    many = queries[:100]
    ways = {"one BLAS product": lambda: many @ mapped.T}
    several = {name: store for name, store in stores.items() if not name.startswith("pgvector")}
    ways |= {name: lambda store=store: store.search(many, COUNT) for name, store in several.items()}
    table("A hundred queries at a time", measure(ways, max(3, options.rounds // 3)), 100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--data", choices=["features", "gaussian"], default="features")
    parser.add_argument("--links", type=int, default=32)
    parser.add_argument("--build", type=int, default=200)
    parser.add_argument("--search", type=int, default=64)
    parser.add_argument("--skip", nargs="*", default=[], help="faiss flat, faiss HNSW, faiss IVF-PQ, postgres")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run(options, Path(folder))


if __name__ == "__main__":
    main()
