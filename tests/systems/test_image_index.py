"""Image search as a user has it: photos on disk that come, change, move and go; broken ones; words; copies."""

import inspect
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from firstlight import systems
from firstlight.data import ImageError, Split
from firstlight.errors import FirstlightError
from firstlight.systems import ImageIndex
from firstlight.systems.image_index_sources import Source
from firstlight.systems.image_index_words import WordIndex

ROOT = Path(__file__).resolve().parents[2]


class Colours:
    """An encoder: the mean colour of a picture, and a count of those it has seen."""

    size, name = (8, 8), "colours"

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, pictures: list[np.ndarray]) -> np.ndarray:
        self.seen += len(pictures)
        return np.stack([picture.mean((0, 1)) for picture in pictures])


def paint(path: Path, colour: tuple[int, int, int], size: tuple[int, int] = (12, 9), mode: str = "RGB") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).convert(mode).save(path)
    return path.as_posix()


COLOURS = {"red": (200, 10, 10), "rose": (200, 60, 60), "green": (10, 200, 10), "blue": (10, 10, 200)}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four photos in folders, of several sizes, and a text."""
    folder = tmp_path / "photos"
    for number, (name, colour) in enumerate(COLOURS.items()):
        paint(folder / ("sub" if number % 2 else "") / f"{name}.png", colour, (12 + number, 9))
    (folder / "notes.txt").write_text("no photo")
    return folder


@pytest.fixture
def encoder() -> Colours:
    return Colours()


@pytest.fixture
def index(photos: Path, encoder: Colours, tmp_path: Path) -> ImageIndex:
    made = ImageIndex(encoder)
    made.fit(photos, folder=tmp_path / "run")
    return made


def names(matches: Any) -> list[str]:
    return [Path(match.name).stem for match in matches]


def test_from_a_folder_to_what_is_alike(index: ImageIndex, photos: Path, encoder: Colours, tmp_path: Path) -> None:
    found = index.search(photos / "red.png", 3)
    assert (found[0].name, found[0].distance, found[0].rank) == ((photos / "red.png").as_posix(), 0.0, 1)
    assert names(found) == ["red", "rose", "green"]
    assert encoder.seen == 1 + 4, "one to know the encoder again, and one for each photo; none for the search"
    new = paint(tmp_path / "new.png", (190, 65, 70))
    assert names(index.search(new, 2)) == ["rose", "red"]
    assert names(index.search(np.full((5, 5, 3), (0, 0, 90), np.uint8), 1)) == ["blue"]
    assert names(index.search([photos / "red.png", photos / "sub" / "blue.png"], 9))[-1] == "green"
    opened = ImageIndex.load(tmp_path / "run", encoder=encoder)
    assert opened.search(new, 4) == index.search(new, 4)
    assert len(opened) == 4
    assert "4" in (tmp_path / "run" / "README.md").read_text()
    assert str(opened) == "ImageIndex(encoder=<" + repr(encoder)[1:] + ")"


def test_without_a_folder_it_goes_with_the_object_until_it_is_saved(photos: Path, tmp_path: Path) -> None:
    made = ImageIndex("pixels", image_size=4, distance="euclidean")
    made.fit(photos)
    place = made.folder
    made.save(tmp_path / "kept")
    expected = made.search(photos / "red.png")
    del made
    assert not place.exists()
    opened: Any = systems.load(tmp_path / "kept")
    assert opened.search(photos / "red.png") == expected
    assert opened.store.columns == 48
    with pytest.raises(FirstlightError, match="without a run"):
        opened.copy(tmp_path / "kept")


def test_the_same_command_again_encodes_nothing(index: ImageIndex, photos: Path, tmp_path: Path) -> None:
    again = Colours()
    update = ImageIndex(again).fit(photos, folder=tmp_path / "run")
    assert str(update) == "4 unchanged"
    assert again.seen == 1
    with pytest.raises(FirstlightError, match=r"distance \(cosine there, euclidean here\)"):
        ImageIndex(again, distance="euclidean").fit(photos, folder=tmp_path / "run")


def test_update_follows_files(index: ImageIndex, photos: Path, encoder: Colours) -> None:
    seen = encoder.seen
    paint(photos / "yellow.png", (200, 200, 10))
    paint(photos / "red.png", (100, 0, 100))
    (photos / "sub" / "blue.png").rename(photos / "azure.png")
    (photos / "green.png").unlink()
    shutil.copy(photos / "sub" / "rose.png", photos / "rose again.png")
    os.utime(photos / "sub" / "rose.png", (1, 1))
    update = index.update()
    told = (update.added, update.changed, update.moved, update.removed, update.unchanged)
    assert told == (2, 1, 1, 1, 1)
    assert encoder.seen == seen + 2, "what was moved or copied is known by its content"
    assert sorted(names(index.search(photos / "azure.png"))) == ["azure", "red", "rose", "rose again", "yellow"]
    assert names(index.search(np.full((9, 9, 3), (100, 0, 100), np.uint8), 1)) == ["red"]
    assert str(index.update()) == "5 unchanged"
    assert encoder.seen == seen + 3


def test_a_folder_that_is_not_there_removes_nothing(index: ImageIndex, photos: Path) -> None:
    photos.rename(photos.with_name("elsewhere"))
    with pytest.raises(FirstlightError, match="its disk is there"):
        index.update()
    photos.mkdir()
    with pytest.raises(FirstlightError, match="the index stays as it is"):
        index.update()
    assert len(index) == 4


def test_add_and_remove(index: ImageIndex, photos: Path, tmp_path: Path) -> None:
    extra = paint(tmp_path / "extra.png", (10, 200, 60))
    assert index.add([extra]).added == 1
    assert index.add([np.full((4, 4, 3), 255, np.uint8)], names=["white"]).added == 1
    assert names(index.search("white", 1)) == ["white"]
    assert index.remove([photos / "green.png", "white", "nothing"]) == 2
    assert index.update().unchanged == 4
    assert sorted(names(index.search(extra))) == ["blue", "extra", "red", "rose"]
    Path(extra).unlink()
    assert index.update().removed == 1
    assert index.add([photos / "green.png"]).added == 1, "asked for, it comes back"
    index.compact()
    assert sorted(names(index.search(photos / "green.png"))) == sorted(COLOURS)
    assert index.remove(list(index.store.known())) == 4
    assert index.search(np.zeros((4, 4, 3), np.uint8)) == []
    assert index.near_duplicates() == []


def test_broken_and_deleted_files_are_told_and_passed_over(index: ImageIndex, photos: Path, encoder: Colours) -> None:
    (photos / "broken.png").write_bytes(b"no picture")
    (photos / "empty.jpg").touch()
    update = index.update()
    assert sorted(Path(problem.file).name for problem in update.problems) == ["broken.png", "empty.jpg"]
    assert "Received 10 bytes" in str(update.problems[0])
    assert str(update.problems[0]).count("broken.png") == 1
    (photos / "red.png").unlink()
    assert names(index.search(photos / "red.png", 2)) == ["red", "rose"], "the index still knows it"
    (photos / "sub" / "rose.png").write_bytes(b"spoiled")
    update = index.update()
    assert [Path(problem.file).stem for problem in update.problems] == ["broken", "empty", "rose"]
    with pytest.raises(ImageError, match=r"nowhere\.png"):
        index.search(photos / "nowhere.png")


MODES = {"rgb.png": "RGB", "日本.png": "L", "a\nb.png": "RGBA", 'a,b".png': "P", "ink.tif": "CMYK", "ä.png": "1"}


def test_images_of_all_modes_and_names(tmp_path: Path, encoder: Colours) -> None:
    folder = tmp_path / "photos"
    for number, (name, mode) in enumerate(MODES.items()):
        paint(folder / name, (200, 50, 50), (5 + 40 * number, 7), mode)
    index = ImageIndex(encoder)
    assert index.fit(folder).added == 6
    assert len(index.search(folder / "rgb.png")) == 6


def test_one_image_and_none(tmp_path: Path, encoder: Colours) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for images, message in (
        (folder, "Expected images in"),
        (tmp_path / "nowhere", "does not exist"),
        ([], "Expected images"),
        ([np.zeros((3, 3, 3), np.uint8)], "names for images that are arrays"),
        (["a.png", "./a.png"], "twice"),
    ):
        with pytest.raises(FirstlightError, match=message):
            ImageIndex(encoder).fit(images, folder=tmp_path / "run")
        assert not (tmp_path / "run").exists()
    (folder / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(FirstlightError, match=r"Received 1, none readable. First: .*broken\.jpg"):
        ImageIndex(encoder).fit(folder)
    paint(folder / "one.png", (1, 2, 3))
    index = ImageIndex(encoder)
    index.fit(folder)
    assert names(index.search(np.zeros((3, 3, 3), np.uint8), 9)) == ["one"]
    assert index.near_duplicates() == []
    with pytest.raises(FirstlightError, match="Expected a fitted ImageIndex"):
        ImageIndex(encoder).search("one.png")


def test_another_encoder_is_known_by_what_it_sees(index: ImageIndex, tmp_path: Path) -> None:
    def reversed_colours(pictures: list[np.ndarray]) -> np.ndarray:
        return np.stack([picture.mean((0, 1))[::-1] for picture in pictures])

    def longer(pictures: list[np.ndarray]) -> np.ndarray:
        return np.ones((len(pictures), 7))

    for function in (reversed_colours, longer):
        with pytest.raises(FirstlightError, match="Expected the encoder that the index was built with, colours"):
            ImageIndex.load(tmp_path / "run", encoder=function)
    opened = ImageIndex.load(tmp_path / "run")
    assert names(opened.search(next(iter(opened.store.known())), 1)) == ["green"], "no encoder is needed"
    with pytest.raises(FirstlightError, match=r"Pass it: ImageIndex\.load"):
        opened.search(np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(FirstlightError, match=r"Expected vectors \(n, 3\)"):
        opened.search_vectors(np.zeros((1, 4)))
    with pytest.raises(FirstlightError, match="on which the vectors depend"):
        ImageIndex.load(tmp_path / "run", distance="euclidean")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda pictures: np.zeros(len(pictures)), "Expected vectors"),
        (lambda pictures: np.full((len(pictures), 3), np.nan), "not numbers"),
    ],
)
def test_a_function_that_gives_no_vectors(photos: Path, function: Any, message: str) -> None:
    with pytest.raises(FirstlightError, match=message):
        ImageIndex(function).fit(photos)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"distance": "cosinus"}, "Did you mean 'cosine'"),
        ({"engine": "fais"}, "Did you mean 'faiss'"),
        ({"structure": "hnsw"}, "Expected engine 'faiss' or 'postgres'"),
        ({"engine": "postgres", "structure": "ivf_pq"}, "flat or hnsw"),
        ({"whiten": -1}, "whiten of 0 or more"),
        ({"whiten": 9}, "Expected whiten from 1 to 3"),
        ({"whiten": 2, "whiten_by": "labels"}, "two classes or more"),
        ({"encoder": "mobilnet_v2"}, "Did you mean 'mobilenet_v2'"),
    ],
)
def test_settings_that_cannot_be(photos: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(FirstlightError, match=message):
        ImageIndex(**{"encoder": "pixels", **settings}).fit(photos)


def test_photos_in_a_zip(photos: Path, encoder: Colours, tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("red", "green"):
            archive.write(next(photos.rglob(f"{name}.png")), f"in/{name}.png")
    index = ImageIndex(encoder)
    index.fit(path)
    assert names(index.search(f"{path}/in/red.png")) == ["red", "green"]
    time.sleep(0.01)
    with zipfile.ZipFile(path, "a") as archive:
        archive.write(photos / "sub" / "blue.png", "in/blue.png")
    assert str(index.update()) == "1 added, 2 unchanged"


def test_the_engines_of_one_index_give_the_same(index: ImageIndex, photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("faiss")
    expected = index.search(photos / "red.png")
    for settings in ({"engine": "faiss"}, {"engine": "faiss", "structure": "hnsw"}):
        opened = ImageIndex.load(tmp_path / "run", **settings)
        assert opened.search(photos / "red.png") == expected
    copied = index.copy(tmp_path / "copy", engine="faiss")
    assert copied.search(photos / "red.png") == expected
    assert ImageIndex.load(tmp_path / "copy").engine == "faiss"


def test_near_duplicates_are_groups(tmp_path: Path, encoder: Colours) -> None:
    folder = tmp_path / "photos"
    for name, colour in (
        ("a", (200, 10, 10)),
        ("b", (200, 12, 10)),
        ("c", (200, 14, 10)),
        ("d", (10, 200, 10)),
        ("e", (10, 200, 10)),
        ("f", (10, 10, 200)),
    ):
        paint(folder / f"{name}.png", colour)
    index = ImageIndex(encoder, distance="euclidean")
    index.fit(folder)
    groups = index.near_duplicates(2.5)
    assert [[Path(name).stem for name in group.names] for group in groups] == [["a", "b", "c"], ["d", "e"]]
    assert groups[0].distances == [0.0, 2.0, 4.0], "linked by b"
    assert [len(group.names) for group in index.near_duplicates(0)] == [2]
    with pytest.raises(FirstlightError, match="threshold of 0 or more"):
        index.near_duplicates(-1)


def test_duplicates_over_blocks_are_those_of_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    from firstlight.systems import image_index_duplicates as module

    vectors = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)
    monkeypatch.setattr(module, "_BLOCK", 64)
    found = module._linked(vectors, 0.25, "euclidean")
    near = np.linalg.norm(vectors[:, None].astype(float) - vectors, axis=-1) <= 0.25
    reached = np.linalg.matrix_power(near.astype(float), 300) > 0
    assert found.tolist() == reached.argmax(axis=1).tolist()


def split(tmp_path: Path, **columns: Any) -> Split:
    images = [paint(tmp_path / "set" / f"{name}.png", colour) for name, colour in COLOURS.items()]
    return Split("train", {"names": list(COLOURS), "images": images, **columns})


def test_words_of_captions(tmp_path: Path, encoder: Colours) -> None:
    captions = [["A dog on a beach.", "a brown dog"], ["A dog in snow"], ["Two cats"], []]
    index = ImageIndex(encoder)
    index.fit(split(tmp_path, captions=captions), folder=tmp_path / "run")
    found = index.search_words("dog beach!")
    assert names(found) == ["red", "rose"]
    assert 0 < found[0].distance < found[1].distance < 1
    assert names(ImageIndex.load(tmp_path / "run").search_words("CATS")) == ["green"]
    with pytest.raises(FirstlightError, match="Did you mean 'beach'"):
        index.search_words("beech")
    index.remove([found[0].name])
    assert names(index.search_words("dog")) == ["rose"]

    class Painter:
        """Describes everything as paint."""

        def predict(self, images: list[np.ndarray], explain: bool) -> list[Any]:
            from firstlight.systems.captioner_describing import Caption

            return [Caption("", "some paint", 0.0, ()) for _ in images]

        caption = predict

    assert index.caption(Painter()) == 1
    assert names(index.search_words("paint")) == ["blue"]
    with pytest.raises(FirstlightError, match="run folder of a captioner"):
        index.caption(tmp_path / "run")


def test_the_score_of_words_is_bm25() -> None:
    index = WordIndex([("one", ["a b b"]), ("two", ["b c c c"]), ("three", ["c"])])
    (first, near), (second, far) = index.search("b", 5)
    weight = np.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    expected = {
        name: weight * times * 2.2 / (times + 1.2 * (0.25 + 0.75 * length / (8 / 3)))
        for name, times, length in (("one", 2, 3), ("two", 1, 4))
    }
    assert [first, second] == ["one", "two"]
    assert [1 - near, 1 - far] == pytest.approx([score / (weight * 2.2) for score in expected.values()])
    with pytest.raises(FirstlightError, match="images with captions"):
        WordIndex([("one", [])]).search("b", 1)


def test_it_is_judged_by_labels(tmp_path: Path, encoder: Colours) -> None:
    index = ImageIndex(encoder)
    train = split(tmp_path, labels=["warm", "warm", "cold", "cold"])
    index.fit(train)
    test = Split(
        "test",
        {
            "names": ["one", "two"],
            "images": [np.full((4, 4, 3), (220, 30, 30), np.uint8), paint(tmp_path / "x.png", (0, 0, 9))],
            "labels": ["warm", "cold"],
        },
    )
    found = index.evaluate(test)
    assert (found["queries"], found["images"], found["passed_over"]) == (2, 4, 0)
    assert found["precision@1"] == 1.0
    assert found["mean_average_precision"] == pytest.approx((1 + (1 + 2 / 3) / 2) / 2, abs=0.1)
    low, high = found["intervals"]["mean_average_precision"]
    assert low <= found["mean_average_precision"] <= high
    own = index.evaluate(train)
    assert own["precision@1"] == 0.5, "an image does not find itself: the blue and the green are no neighbours"
    with pytest.raises(FirstlightError, match="images with labels"):
        index.evaluate(Split("test", {"names": ["a"], "images": [np.zeros((3, 3, 3), np.uint8)]}))


def test_whitening_makes_every_axis_count_and_is_kept(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    spread = random.normal(size=(60, 4)) * [50, 5, 1, 1]
    seen: dict[int, np.ndarray] = {}

    def encoder(pictures: list[np.ndarray]) -> np.ndarray:
        return np.stack([seen.get(int(picture[0, 0, 0]), np.ones(4)) for picture in pictures])

    seen |= {number: spread[number] + 7 for number in range(60)}
    images = [np.full((2, 2, 3), number, np.uint8) for number in range(60)]
    settings: dict[str, Any] = {"distance": "euclidean", "whiten": 2}
    index = ImageIndex(encoder, **settings)
    index.fit(images, names=[str(number) for number in range(60)], folder=tmp_path / "run")
    vectors = index.store.vectors_of([str(number) for number in range(60)])
    assert vectors.shape == (60, 2)
    assert np.cov(vectors.T) == pytest.approx(np.eye(2), abs=0.1)
    again = ImageIndex.load(tmp_path / "run", encoder=encoder)
    assert again.vectors([images[5]]) == pytest.approx(vectors[[5]], abs=1e-5)


def test_whitening_by_labels_brings_classes_together(tmp_path: Path) -> None:
    from firstlight.systems.image_index_whitening import Whitening

    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 200)
    vectors = random.normal(size=(200, 6)) * [5, 1, 1, 1, 1, 1] + labels[:, None] * [0, 4, 0, 0, 0, 0]
    plain = Whitening.fit(vectors, 1)(vectors)[:, 0]
    learned = Whitening.fit(vectors, 1, [str(label) for label in labels])(vectors)[:, 0]

    def apart(values: np.ndarray) -> float:
        return float(abs(values[labels == 0].mean() - values[labels == 1].mean()) / values.std())

    assert apart(plain) < 0.3
    assert apart(learned) > 1.0


def test_every_setting_is_told_with_its_default() -> None:
    text = (ROOT / "docs" / "image_search.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(\w+)` \| ([^|]*?) \|", text.partition("## Settings")[2], re.MULTILINE))
    for parameter in inspect.signature(ImageIndex).parameters.values():
        default = "none" if parameter.default is None else str(parameter.default)
        assert told.pop(parameter.name).strip("`") == default, parameter.name
    assert not told


_BUILDER = """
import sys, time
import numpy as np
from firstlight.systems import ImageIndex
def slow(pictures):
    time.sleep(0.1)
    print(len(pictures), flush=True)
    return np.stack([picture.mean((0, 1)) for picture in pictures])
slow.size = (4, 4)
ImageIndex(slow).fit(sys.argv[1], folder=sys.argv[2])
"""


@pytest.mark.slow
def test_building_goes_on_after_the_process_was_killed(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for number in range(200):
        paint(tmp_path / "photos" / f"{number}.png", tuple(random.integers(0, 255, 3).tolist()), (3, 3))
    command = [sys.executable, "-c", _BUILDER, str(tmp_path / "photos"), str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        for _ in range(4):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    rows = json.loads((tmp_path / "run" / "manifest.json").read_text())["rows"]
    assert 0 < rows < 200
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    encoded = sum(map(int, done.stdout.split()))
    assert encoded == 1 + 200 - rows, "the rest, and one picture to know the encoder again"
    whole = ImageIndex.load(tmp_path / "run")
    assert len(whole) == 200


def test_a_source_is_a_data_set_where_it_is_told_so(tmp_path: Path, encoder: Colours) -> None:
    for part, name in (("train", "red"), ("train", "blue"), ("test", "green")):
        paint(tmp_path / "set" / part / name / "1.png", COLOURS[name])
    index = ImageIndex(encoder)
    index.fit(Source((tmp_path / "set").as_posix(), "labels", "train"))
    assert [entry.label for entry in index.store.known().values()] == ["blue", "red"]
    paint(tmp_path / "set" / "train" / "red" / "2.png", (190, 0, 0))
    assert str(index.update()) == "1 added, 2 unchanged"
