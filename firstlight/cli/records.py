"""What captions are written as: sidecar texts, CSV, JSON, and the results format of COCO.

A record is a plain dict (image, caption, score, words, alternatives) without the attention maps, so that the records of
a hundred thousand images fit in memory.
"""

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from firstlight.pages.document import write_text

__all__ = ["FORMATS", "coco_identifier", "record", "runners_up", "to_coco", "to_csv", "to_json", "write"]

_COCO_NAME = re.compile(r"(?:COCO_\w+_)?(\d{12})")


def record(image: str, caption: Any) -> dict[str, Any]:
    """A caption of `Captioner.predict` as plain values, with the name or path of its image."""
    return {
        "image": image,
        "caption": caption.text,
        "score": round(float(caption.score), 6),
        "words": [
            {
                "text": word.text,
                "probability": round(float(word.probability), 6),
                "rivals": [[text, round(float(probability), 6)] for text, probability in word.rivals],
            }
            for word in caption.words
        ],
        "alternatives": [[text, round(float(score), 6)] for text, score in runners_up(caption)],
    }


def runners_up(caption: Any) -> list[tuple[str, float]]:
    """The alternatives of a caption without the caption itself, which leads the list."""
    return list(caption.alternatives[1:])


def to_csv(records: Sequence[dict[str, Any]]) -> str:
    """A table `image,caption,score`, which is also a layout to train from; alternatives are further rows."""
    memory = io.StringIO()
    writer = csv.writer(memory, lineterminator="\n")
    writer.writerow(["image", "caption", "score"])
    for entry in records:
        for text, score in [[entry["caption"], entry["score"]], *entry["alternatives"]]:
            writer.writerow([entry["image"], text, score])
    return memory.getvalue()


def to_json(records: Sequence[dict[str, Any]]) -> str:
    """A list with everything: caption, score, each word with its probability and rivals, and the alternatives."""
    return json.dumps(list(records), ensure_ascii=False, indent=1) + "\n"


def to_coco(records: Sequence[dict[str, Any]]) -> str:
    """COCO's results format: a list of `image_id` and `caption`, as its evaluation server and toolkit read it."""
    results = [{"image_id": coco_identifier(entry["image"]), "caption": entry["caption"]} for entry in records]
    return json.dumps(results, ensure_ascii=False, indent=1) + "\n"


def coco_identifier(image: str) -> int | str:
    """The number in a COCO file name (`COCO_val2014_000000391895.jpg`: 391895); any other name without its ending."""
    stem = PurePosixPath(image).stem
    number = _COCO_NAME.fullmatch(stem)
    return int(number[1]) if number else stem


def write(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    write_text(path, text)


FORMATS = {"csv": to_csv, "json": to_json, "coco": to_coco}
