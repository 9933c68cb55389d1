"""The layouts in which caption data sets come, in the order in which they are preferred.

To add one, write two functions, which files hold its captions and what rows they give, and add a line to `LAYOUTS`.
"""

from collections.abc import Iterator

from firstlight.data import caption_json, caption_texts
from firstlight.data.caption_fields import captions_in, image_in
from firstlight.data.caption_tables import TABLE_SUFFIXES, fields_of, is_metadata, read_table
from firstlight.data.contents import Contents, Row
from firstlight.data.layouts import Layout
from firstlight.data.splits import split_by_name, split_of_directory

__all__ = ["LAYOUTS"]


def _find_tables(contents: Contents) -> list[str]:
    found = [path for path in contents.documents_named(*TABLE_SUFFIXES) if fields_of(contents, path)]
    return _without_copies(contents, found)


def _without_copies(contents: Contents, paths: list[str]) -> list[str]:
    """The tables without those that say the same as one before: archives often hold their table twice."""
    kept: list[str] = []
    for path in paths:
        table = contents.once(path, read_table)
        same = [other for other in kept if contents.once(other, read_table) == table]
        if same and split_by_name(contents.relative(same[0])) == split_by_name(contents.relative(path)):
            contents.tell("note", f"the same table as {contents.relative(same[0])}; not read again", same[0])
        else:
            kept.append(path)
    return kept


def _find_kaggle(contents: Contents) -> list[str]:
    tables = [path for path in _find_tables(contents) if not is_metadata(path)]
    return [
        path
        for path in tables
        if [name.lower() for name in contents.once(path, read_table).names] == ["image", "caption"]
    ]


def _find_flickr30k(contents: Contents) -> list[str]:
    wanted = ["image_name", "comment_number", "comment"]
    tables = {path: contents.once(path, read_table) for path in _find_tables(contents)}
    return [path for path, table in tables.items() if table.names == wanted and table.delimiter == "|"]


def _find_imagefolder(contents: Contents) -> list[str]:
    metadata = [path for path in contents.documents_named(*TABLE_SUFFIXES) if is_metadata(path)]
    return [path for path in metadata if (fields := fields_of(contents, path)) and fields.image == "file_name"]


def _read_tables(contents: Contents, files: list[str]) -> Iterator[Row]:
    """The captions of tables; the split is a column, or in the name of the file or of a folder."""
    for path in files:
        fields = fields_of(contents, path)
        if fields is None:
            continue
        general = split_by_name(contents.relative(path))
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


LAYOUTS: dict[str, Layout[Row]] = {
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
