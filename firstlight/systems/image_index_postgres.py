"""An index in a table of a PostgreSQL with pgvector, which many machines share.

The table is the original: a batch of images is one transaction, so a database that goes away loses none that was told
to be there, and building goes on where it ended.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import numpy as np

from firstlight.errors import FirstlightError
from firstlight.systems.image_index_exact import refined, settled
from firstlight.systems.image_index_records import Entry, Found

__all__ = ["PostgresStore", "without_password"]

_MOST_COLUMNS = 16_000  # of a pgvector column
_MOST_INDEXED = 2_000  # of one with an HNSW index
_OPERATORS = {"cosine": ("<#>", "vector_ip_ops"), "euclidean": ("<->", "vector_l2_ops")}


def without_password(database: str) -> str:
    """The address of a database as it may be written down; PostgreSQL's clients have other places for passwords."""
    parts = urlsplit(database)
    if not parts.password:
        return re.sub(r"\bpassword\s*=\s*('[^']*'|\S+)\s*", "", database)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}@{place}"))


class PostgresStore:
    """A table of vectors and entries; see `Store` for what it can do.

    Args:
        database: the address, for example `postgresql://user@host/name`; what it leaves out, and the password, comes
            from the variables and files of PostgreSQL's clients (`PGPASSWORD`, `~/.pgpass`).
        table: made, with the extension `vector`, when the first images are added.
        distance: cosine (of vectors of length 1) or euclidean.
        approximate: make an HNSW index and search by it; without, the search is exact.

    Raises:
        FirstlightError: psycopg is not installed, or the database does not answer.
    """

    _connection: Any = None

    def __init__(self, database: str, table: str, distance: str, approximate: bool = False, effort: int = 64):
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,50}", table):
            raise FirstlightError(
                f"Expected the name of a table: small letters, digits and _, at most 51. Received {table!r}."
            )
        self.database, self.table, self.distance = database, table, distance
        self.approximate, self.effort = approximate, effort
        self.operator, self.operators = _OPERATORS[distance]
        self.psycopg = _import()
        with self._transaction() as cursor:
            self.columns: int | None = self._find_columns(cursor)

    def __len__(self) -> int:
        if not self.columns:
            return 0
        with self._transaction() as cursor:
            return int(cursor.execute(f"SELECT count(*) FROM {self.table}").fetchone()[0])

    def known(self) -> dict[str, Entry]:
        """Every entry by its name, in the order of the rows."""
        if not self.columns:
            return {}
        with self._transaction() as cursor:
            rows = cursor.execute(f"SELECT entry FROM {self.table} ORDER BY row").fetchall()
        return {entry.name: entry for entry in (_entry(row[0]) for row in rows)}

    def find(self, name: str) -> Entry | None:
        """The entry of this name; None where there is none."""
        if not self.columns:
            return None
        with self._transaction() as cursor:
            statement = f"SELECT entry FROM {self.table} WHERE name = %s"
            found = cursor.execute(statement, [_key(name)]).fetchone()
        return _entry(found[0]) if found else None

    def append(self, entries: Sequence[Entry], vectors: np.ndarray) -> None:
        """Add images; one of the same name is replaced. All of them are kept, or none."""
        columns = self.columns or vectors.shape[1]
        if vectors.shape != (len(entries), columns):
            raise FirstlightError(
                f"Expected vectors ({len(entries)}, {columns}), as table {self.table} has them. Received "
                f"{vectors.shape}: they come from another encoder."
            )
        with self._transaction() as cursor:
            if not self.columns:
                self._create(cursor, columns)
            names = [_key(entry.name) for entry in entries]
            cursor.execute(f"DELETE FROM {self.table} WHERE name = ANY(%s)", [names])
            # In the order of the batch, so that rows are numbered alike in every store.
            with cursor.copy(f"COPY {self.table} (name, entry, vector) FROM STDIN") as copy:
                for name, entry, vector in zip(names, entries, vectors, strict=True):
                    copy.write_row([name, json.dumps(entry.to_json()), _text(vector)])
        self.columns = columns

    def annotate(self, entries: Sequence[Entry]) -> None:
        """Replace the entries of these names; their vectors stay."""
        with self._transaction() as cursor:
            values = [(json.dumps(entry.to_json()), _key(entry.name)) for entry in entries]
            cursor.executemany(f"UPDATE {self.table} SET entry = %s WHERE name = %s", values)

    def remove(self, names: Sequence[str]) -> int:
        """Take images out by their names; how many there were."""
        if not self.columns or not names:
            return 0
        with self._transaction() as cursor:
            keys = [_key(name) for name in names]
            return int(cursor.execute(f"DELETE FROM {self.table} WHERE name = ANY(%s)", [keys]).rowcount)

    def compact(self) -> None:
        """PostgreSQL's own VACUUM takes care of it."""

    def vectors_of(self, names: Sequence[str]) -> np.ndarray:
        """The vectors of images that are there, (names, columns)."""
        with self._transaction() as cursor:
            statement = f"SELECT name, vector::text FROM {self.table} WHERE name = ANY(%s)"
            found = dict(cursor.execute(statement, [[_key(name) for name in names]]).fetchall())
        return np.array([_vector(found[_key(name)]) for name in names], np.float32)

    def blocks(self, size: int = 4096) -> Iterator[tuple[list[Entry], np.ndarray]]:
        """All images in the order of their rows, some at a time."""
        last = -1
        while self.columns:
            statement = f"SELECT row, entry, vector::text FROM {self.table} WHERE row > %s ORDER BY row LIMIT %s"
            with self._transaction() as cursor:
                rows = cursor.execute(statement, [last, size]).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            yield [_entry(row[1]) for row in rows], np.array([_vector(row[2]) for row in rows], np.float32)

    def search(self, queries: np.ndarray, count: int) -> list[list[Found]]:
        """The nearest images of each query (queries, columns), ties by row."""
        total = len(self)
        seen: dict[int, tuple[Entry, np.ndarray]] = {}

        def candidates(some: np.ndarray, wanted: int) -> tuple[np.ndarray, np.ndarray]:
            with self._transaction() as cursor:
                self._prepare_search(cursor, wanted)
                answers = [self._ask(cursor, query, wanted, seen) for query in some]
            rows = np.full((len(some), wanted), -1, np.int64)
            scores = np.full((len(some), wanted), -np.inf, np.float32)
            for place, answer in enumerate(answers):
                rows[place, : len(answer)] = [row for row, _ in answer]
                scores[place, : len(answer)] = [-distance for _, distance in answer]
            return rows, scores

        wanted = min(count, total)
        results = []
        chosen = settled(candidates, queries, wanted, total, self.distance, widen=not self.approximate)
        for rows, query in zip(chosen, queries, strict=True):
            vectors = np.array([seen[row][1] for row in rows.tolist()], np.float32).reshape(len(rows), -1)
            order, distances = refined(rows, vectors, query, wanted, self.distance) if len(rows) else (rows, rows)
            pairs = zip(order.tolist(), distances.tolist(), strict=True)
            results.append([Found(row, seen[row][0], distance) for row, distance in pairs])
        return results

    def drop(self) -> None:
        """Delete the table."""
        with self._transaction() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {self.table}")
        self.columns = None

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        self.close()

    # -- parts ---------------------------------------------------------------------------------------------------

    def _ask(self, cursor: Any, query: np.ndarray, wanted: int, seen: dict[int, Any]) -> list[tuple[int, float]]:
        """(row, distance) of the nearest by the operator of pgvector; entries and vectors go into `seen`."""
        ties = "" if self.approximate else ", row"  # a second key would keep PostgreSQL from its HNSW index
        statement = (
            f"SELECT row, entry, vector::text, vector {self.operator} %s::vector AS distance FROM {self.table} "
            f"ORDER BY distance{ties} LIMIT %s"
        )
        answer = cursor.execute(statement, [_text(query), wanted]).fetchall()
        seen |= {row: (_entry(entry), _vector(vector)) for row, entry, vector, _ in answer}
        square = float(np.square(query).sum()) if self.distance == "euclidean" else 0.0
        # The score of the other engines: q.x, or q.x - |x|^2 / 2, which is (|q|^2 - distance^2) / 2.
        return [
            (row, distance if self.distance == "cosine" else (distance**2 - square) / 2)
            for row, _, _, distance in answer
        ]

    def _prepare_search(self, cursor: Any, wanted: int) -> None:
        if self.approximate:
            cursor.execute(f"SET LOCAL hnsw.ef_search = {min(1000, max(self.effort, wanted))}")
        else:
            cursor.execute("SET LOCAL enable_indexscan = off")  # by no HNSW index that somebody else has made

    def _create(self, cursor: Any, columns: int) -> None:
        most = _MOST_INDEXED if self.approximate else _MOST_COLUMNS
        if columns > most:
            raise FirstlightError(
                f"Expected vectors of at most {most:,} numbers for pgvector. Received {columns:,}. Set whiten, which "
                "shortens them."
            )
        cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {self.table} (row bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
            f"name text UNIQUE NOT NULL, entry text NOT NULL, vector vector({columns}) NOT NULL)"
        )
        if self.approximate:
            cursor.execute(
                f"CREATE INDEX IF NOT EXISTS {self.table}_hnsw ON {self.table} USING hnsw (vector {self.operators})"
            )

    def _find_columns(self, cursor: Any) -> int | None:
        statement = (
            "SELECT atttypmod FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = 'vector' "
            "AND NOT attisdropped"
        )
        found = cursor.execute(statement, [self.table]).fetchone()
        return int(found[0]) if found else None

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        """A cursor whose statements count together or not at all; the connection is made anew where it was lost."""
        try:
            if self._connection is None or self._connection.closed:
                self._connection = self.psycopg.connect(self.database, connect_timeout=10)
            with self._connection.transaction(), self._connection.cursor() as cursor:
                yield cursor
        except self.psycopg.OperationalError as error:
            self.close()
            raise FirstlightError(
                f"Expected an answer of the database {without_password(self.database)!r}. Received: "
                f"{str(error).strip() or 'the connection was closed'}. What was added before is kept: start the "
                "database, and give the same command again."
            ) from error
        except self.psycopg.Error as error:
            raise FirstlightError(
                f"Expected table {self.table} of {without_password(self.database)!r} to be an image index, in a "
                f"PostgreSQL with pgvector. Received: {str(error).strip()}."
            ) from error


def _key(name: str) -> str:
    """A name as PostgreSQL's text can hold it: bytes that are no UTF-8, and the backslash, are written as escapes."""
    return name.replace("\\", "\\\\").encode("utf-8", "backslashreplace").decode()


def _text(vector: np.ndarray) -> str:
    """A vector as pgvector reads it, to the last bit of float32."""
    return "[" + ",".join(map(str, vector.astype(np.float32).tolist())) + "]"


def _entry(text: str) -> Entry:
    return Entry.from_json(json.loads(text))


def _vector(text: str) -> np.ndarray:
    return np.fromstring(text[1:-1], np.float32, sep=",")


def _import() -> Any:
    try:
        import psycopg
    except ImportError as error:
        raise FirstlightError(
            "Expected psycopg to be installed for engine 'postgres'. Run `pip install 'firstlight[postgres]'`."
        ) from error
    return psycopg
