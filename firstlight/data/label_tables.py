"""Labels in tables: CSV, TSV, JSON lines and Parquet with names of images and a label for each.

Usual names of columns are known, as for captions; where there is just one column beside the image, it is the label.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from firstlight.data.caption_fields import choose_image, choose_label, choose_split, image_in, no_images
from firstlight.data.caption_tables import TABLE_SUFFIXES, is_metadata, open_table, read_table
from firstlight.data.contents import Contents, LabelledImage
from firstlight.data.references import resolve
from firstlight.data.splits import split_by_name, split_of_directory, standard_split

__all__ = ["find_imagefolder", "find_tables", "read_tables"]


class _Fields(NamedTuple):
    """The columns of a table: of its images, of their labels, and of the split if there is one."""

    image: str
    label: str
    split: str | None


class _Row(NamedTuple):
    """A line of a table: what it calls the image, its label, what it says of the split, and where it stands."""

    image: str
    label: str
    split: str | None
    file: str
    line: int


def find_tables(contents: Contents) -> list[str]:
    """The tables with a column of images and one of labels."""
    return [path for path in contents.documents_named(*TABLE_SUFFIXES) if contents.once(path, _fields)]


def find_imagefolder(contents: Contents) -> list[str]:
    """The tables called `metadata` with a column `file_name` and one of labels, as Hugging Face has them."""
    found = [path for path in find_tables(contents) if is_metadata(path)]
    return [path for path in found if (fields := contents.once(path, _fields)) and fields.image == "file_name"]


def read_tables(contents: Contents, files: list[str]) -> Iterator[LabelledImage]:
    """The images of tables with their labels; what is missing, empty, or said twice is told."""
    rows = [row for path in files for row in _rows(contents, path)]
    places, mentioned = resolve(contents, [(row.image, row.file, row.line) for row in rows])
    first: dict[str, _Row] = {}
    absent: dict[str, _Row] = {}
    for row in rows:
        path = places[row.image, row.file]
        if path is None:
            absent.setdefault(row.image, row)
        elif path in first:
            _tell_second(contents, row, first[path])
        elif _is_usable(contents, row):
            first[path] = row
            split = None if row.split is None else standard_split(row.split)
            yield LabelledImage(path, row.label, split, row.file, row.line)
    for name, row in absent.items():
        contents.tell("missing image", f"{name} is not there", row.file, row.line)
    for image in contents.images.paths:
        if image not in mentioned:
            contents.tell("image without label", f"{contents.relative(image)} has no label", image)


def _fields(contents: Contents, path: str) -> _Fields | None:
    """The columns of a table; None, with the reason noted, where it holds no images with labels."""
    table = open_table(contents, path, "labels")
    if table is None:
        return None
    names, samples, leads_to_image = table
    image = choose_image(names, samples, leads_to_image)
    if image is None:
        contents.reject(path, no_images(names, samples))
        return None
    others = [name for name in names if name != image]
    split = choose_split(others)
    label = choose_label([name for name in others if name != split], samples)
    if label is None:
        contents.reject(path, f"no field holds labels (fields: {', '.join(names)}); call one of them label")
        return None
    return _Fields(image, label, split)


def _rows(contents: Contents, path: str) -> Iterator[_Row]:
    fields = contents.once(path, _fields)
    if fields is None:
        return
    general = split_by_name(contents.relative(path))
    for line, record in contents.once(path, read_table).records:
        image = image_in(record.get(fields.image))
        if not image:
            contents.tell("malformed line", "no name of an image", path, line)
            continue
        split = _text(record.get(fields.split)) or None if fields.split else general or split_of_directory(image)
        yield _Row(image, _text(record.get(fields.label)), split, path, line)


def _text(value: Any) -> str:
    """A cell as text: 3.0 as "3", which is what is left of whole numbers beside empty cells; nothing as ""."""
    if value is None or isinstance(value, Mapping | list | bytes) or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _tell_second(contents: Contents, row: _Row, first: _Row) -> None:
    """Tell a row of an image that another row has used, by what is wrong with it."""
    if row.split != first.split:
        message = f"{row.image} is in {row.split or 'no split'} here and stays in {first.split or 'no split'}"
        contents.tell("image in several splits", message, row.file, row.line)
    elif row.label != first.label:
        message = f"{row.image} is called {row.label!r} here and stays {first.label!r}"
        contents.tell("image with several labels", message, row.file, row.line)
    else:
        contents.tell("duplicate row", f"{row.image} has this label already: {row.label}", row.file, row.line)


def _is_usable(contents: Contents, row: _Row) -> bool:
    if row.split is not None and standard_split(row.split) is None:
        message = f"{row.image} is in split {row.split!r}, which is not known"
        contents.tell("unknown split", message, row.file, row.line)
        return False
    if not row.label:
        contents.tell("image without label", f"{row.image} has no label", row.file, row.line)
        return False
    return True
