"""The layouts in which caption data sets come, in the order in which they are preferred.

A layout is a name, one line on what it looks like, and two functions: which files hold its captions, and what rows
they give. To add one, write the two functions and add a line to `LAYOUTS`.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from firstlight.data import caption_json, caption_texts
from firstlight.data.caption_fields import captions_in, image_in
from firstlight.data.caption_tables import TABLE_SUFFIXES, fields_of, read_table
from firstlight.data.contents import Contents, Row
from firstlight.data.splits import split_of_directory, split_of_file
from firstlight.errors import FirstlightError, nearest

__all__ = ["LAYOUTS", "Layout", "recognise"]


@dataclass(frozen=True)
class Layout:
    """A way to lay out images and captions: how it looks, how to find it, how to read it."""

    name: str
    looks_like: str
    find: Callable[[Contents], list[str]]
    read: Callable[[Contents, list[str]], Iterator[Row]]


def _find_tables(contents: Contents) -> list[str]:
    found = [path for path in contents.documents_named(*TABLE_SUFFIXES) if fields_of(contents, path)]
    return _without_copies(contents, found)


def _without_copies(contents: Contents, paths: list[str]) -> list[str]:
    """The tables without those that say the same as one before: archives often hold their table twice."""
    kept: list[str] = []
    for path in paths:
        table = contents.once(path, read_table)
        same = [other for other in kept if contents.once(other, read_table) == table]
        if same and _split_by_name(contents, same[0]) == _split_by_name(contents, path):
            contents.tell("note", f"the same table as {contents.relative(same[0])}; not read again", same[0])
        else:
            kept.append(path)
    return kept


def _split_by_name(contents: Contents, path: str) -> str | None:
    return split_of_file(path) or split_of_directory(contents.relative(path))


def _find_kaggle(contents: Contents) -> list[str]:
    tables = [path for path in _find_tables(contents) if not _is_metadata(path)]
    return [
        path
        for path in tables
        if [name.lower() for name in contents.once(path, read_table).names] == ["image", "caption"]
    ]


def _find_flickr30k(contents: Contents) -> list[str]:
    wanted = ["image_name", "comment_number", "comment"]
    tables = {path: contents.once(path, read_table) for path in _find_tables(contents)}
    return [path for path, table in tables.items() if table.names == wanted and table.delimiter == "|"]


def _is_metadata(path: str) -> bool:
    return os.path.splitext(os.path.basename(path))[0].lower() == "metadata"


def _find_imagefolder(contents: Contents) -> list[str]:
    metadata = [path for path in contents.documents_named(*TABLE_SUFFIXES) if _is_metadata(path)]
    return [path for path in metadata if (fields := fields_of(contents, path)) and fields.image == "file_name"]


def _read_tables(contents: Contents, files: list[str]) -> Iterator[Row]:
    """The captions of tables; the split is a column, or in the name of the file or of a folder."""
    for path in files:
        fields = fields_of(contents, path)
        if fields is None:
            continue
        general = _split_by_name(contents, path)
        for line, record in contents.once(path, read_table).records:
            image = image_in(record.get(fields.image))
            captions = [caption for name in fields.captions for caption in captions_in(record.get(name))]
            # Of several columns for captions some may be empty; one column that is empty is told.
            captions = [caption for caption in captions if caption.strip()] or [""]
            split = (
                str(record.get(fields.split) or "") or None if fields.split else general or split_of_directory(image)
            )
            if not image:
                contents.tell("malformed line", "no name of an image", path, line)
                continue
            for caption in captions:
                yield Row(image, caption, split, path, line)


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout(
            "karpathy",
            "dataset_*.json: images with filename, split and sentences",
            caption_json.find_karpathy,
            caption_json.read_karpathy,
        ),
        Layout(
            "flickr8k",
            "*.token.txt of lines `beach.jpg#0<TAB>A caption .`, and *trainImages.txt, *devImages.txt, *testImages.txt",
            caption_texts.find_flickr8k,
            caption_texts.read_flickr8k,
        ),
        Layout(
            "coco",
            "captions_train*.json, captions_val*.json: images (id, file_name) and annotations (image_id, caption)",
            caption_json.find_coco,
            caption_json.read_coco,
        ),
        Layout("flickr30k", "a table `image_name| comment_number| comment`", _find_flickr30k, _read_tables),
        Layout("kaggle", "a table `image,caption`, for example captions.txt", _find_kaggle, _read_tables),
        Layout(
            "imagefolder",
            "metadata.csv, .jsonl or .parquet with a column file_name, in the folder or in train/, validation/, test/",
            _find_imagefolder,
            _read_tables,
        ),
        Layout(
            "webdataset",
            "tars with 0001.jpg beside 0001.txt, 0001.caption or 0001.json",
            caption_texts.find_webdataset,
            caption_texts.read_webdataset,
        ),
        Layout(
            "json",
            'a list of records such as {"image": "beach.jpg", "captions": ["A caption."]}',
            caption_json.find_records,
            caption_json.read_records,
        ),
        Layout(
            "table",
            "a CSV, TSV, JSON lines or Parquet table with names of images and one or several columns of captions",
            _find_tables,
            _read_tables,
        ),
        Layout(
            "sidecar",
            "beach.jpg beside beach.txt, one caption a line",
            caption_texts.find_sidecar,
            caption_texts.read_sidecar,
        ),
    )
}


def recognise(contents: Contents, name: str | None = None) -> tuple[Layout, list[str]]:
    """The layout of what was found, or the one asked for, and the files with its captions.

    The first in the order of `LAYOUTS` is taken; where others match other files, that is told. Raises FirstlightError
    where none matches.
    """
    if name is not None and name not in LAYOUTS:
        raise FirstlightError(f"Unknown layout {name!r}. Known are: {', '.join(LAYOUTS)}.{nearest(name, LAYOUTS)}")
    wanted = [LAYOUTS[name]] if name else list(LAYOUTS.values())
    matches = [(layout, files) for layout in wanted if (files := _find(layout, contents))]
    if not matches:
        raise FirstlightError(_nothing_recognised(contents, wanted))
    layout, files = matches[0]
    # Reading what turned out to be something else may have told of lines that nobody meant as captions.
    contents.problems = [problem for problem in contents.problems if problem.file in files]
    _tell_others(contents, layout, files, matches[1:])
    return layout, files


def _find(layout: Layout, contents: Contents) -> list[str]:
    found = layout.find(contents)
    return [path for path in found if path in contents.documents] if contents.restricted else found


def _tell_others(contents: Contents, chosen: Layout, files: list[str], others: list[tuple[Layout, list[str]]]) -> None:
    taken = set(files)
    for layout, found in others:
        unused = [path for path in found if path not in taken]
        # Every tar with texts is also a set of sidecars; only files that nothing has claimed are worth a word.
        if unused and not all(any(path.startswith(f"{tar}/") for tar in taken) for path in unused):
            more = f" and {len(unused) - 1} more" if len(unused) > 1 else ""
            contents.tell(
                "note",
                f"read as {chosen.name}; {contents.relative(unused[0])}{more} would match {layout.name} "
                f"(choose with layout={layout.name!r})",
                files[0],
            )
            taken.update(unused)


def _nothing_recognised(contents: Contents, wanted: list[Layout]) -> str:
    """What was expected, what is there, why each document was turned down, and what to do."""
    counts: dict[str, int] = {}
    for path in contents.files:
        ending = os.path.splitext(path)[1].lower() or "(no ending)"
        counts[ending] = counts.get(ending, 0) + 1
    found = ", ".join(f"{number} {ending}" for ending, number in sorted(counts.items(), key=lambda item: -item[1])[:8])
    reasons = [f"  {contents.relative(path)}: {reason}" for path, reason in list(contents.rejected.items())[:8]]
    layouts = [f"  {layout.name}: {layout.looks_like}" for layout in wanted]
    return "\n".join(
        [
            f"Expected images with captions in {contents.root}. "
            f"Received {found or 'no files'}; no known layout matches.",
            *(["Not used:", *reasons] if reasons else []),
            "Arrange the captions in one of these layouts:"
            if len(wanted) > 1
            else "The layout asked for looks like this:",
            *layouts,
        ]
    )
