"""Layouts whose captions stand in JSON: COCO's annotations, Karpathy's splits, and lists of records.

JSON has no lines worth naming, so a problem names the record by its number or by its id.
"""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from firstlight.data.caption_fields import Fields, captions_in, choose_fields, image_in
from firstlight.data.caption_tables import leads_to_image
from firstlight.data.contents import Contents, Row
from firstlight.data.splits import split_of_directory, split_of_file

__all__ = ["find_coco", "find_karpathy", "find_records", "read_coco", "read_karpathy", "read_records"]

# COCO's other annotations are large, and their names say that they hold no captions.
_NO_CAPTIONS = re.compile(r"(instances|person_keypoints|panoptic|stuff|image_info)_", re.IGNORECASE)
_SAMPLES = 50


def _json_files(contents: Contents) -> list[str]:
    return [path for path in contents.documents_named(".json") if not _NO_CAPTIONS.match(os.path.basename(path))]


def _is_list_of_records(value: Any, *keys: str) -> bool:
    return (
        isinstance(value, list) and bool(value) and isinstance(value[0], dict) and all(key in value[0] for key in keys)
    )


def find_coco(contents: Contents) -> list[str]:
    """JSON files with `images` of `id` and `file_name` and `annotations` of `image_id` and `caption`."""
    return [path for path in _json_files(contents) if _is_coco(contents.json(path))]


def _is_coco(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and _is_list_of_records(value.get("images"), "id", "file_name")
        and _is_list_of_records(value.get("annotations"), "image_id", "caption")
    )


def read_coco(contents: Contents, files: list[str]) -> Iterator[Row]:
    """The annotations; the split is in the name of the file, as in `captions_val2014.json`."""
    for path in files:
        value = contents.json(path)
        split = split_of_file(path) or split_of_directory(contents.relative(path))
        names = {image.get("id"): image.get("file_name") for image in value["images"]}
        for number, annotation in enumerate(value["annotations"], 1):
            name, caption = names.get(annotation.get("image_id")), annotation.get("caption")
            if not isinstance(name, str) or not isinstance(caption, str):
                contents.tell("malformed line", f"annotation {number} has no caption or no known image_id", path)
            else:
                yield Row(name, caption, split, path, None, str(annotation.get("id", "")))


def find_karpathy(contents: Contents) -> list[str]:
    """JSON files with `images` of `filename`, `split` and `sentences`, such as `dataset_coco.json`."""
    return [path for path in _json_files(contents) if _is_karpathy(contents.json(path))]


def _is_karpathy(value: Any) -> bool:
    return isinstance(value, dict) and _is_list_of_records(value.get("images"), "filename", "split", "sentences")


def read_karpathy(contents: Contents, files: list[str]) -> Iterator[Row]:
    """The sentences as they were written; `filepath` is the folder; `restval` is trained on."""
    for path in files:
        for number, image in enumerate(contents.json(path)["images"], 1):
            name, sentences = image.get("filename"), image.get("sentences")
            if not isinstance(name, str) or not isinstance(sentences, list):
                contents.tell("malformed line", f"image {number} has no filename or no sentences", path)
                continue
            reference = f"{image['filepath']}/{name}" if image.get("filepath") else name
            for index, sentence in enumerate(sentences):
                caption = sentence.get("raw") or " ".join(sentence.get("tokens", []))
                yield Row(reference, caption, image.get("split"), path, None, str(sentence.get("sentid", index)))


def find_records(contents: Contents) -> list[str]:
    """JSON files with a list of records, whatever their keys, or with captions by name of image."""
    return [path for path in _json_files(contents) if _record_fields(contents, path)]


def _record_fields(contents: Contents, path: str) -> Fields | None:
    records = contents.once(path, _records)
    if not records:
        contents.reject(path, "no list of records with images and captions")
        return None
    names = list(dict.fromkeys(name for record in records[:_SAMPLES] for name in record))
    fields = choose_fields(names, records[:_SAMPLES], lambda value: leads_to_image(contents, path, value))
    if isinstance(fields, str):
        contents.reject(path, fields)
        return None
    return fields


def _records(contents: Contents, path: str) -> list[Mapping[str, Any]]:
    """The list of records in a file, at the top, under a single key, or as `{"beach.jpg": ["A caption.", ...]}`."""
    value = contents.json(path)
    if isinstance(value, dict):
        lists = [part for part in value.values() if _is_list_of_records(part)]
        if len(lists) == 1:
            value = lists[0]
        else:
            value = [{"image": name, "captions": captions} for name, captions in value.items() if captions_in(captions)]
    return [record if isinstance(record, Mapping) else {} for record in value] if isinstance(value, list) else []


def read_records(contents: Contents, files: list[str]) -> Iterator[Row]:
    """The captions of every record; the split is a field, or in the name of the file or of a folder."""
    for path in files:
        fields = _record_fields(contents, path)
        if fields is None:
            continue
        general = split_of_file(path) or split_of_directory(contents.relative(path))
        for number, record in enumerate(contents.once(path, _records), 1):
            image = image_in(record.get(fields.image))
            captions = [caption for name in fields.captions for caption in captions_in(record.get(name))]
            if not image or not captions:
                contents.tell("malformed line", f"record {number} has no image or no caption", path)
                continue
            split = (
                str(record.get(fields.split) or "") or None if fields.split else general or split_of_directory(image)
            )
            for caption in captions:
                yield Row(image, caption, split, path, None)
