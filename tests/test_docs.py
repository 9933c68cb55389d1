"""The documents are true: links lead somewhere, the example of a layout is read as it, every setting is told."""

import inspect
import re
from pathlib import Path

import pytest
from PIL import Image

from firstlight import data
from firstlight.data.caption_layouts import LAYOUTS
from firstlight.data.frame_columns import Categories
from firstlight.data.label_layouts import LAYOUTS as LABEL_LAYOUTS

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
DATA = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
NOT_TEXT = {"webdataset", "idx", "cifar", "numpy"}  # layouts of binary files, which an example can only sketch


def chapters(text: str) -> dict[str, str]:
    """The text under each heading of the second level, with the headings below it."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def sections(text: str) -> dict[str, str]:
    """The text under each heading of the third level."""
    parts = re.split(r"^### (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


CAPTIONS = sections(chapters(DATA)["Layouts of captions"])
LABELS = sections(chapters(DATA)["Layouts of labels"])


def lay_out(text: str, folder: Path) -> None:
    """Write the files that a section shows, and an image for each name that they mention."""
    blocks = re.findall(r"^```\w+ (\S+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    listed = re.findall(r"^```files\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert blocks or listed
    for place, content in blocks:
        file = folder / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        for name in {"a.jpg", "b.jpg", *re.findall(r"\b[a-z]\.jpg", content)}:
            Image.new("RGB", (8, 8)).save(file.parent / name)
    for place in "".join(listed).split():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(folder / place)


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        place, _, heading = link.partition("#")
        target = (page.parent / place) if place else page
        assert target.exists(), link
        headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE) if heading else []
        assert not heading or heading in {found.lower().replace(" ", "-") for found in headings}, link


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name not in NOT_TEXT])
def test_the_example_of_each_layout_is_read_as_that_layout(layout: str, tmp_path: Path) -> None:
    lay_out(CAPTIONS[layout], tmp_path)
    found = data.load(tmp_path)
    assert found.layout == layout
    assert [problem for problem in found.problems if problem.kind != "note"] == []
    captions = [caption for split in found.splits.values() for texts in split.captions for caption in texts]
    assert len(captions) >= 3
    assert all(caption.startswith(("A ", "Two ")) for caption in captions)


@pytest.mark.parametrize("layout", [name for name in LABEL_LAYOUTS if name not in NOT_TEXT])
def test_the_example_of_each_layout_of_labels_is_read_as_that_layout(layout: str, tmp_path: Path) -> None:
    lay_out(LABELS[layout], tmp_path)
    found = data.load(tmp_path)
    assert found.layout == layout
    assert [problem for problem in found.problems if problem.kind != "note"] == []
    assert found.classes == ["cat", "dog"]
    assert sum(map(len, found.splits.values())) == 3


def test_layouts_stand_in_the_order_in_which_they_are_preferred() -> None:
    assert list(CAPTIONS) == list(LAYOUTS)
    assert list(LABELS) == list(LABEL_LAYOUTS)


def test_the_example_of_a_table_is_read_as_it_is_told(tmp_path: Path) -> None:
    lay_out(chapters(DATA)["Tables"], tmp_path)
    table = data.load(tmp_path / "measured.csv", task="table")
    assert (table.target, table.features, table.problems) == ("class", ["height", "colour"], [])
    colour = table["colour"]
    assert isinstance(colour, Categories)
    assert colour.texts == ["red", None, "blue"]


def test_the_licence_of_every_data_set_is_told() -> None:
    assert set(re.findall(r"^\| (\w+) \|", chapters(DATA)["Licences"], re.MULTILINE)) - {"name"} == set(data.CATALOGUE)


@pytest.mark.parametrize(
    ("page", "system"),
    [
        ("autoencoder", "Autoencoder"),
        ("captioner", "Captioner"),
        ("classifier", "ImageClassifier"),
        ("gan", "GAN"),
        ("word_vectors", "WordVectors"),
    ],
)
def test_every_setting_of_a_system_is_told_with_its_default(page: str, system: str) -> None:
    from firstlight import systems

    kind = getattr(systems, system)
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    told: dict[str, str] = {}
    for name, default in re.findall(r"^\| `(\w+)` \| ([^|]*?) \|", text, re.MULTILINE):
        told.setdefault(name, default)
    hidden = {"self", "train", "validation_data", "folder", "data", "progress"}
    for function in (kind.__init__, kind.fit):
        for parameter in inspect.signature(function).parameters.values():
            if parameter.name not in hidden:
                default = "none" if parameter.default is None else str(parameter.default)
                assert told.get(parameter.name, "").replace("`", "") == default, parameter.name
