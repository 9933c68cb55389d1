"""`firstlight words`: ask trained word vectors for neighbours, analogies and maps, judge them, and write them.

Each command takes a run folder, or a file of vectors: word2vec text or binary, or GloVe.
"""

from pathlib import Path
from typing import Any

import click

from firstlight.cli.words_forms import FORMS, tell
from firstlight.errors import FirstlightError

__all__ = ["analogy", "evaluate", "map_words", "odd", "similar", "similarity", "words", "write"]

_run = click.argument("run", type=click.Path())
_to = click.option("--to", type=click.Choice(FORMS), default="text", show_default=True, help="The form.")
_count = click.option("--count", "-n", type=click.IntRange(1), default=10, show_default=True, help="Answers.")


@click.group()
def words() -> None:
    """Ask word vectors: neighbours, analogies, the odd one out, maps.

    RUN is the folder of a training (firstlight train word-vectors), or a file of vectors from elsewhere: word2vec text
    or binary, or GloVe, which is recognised.
    """


@words.command()
@_run
@click.argument("word", nargs=-1, required=True)
@_count
@_to
def similar(run: str, word: tuple[str, ...], count: int, to: str) -> None:
    """The words nearest to each WORD, by cosine."""
    vectors = _open(run)
    found = [
        {"word": asked, "similar": near.word, "cosine": round(near.similarity, 4)}
        for asked in word
        for near in vectors.similar(asked, count)
    ]
    tell(found, to)


@words.command()
@_run
@click.argument("first")
@click.argument("second")
@_to
def similarity(run: str, first: str, second: str, to: str) -> None:
    """The cosine of two words, from -1 to 1."""
    cosine = _open(run).similarity(first, second)
    tell([{"word": first, "other": second, "cosine": round(cosine, 4)}], to)


@words.command()
@_run
@click.argument("a")
@click.argument("b")
@click.argument("c")
@click.option("--count", "-n", type=click.IntRange(1), default=5, show_default=True, help="Answers.")
@click.option(
    "--method",
    type=click.Choice(["add", "multiply"]),
    default="add",
    show_default=True,
    help="Add and subtract vectors, or multiply and divide cosines.",
)
@_to
def analogy(run: str, a: str, b: str, c: str, count: int, method: Any, to: str) -> None:
    """What is to C as B is to A: man king woman asks for queen."""
    found = _open(run).analogy(a, b, c, count, method=method)
    tell([{"word": near.word, "score": round(near.similarity, 4)} for near in found], to)


@words.command()
@_run
@click.argument("word", nargs=-1, required=True)
@_to
def odd(run: str, word: tuple[str, ...], to: str) -> None:
    """The WORD that does not belong to the others."""
    tell([{"odd": _open(run).odd_one_out(word)}], to)


@words.command("map")
@_run
@click.argument("word", nargs=-1)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The PNG to write.")
@click.option(
    "--method",
    type=click.Choice(["pca", "tsne"]),
    default="pca",
    show_default=True,
    help="Principal components, or t-SNE, which keeps neighbours together.",
)
@click.option("--neighbours", type=click.IntRange(0), default=0, show_default=True, help="So many of each word, too.")
@click.option("--most-frequent", type=click.IntRange(3), help="In place of WORDs: so many of the most frequent ones.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of t-SNE.")
def map_words(
    run: str,
    word: tuple[str, ...],
    out: Path,
    method: str,
    neighbours: int,
    most_frequent: int | None,
    seed: int,
) -> None:
    """Draw WORDs in the plane, with --neighbours in the colour of the word that they belong to."""
    from firstlight import plots
    from firstlight.systems.word_vectors_map import in_the_plane

    vectors = _open(run)
    asked = list(dict.fromkeys([*word, *vectors.vocabulary[: most_frequent or 0]]))
    groups: dict[str, int] = {known: number for number, known in enumerate(asked)} if neighbours else {}
    for number, known in enumerate(asked):
        for near in vectors.similar(known, neighbours) if neighbours else []:
            groups.setdefault(near.word, number)
    shown = list(groups) or asked
    places, how = in_the_plane(vectors.transform(shown), method, seed)
    title = f"{len(shown)} words of {Path(run).name}"
    plots.word_map(shown, places, out, title=title, note=how, groups=list(groups.values()) or None, chosen=word)
    click.echo(f"Written: {out}")


@words.command()
@_run
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["word2vec", "word2vec-binary", "glove"]),
    default="word2vec",
    show_default=True,
    help="A name that ends in .gz is compressed.",
)
def write(run: str, out: Path, form: str) -> None:
    """Write the vectors to OUT for other programs."""
    vectors = _open(run)
    vectors.write(out, form)
    click.echo(f"Written: {out}, {len(vectors.vocabulary):,} words")


@words.command()
@_run
@click.option("--similarity", type=click.Path(dir_okay=False), help="Lines of word, word, number, such as WordSim-353.")
@click.option("--analogies", type=click.Path(dir_okay=False), help="Lines of four words, such as questions-words.txt.")
@click.option("--to", type=click.Choice(["text", "json"]), default="text", show_default=True, help="The form.")
def evaluate(run: str, similarity: str | None, analogies: str | None, to: str) -> None:
    """Judge vectors by what people say: similar pairs (Spearman) and analogies, with how many could be asked.

    Of a run folder, the figures are kept in its metrics.json.
    """
    from firstlight.cli.words_reports import report

    report(_open(run), run, similarity, analogies, as_json=to == "json")


def _open(run: str) -> Any:
    from firstlight.systems.system import read_description
    from firstlight.systems.word_vectors_start import open_vectors

    if Path(run).is_dir() and not read_description(run)["class"].endswith(":WordVectors"):
        raise FirstlightError(
            f"Expected the run folder of word vectors. Received {run}, which holds {read_description(run)['class']}. "
            "Name another folder, or a file of vectors."
        )
    return open_vectors(run)
