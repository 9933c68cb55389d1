"""Exact search, faiss and PostgreSQL: the same rows, distances and order, on real engines, also with many ties."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight.errors import FirstlightError
from firstlight.systems.image_index_exact import ExactSearcher, nearest_rows, normalised
from firstlight.systems.image_index_faiss import FaissPlan, FaissSearcher
from firstlight.systems.image_index_records import Entry
from firstlight.systems.image_index_store import FolderStore

DISTANCES = ("cosine", "euclidean")


def data(rows: int, columns: int, distance: str, seed: int = 0) -> np.ndarray:
    """Vectors, every tenth of them a copy of the first, one of them zero."""
    vectors = np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)
    vectors[::10] = vectors[0]
    vectors[3:4] = 0
    return normalised(vectors) if distance == "cosine" else vectors


def by_hand(vectors: np.ndarray, alive: np.ndarray, query: np.ndarray, count: int, distance: str) -> list[int]:
    """The definition, in float64; distances that float64 tells apart by rounding alone count as equal."""
    wide, target = vectors.astype(np.float64), query.astype(np.float64)
    unit = wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-9)  # to more digits than float32 has
    cosine = 1 - unit @ target / np.linalg.norm(target)
    found = cosine if distance == "cosine" else np.linalg.norm(wide - target, axis=1)
    rows = np.flatnonzero(alive)
    return rows[np.lexsort((rows, found[rows].round(9)))][:count].tolist()


def filled(folder: Path, searcher: Any, vectors: np.ndarray) -> FolderStore:
    store = FolderStore(folder, searcher)
    store.append([Entry(f"{row}.jpg") for row in range(len(vectors))], vectors)
    store.remove(["0.jpg", "7.jpg"])
    return store


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("count", [1, 5, 40, 1000])
def test_exact_search_follows_the_definition(tmp_path: Path, distance: str, count: int) -> None:
    vectors = data(700, 24, distance)
    store = filled(tmp_path, ExactSearcher(distance), vectors)
    queries = np.concatenate([vectors[[0, 5]], data(3, 24, distance, seed=1)])
    for query, found in zip(queries, store.search(queries, count), strict=True):
        assert [each.row for each in found] == by_hand(vectors, store.alive, query, min(count, 698), distance)
        assert [each.distance for each in found] == sorted(each.distance for each in found)
    own = store.search(vectors[[5]], 1)[0][0]
    assert (own.row, own.distance) == (5, 0.0)
    copies = store.search(vectors[[0]], 12)[0]
    assert [each.row for each in copies] == list(range(10, 130, 10))
    assert {each.distance for each in copies} == {0.0}


def test_a_zero_vector_is_at_distance_one_from_all(tmp_path: Path) -> None:
    vectors = data(50, 8, "cosine")
    store = filled(tmp_path, ExactSearcher("cosine"), vectors)
    assert [(each.row, each.distance) for each in store.search(np.zeros((1, 8), np.float32), 2)[0]] == [
        (1, 1.0),
        (2, 1.0),
    ]
    assert next(each.distance for each in store.search(vectors[[5]], 48)[0] if each.row == 3) == 1.0


def test_blocks_do_not_change_what_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from firstlight.systems import image_index_exact

    vectors, queries = data(5000, 16, "cosine"), data(7, 16, "cosine", seed=2)
    gone = np.array([4, 4999])
    expected = nearest_rows(vectors, queries, 20, gone)
    monkeypatch.setattr(image_index_exact, "_FIRST", 64)
    monkeypatch.setattr(image_index_exact, "_PRODUCT", 4 * 7 * 100)
    found = nearest_rows(vectors, queries, 20, gone)
    for one, other in zip(expected[1], found[1], strict=True):
        assert np.sort(one) == pytest.approx(np.sort(other), abs=1e-6)
    assert not np.isin(found[0], gone).any()
    rows, scores = nearest_rows(vectors[:3], queries, 10, np.array([1]))
    assert rows.shape == (7, 3)
    assert sorted(rows[0].tolist()) == [-1, 0, 2]
    assert np.isneginf(scores).sum() == 7


@pytest.mark.parametrize("distance", DISTANCES)
def test_faiss_flat_gives_what_exact_search_gives(tmp_path: Path, distance: str) -> None:
    pytest.importorskip("faiss")
    vectors = data(600, 24, distance)
    queries = np.concatenate([vectors[[0, 5, 3]], data(4, 24, distance, seed=1)])
    exact = filled(tmp_path / "exact", ExactSearcher(distance), vectors)
    flat = filled(tmp_path / "flat", FaissSearcher(FaissPlan(distance)), vectors)
    assert flat.search(queries, 30) == exact.search(queries, 30)
    for store in (exact, flat):
        store.append([Entry("new.jpg")], vectors[[5]])
        store.compact()
    assert flat.search(queries, 3) == exact.search(queries, 3)
    assert [each.entry.name for each in flat.search(vectors[[5]], 2)[0]] == ["5.jpg", "new.jpg"]


@pytest.mark.parametrize("distance", DISTANCES)
def test_hnsw_is_kept_in_a_file_and_made_anew_where_that_is_stale(tmp_path: Path, distance: str) -> None:
    pytest.importorskip("faiss")
    random = np.random.default_rng(0)
    vectors = random.normal(size=(2000, 5)) @ random.normal(size=(5, 24))
    vectors = normalised(vectors) if distance == "cosine" else vectors.astype(np.float32)
    plan = FaissPlan(distance, "hnsw", links=16, build_effort=80)
    store = filled(tmp_path, FaissSearcher(plan), vectors)
    exact = FolderStore(tmp_path, ExactSearcher(distance))
    right = [[each.row for each in found] for found in exact.search(vectors[:50], 10)]

    def recall(searched: FolderStore) -> float:
        found = [[each.row for each in found] for found in searched.search(vectors[:50], 10)]
        return sum(len(set(one) & set(other)) for one, other in zip(found, right, strict=True)) / 500

    assert recall(store) >= 0.99
    file = tmp_path / "hnsw.faiss"
    written = file.stat().st_mtime_ns
    assert recall(FolderStore(tmp_path, FaissSearcher(plan))) >= 0.99
    assert file.stat().st_mtime_ns == written, "read, not made again"
    store.append([Entry("new.jpg")], vectors[[0]])
    assert store.search(vectors[[0]], 1)[0][0].entry.name == "new.jpg"
    assert FolderStore(tmp_path, FaissSearcher(plan)).search(vectors[[0]], 1)[0][0].entry.name == "new.jpg"
    store.compact()
    assert store.search(vectors[[0]], 1)[0][0].entry.name == "new.jpg"
    file.write_bytes(b"spoiled")
    again = FolderStore(tmp_path, FaissSearcher(plan))
    assert again.search(vectors[[0]], 1)[0][0].distance == 0.0


def test_cells_of_short_codes_find_most_and_need_images(tmp_path: Path) -> None:
    pytest.importorskip("faiss")
    random = np.random.default_rng(0)
    centres = random.normal(size=(20, 16)) * 4
    vectors = (centres[random.integers(0, 20, 1500)] + random.normal(size=(1500, 16))).astype(np.float32)
    searcher = FaissSearcher(FaissPlan("euclidean", "ivf_pq", cells=20, probes=5, code_bytes=8))
    store = filled(tmp_path / "many", searcher, vectors)
    exact = FolderStore(tmp_path / "many", ExactSearcher("euclidean"))
    pairs = zip(store.search(vectors[:40], 5), exact.search(vectors[:40], 5), strict=True)
    shared = sum(len({e.row for e in one} & {e.row for e in other}) for one, other in pairs)
    assert shared >= 0.9 * 200
    few = filled(tmp_path / "few", FaissSearcher(FaissPlan("euclidean", "ivf_pq")), vectors[:100])
    with pytest.raises(FirstlightError, match="at least 256 images"):
        few.search(vectors[:1], 5)


def test_faiss_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(FirstlightError, match=r"pip install 'firstlight\[faiss\]'"):
        FaissSearcher(FaissPlan("cosine"))
    with pytest.raises(FirstlightError, match="Did you mean 'hnsw'"):
        FaissPlan("cosine", "hsnw").check()


# -- PostgreSQL --------------------------------------------------------------------------------------------------


class Server:
    """A real PostgreSQL with pgvector that can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        import pgserver

        self.pgserver, self.folder = pgserver, folder
        self.start()

    def start(self) -> None:
        self.server = self.pgserver.get_server(self.folder, cleanup_mode="stop")
        self.address = self.server.get_uri()

    def stop(self) -> None:
        self.server.cleanup()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    import warnings

    pytest.importorskip("psycopg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the folder for sockets
        pytest.importorskip("pgserver", reason="needs pgserver, which has no wheels for Python 3.13")
        started = Server(tmp_path_factory.mktemp("postgres"))
    yield started
    started.stop()


@pytest.mark.slow
@pytest.mark.parametrize("distance", DISTANCES)
def test_postgres_gives_what_exact_search_gives(server: Server, tmp_path: Path, distance: str) -> None:
    from firstlight.systems.image_index_postgres import PostgresStore

    vectors = data(600, 24, distance)
    queries = np.concatenate([vectors[[0, 5, 3]], data(4, 24, distance, seed=1)])
    table = PostgresStore(server.address, f"same_{distance}", distance)
    assert (len(table), table.columns, table.known(), table.search(queries[:0], 3)) == (0, None, {}, [])
    names = [f"{row}.jpg" for row in range(600)]
    table.append([Entry(name) for name in names], vectors)
    exact = FolderStore(tmp_path, ExactSearcher(distance))
    exact.append([Entry(name) for name in names], vectors)
    for store in (table, exact):
        assert store.remove(["0.jpg", "7.jpg", "none.jpg"]) == 2
        store.append([Entry("9.jpg", 3, captions=("a dog",))], vectors[[10]])
        store.annotate([Entry("8.jpg", label="x")])
    for one, other in zip(table.search(queries, 30), exact.search(queries, 30), strict=True):
        assert [(each.entry, each.distance) for each in one] == [(each.entry, each.distance) for each in other]
    assert table.known() == exact.known()
    assert (table.vectors_of(["9.jpg", "8.jpg"]) == exact.vectors_of(["9.jpg", "8.jpg"])).all()
    blocks = list(table.blocks(100))
    assert [entry for entries, _ in blocks for entry in entries] == list(exact.known().values())
    again = PostgresStore(server.address, f"same_{distance}", distance)
    assert (len(again), again.columns) == (598, 24)
    with pytest.raises(FirstlightError, match="another encoder"):
        again.append([Entry("a")], np.ones((1, 23)))


@pytest.mark.slow
def test_strange_names_and_hnsw_in_postgres(server: Server) -> None:
    from firstlight.systems.image_index_postgres import PostgresStore

    random = np.random.default_rng(0)
    vectors = normalised(random.normal(size=(500, 4)) @ random.normal(size=(4, 16)))
    names = ["two\nlines.jpg", "日本\\u.jpg", "caf\udce9.jpg", "tab\t.jpg"]
    store = PostgresStore(server.address, "graph", "cosine", approximate=True)
    store.append([Entry(name) for name in names + [f"{n}" for n in range(496)]], vectors)
    assert list(store.known())[:4] == names
    assert store.find("caf\udce9.jpg") == Entry("caf\udce9.jpg")
    assert [found[0].entry.name for found in store.search(vectors[:4], 3)] == names
    assert store.remove(names) == 4
    store.drop()
    assert len(store) == 0


@pytest.mark.slow
def test_a_database_that_goes_away_loses_nothing(server: Server) -> None:
    from firstlight.systems.image_index_postgres import PostgresStore

    store = PostgresStore(server.address, "away", "cosine")
    vectors = normalised(np.random.default_rng(0).normal(size=(20, 8)))
    store.append([Entry(f"{n}") for n in range(10)], vectors[:10])
    server.stop()
    try:
        for call in (
            lambda: store.append([Entry(f"{n}") for n in range(10, 20)], vectors[10:]),
            lambda: store.search(vectors[:1], 3),
            lambda: PostgresStore(server.address, "away", "cosine"),
        ):
            with pytest.raises(FirstlightError, match="Expected an answer of the database"):
                call()
    finally:
        server.start()
    assert list(store.known()) == [f"{n}" for n in range(10)], "it connects anew"
    store.append([Entry(f"{n}") for n in range(10, 20)], vectors[10:])
    assert len(store) == 20


@pytest.mark.slow
def test_an_index_in_postgres_goes_on_where_the_database_went_away(server: Server, tmp_path: Path) -> None:
    from firstlight.systems import ImageIndex

    images = [np.full((2, 2, 3), number, np.uint8) for number in range(100)]
    seen: list[int] = []
    stopped: list[bool] = []

    def encoder(pictures: list[np.ndarray]) -> np.ndarray:
        seen.extend(int(picture[0, 0, 0]) for picture in pictures)
        if len(seen) == 1 + 64 and not stopped:
            stopped.append(True)
            server.stop()
        return np.array([[picture[0, 0, 0], 1] for picture in pictures], np.float32)

    settings: dict[str, Any] = {
        "distance": "euclidean",
        "engine": "postgres",
        "database": server.address,
        "table": "gone",
    }
    names = [str(number) for number in range(100)]
    try:
        with pytest.raises(FirstlightError, match="What was added before is kept"):
            ImageIndex(encoder, **settings).fit(images, names=names, folder=tmp_path / "run")
    finally:
        server.start()
    seen.clear()
    index = ImageIndex(encoder, **settings)
    assert index.fit(images, names=names, folder=tmp_path / "run").added == 68
    assert sorted(seen[1:]) == list(range(32, 100)), "the first batch was there already"
    matches = index.search(images[50], 3)
    assert [(match.name, match.distance) for match in matches] == [("50", 0.0), ("49", 1.0), ("51", 1.0)]
    assert ImageIndex.load(tmp_path / "run").search("50", 3) == matches, "as another machine would"
    copied = index.copy(tmp_path / "copy", engine="exact")
    assert copied.search(images[50], 3) == matches
    with pytest.raises(FirstlightError, match="no images yet in table gone"):
        ImageIndex(encoder, **settings).fit(images, names=names, folder=tmp_path / "new")


def test_passwords_are_not_written_down() -> None:
    from firstlight.systems.image_index_postgres import PostgresStore, without_password

    assert without_password("postgresql://me:secret@host:5432/photos?a=b") == "postgresql://me@host:5432/photos?a=b"
    assert without_password("postgresql://me@host/photos") == "postgresql://me@host/photos"
    assert without_password("host=h password='my secret' user=me") == "host=h user=me"
    assert without_password("") == ""
    with pytest.raises(FirstlightError, match="name of a table"):
        PostgresStore("", "photos; DROP TABLE users", "cosine")


def test_psycopg_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from firstlight.systems.image_index_postgres import PostgresStore

    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(FirstlightError, match=r"pip install 'firstlight\[postgres\]'"):
        PostgresStore("postgresql://nowhere/x", "photos", "cosine")
