"""METEOR and SPICE by their authors' own Java programs, as the package pycocoevalcap ships them.

Both are optional: without Java or without the package there is an error that says what to install, never an imitation.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from firstlight.errors import FirstlightError
from firstlight.metrics.inputs import Tokens

__all__ = ["meteor_program", "meteor_scores", "spice_program"]

Floats = npt.NDArray[np.float64]


def meteor_program(
    candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]]
) -> tuple[Floats, Floats, float]:
    """METEOR 1.5: what it counts in each caption (images, 23), the score of each (images,), and that of the whole set.

    The counts of several captions add up to those of a set.
    """
    with _Meteor() as program:
        lines = [
            program.ask(" ||| ".join(["SCORE", *map(_text, captions), _text(candidate)]))[0]
            for candidate, captions in zip(candidates, references, strict=True)
        ]
        scores = program.scores(lines)
    return _addable(np.array([line.split() for line in lines], np.float64)), scores[:-1], float(scores[-1])


def meteor_scores(statistics: Floats) -> Floats:
    """METEOR 1.5 (...) from such counts (..., 23), by the same program."""
    rows = statistics.reshape(-1, statistics.shape[-1]).tolist()
    with _Meteor() as program:
        scores = program.scores([" ".join(map(str, row)) for row in rows])
    return scores[:-1].reshape(statistics.shape[:-1])


def _addable(statistics: Floats) -> Floats:
    """The counts without the single chunk of each caption that matches a reference whole: METEOR adds them up so."""
    length, reference_length, chunks, matched, reference_matched = statistics[:, [0, 1, 20, 21, 22]].T
    whole = (chunks == 1) & (matched == length) & (reference_matched == reference_length)
    statistics[whole, 20] = 0
    return statistics


def spice_program(candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]]) -> Floats:
    """SPICE (the F-score over all tuples) of each caption (images,), by spice-1.0.jar."""
    folder = _package("SPICE") / "spice"
    if not list((folder / "lib").glob("stanford-corenlp-*-models.jar")):
        raise FirstlightError(
            f"Expected Stanford's parser, which SPICE needs, in {folder / 'lib'}. Received a folder without it. "
            "Fetch it once with: python -m pycocoevalcap.spice.get_stanford_models"
        )
    captions = [
        {"image_id": image, "test": _text(candidate), "refs": [_text(caption) for caption in captions]}
        for image, (candidate, captions) in enumerate(zip(candidates, references, strict=True))
    ]
    with tempfile.TemporaryDirectory() as temporary:
        asked, answered = Path(temporary, "captions.json"), Path(temporary, "scores.json")
        asked.write_text(json.dumps(captions), encoding="utf-8")
        command = ["java", "-Xmx8G", "-jar", "spice-1.0.jar", str(asked), "-out", str(answered), "-subset", "-silent"]
        done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", errors="replace", check=False)
        if done.returncode:
            raise _failed("SPICE", done.returncode, done.stderr)
        answers = json.loads(answered.read_text(encoding="utf-8"))
    by_image = {answer["image_id"]: answer["scores"]["All"]["f"] for answer in answers}
    return np.array([by_image[image] for image in range(len(captions))], np.float64)


class _Meteor:
    """The running program, which takes some seconds to start and then answers line by line."""

    def __enter__(self) -> "_Meteor":
        folder = _package("METEOR") / "meteor"
        command = ["java", "-Xmx2G", "-jar", "meteor-1.5.jar", "-", "-", "-stdio", "-l", "en", "-norm"]
        self._complaints = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            encoding="utf-8",
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        with suppress(BrokenPipeError):  # what a program that has ended can no longer read
            self._process.communicate()
        self._complaints.close()

    def ask(self, line: str, answers: int = 1) -> list[str]:
        """The lines with which the program answers one line."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("METEOR was started without pipes.")
        with suppress(BrokenPipeError):  # then there is no answer either
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        answered = [self._process.stdout.readline().strip() for _ in range(answers)]
        if not answered[-1]:
            self._complaints.seek(0)
            raise _failed("METEOR", self._process.wait(), self._complaints.read())
        return answered

    def scores(self, statistics: list[str]) -> Floats:
        """The score of each line of counts, and as the last one that of their sum (lines + 1,)."""
        return np.array(self.ask(" ||| ".join(["EVAL", *statistics]), len(statistics) + 1), np.float64)


def _package(metric: str) -> Path:
    """The folder of pycocoevalcap, once it is sure that Java is there too."""
    found = find_spec("pycocoevalcap")
    if found is None or not found.submodule_search_locations:
        raise FirstlightError(
            f"Expected the package pycocoevalcap, which holds the Java program of {metric}. Received none. "
            'Install it with: pip install "firstlight[java]"'
        )
    if shutil.which("java") is None:
        raise FirstlightError(
            f"Expected Java, which {metric} runs on. Received no command `java`. Install a Java runtime (8 or later) "
            'beside pip install "firstlight[java]", or leave the metric out.'
        )
    return Path(next(iter(found.submodule_search_locations)))


def _text(tokens: Tokens) -> str:
    return " ".join(" ".join(map(str, tokens)).replace("|||", "").split())  # one line, free of the separator


def _failed(metric: str, status: int, complaints: str) -> FirstlightError:
    last = (complaints.strip().splitlines() or ["no message"])[-1]
    return FirstlightError(
        f"Expected the Java program of {metric} to run. Received exit status {status}: {last} "
        "Check `java -version`, or leave the metric out."
    )
