"""One caption, step by step: the networks of a captioner that Keras trained, opened and run by the engine alone.

The words are sought greedily: each is the likeliest after those before it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from firstlight import engine
from firstlight.data.images import read
from firstlight.data.vocabulary import END, PAD, START, UNKNOWN, Vocabulary
from firstlight.engine.trace import Trace, trace
from firstlight.engine.trace_page import Chapter
from firstlight.errors import FirstlightError

__all__ = ["Said", "chapters", "trace_caption"]

_RIVALS = 8  # words that are shown beside the one that is said
_NEVER = [PAD, UNKNOWN, START]


@dataclass(frozen=True)
class Said:
    """A word: its probability, the likeliest ones there, where was looked (rows, columns) if anywhere, and how."""

    word: str
    probability: float
    rivals: dict[str, float]
    attention: np.ndarray | None
    steps: Trace


def trace_caption(run: Path, image: str) -> tuple[np.ndarray, Trace, Trace, list[Said]]:
    """The picture as the network sees it, the traces of encoder and bridge, and the words until the end.

    Raises:
        FirstlightError: the folder holds no captioner; ImageError: the image cannot be read.
    """
    limit = _settings(run)["maximum_length"]
    encoder, bridge, decoder = (engine.load(run / f"{name}.keras") for name in ("backbone", "bridge", "decoder"))
    vocabulary = Vocabulary.load(run / "vocabulary.txt")
    height, width = encoder.inputs[0].shape[1:3]
    picture = read(image, (height, width))
    seen = trace(encoder, picture[None].astype("float32"), gradients=False)
    grid = seen.root.output
    crossed = trace(bridge, {"grid": grid}, gradients=False)
    words = _words(decoder, crossed.outputs, vocabulary, limit, grid.shape[1:3])
    return picture, seen, crossed, list(words)


def _settings(run: Path) -> dict[str, Any]:
    path = run / "system.json"
    if not path.is_file():
        raise FirstlightError(
            f"Expected a .keras file or the run folder of a captioner. Received {run}, which has no system.json."
        )
    described = json.loads(path.read_text(encoding="utf-8"))
    if not str(described.get("class", "")).endswith(":Captioner"):
        raise FirstlightError(
            f"Expected the run folder of a captioner. Received {run}, which holds {described.get('class')!r}. "
            "Name one of its .keras files and an input."
        )
    settings: dict[str, Any] = described["settings"]
    return settings


def _words(
    decoder: Any, first: dict[str, np.ndarray], vocabulary: Vocabulary, limit: int, regions: Any
) -> Iterator[Said]:
    """Word after word: an output named `state_*` is the next step's input of that name, `past_*` is added to it."""
    inputs = {symbol.node.layer.name: symbol for symbol in decoder.inputs}
    known: dict[str, Any] = dict(first)
    for name, symbol in inputs.items():
        if name.startswith("past_"):
            known[name] = np.zeros((1, 0, symbol.shape[-1]), "float32")
    word = START
    for position in range(limit + 1):
        known["words"] = np.array([[word]], "int32")
        if "position" in inputs:
            known["position"] = np.array([[position]], "int32")
            known["mask"] = np.ones((1, 1, position + 1), bool)
        # Padding, the unknown word and the start are never said, and nothing but the end when it is long enough.
        seen = trace(decoder, {name: known[name] for name in inputs}, gradients=False)
        logits = seen.outputs["logits"][0, -1].astype("float64")
        shares = np.exp(logits - logits.max())
        shares /= shares.sum()
        allowed = shares.copy()
        allowed[_NEVER] = -1
        if position == 0:
            allowed[END] = -1
        word = END if position == limit else int(np.argmax(allowed))
        seen.differentiate(("logits", 0, 0, word))
        best = np.argsort(-shares)[:_RIVALS]
        looked = seen.outputs.get("attention")
        yield Said(
            vocabulary.word(word),
            float(shares[word]),
            {vocabulary.word(int(each)): float(shares[each]) for each in best},
            None if looked is None else looked.reshape(-1, *regions).mean(0),
            seen,
        )
        if word == END:
            return
        for name in inputs:
            if name.startswith("state_"):
                known[name] = seen.outputs[name]
            elif name.startswith("past_"):
                known[name] = np.concatenate([known[name], seen.outputs[name]], 1)


def chapters(picture: np.ndarray, seen: Trace, crossed: Trace, words: list[Said]) -> list[Chapter]:
    """The page of a caption: what the encoder sees, what the decoder begins with, and each word."""
    first = Chapter(
        "The picture",
        seen,
        "The encoder turns pixels into a grid of features: each place of it tells what is to be seen there.",
        [("what goes in", picture), ("how strongly each place of the grid speaks", _strength(seen.root.output[0]))],
    )
    second = Chapter("From picture to words", crossed, "The bridge makes of the grid what the decoder begins with.")
    found = [first, second]
    told: list[str] = []
    for number, said in enumerate(words, 1):
        before = f"After “{' '.join(told)}”" if told else "At the start"
        text = f"{before} the network gives “{said.word}” {said.probability:.1%}."
        looks = [] if said.attention is None else [("where it looked", _looked(picture, said.attention))]
        found.append(Chapter(f"{number}. {said.word}", said.steps, text, looks, said.rivals))
        told.append(said.word)
    return found


def _strength(grid: np.ndarray) -> np.ndarray:
    from firstlight.engine.picture import shaded

    return shaded(np.sqrt((grid.astype("float64") ** 2).mean(-1)))


def _looked(picture: np.ndarray, attention: np.ndarray) -> np.ndarray:
    """The picture, the lighter the more a place was looked at."""
    share = Image.fromarray((attention / (attention.max() or 1)).astype("float32"))
    light = np.asarray(share.resize(picture.shape[1::-1], Image.Resampling.BICUBIC)).clip(0, 1)[..., None]
    return (picture * (0.25 + 0.75 * light)).astype(np.uint8)
