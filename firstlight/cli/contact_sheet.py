"""One picture of many: images of a split in a grid, each with its name and captions below.

For a look at a data set before anything is trained on it. A card's text may be in any script that a font here covers.
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from firstlight.data.images import ImageError, read, resize

__all__ = ["contact_sheet"]

_COLUMNS = 4
_WIDTH, _MARGIN, _GAP, _PADDING = 300, 40, 24, 14  # of a card, around the sheet, between cards, inside a card
_TEXT_SIZE, _NAME_SIZE, _TITLE_SIZE, _LINE, _BETWEEN = 15, 12, 24, 19, 6
_PAPER, _CARD, _EDGE, _INK, _FAINT, _ACCENT = "#f4f1ea", "#ffffff", "#ddd6c8", "#2b2a27", "#8d877a", "#c8553d"


def contact_sheet(
    title: str, names: Sequence[str], images: Sequence[Any], captions: Sequence[Sequence[str]]
) -> Image.Image:
    """A sheet with a card for each image: the photo, its captions, its name. A broken image says so.

    All photos get the shape that most of them have, and are cut to it.
    """
    photos = _photos(images)
    texts = [[_wrap(caption) for caption in several] for several in captions]
    rows = [range(start, min(start + _COLUMNS, len(names))) for start in range(0, len(names), _COLUMNS)]
    heights = [photos[0].height + max(_text_height(texts[index]) for index in row) for row in rows]
    columns = min(_COLUMNS, max(len(names), 1))
    top = _MARGIN + 2 * _TITLE_SIZE
    width = 2 * _MARGIN + columns * _WIDTH + (columns - 1) * _GAP
    sheet = Image.new("RGB", (width, top + sum(heights) + _GAP * max(len(rows) - 1, 0) + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, _MARGIN - 6), title, _INK, _font(title, _TITLE_SIZE))
    for row, height in zip(rows, heights, strict=True):
        for column, index in enumerate(row):
            left = _MARGIN + column * (_WIDTH + _GAP)
            draw.rectangle((left, top, left + _WIDTH - 1, top + height - 1), fill=_CARD, outline=_EDGE)
            sheet.paste(photos[index], (left, top))
            _write(draw, left + _PADDING, top + photos[index].height + _PADDING, texts[index])
            name = _shorten(names[index])
            draw.text((left + _PADDING, top + height - _PADDING), name, _FAINT, _font(name, _NAME_SIZE), anchor="ls")
        top += height + _GAP
    return sheet


def _photos(images: Sequence[Any]) -> list[Image.Image]:
    """The images at the width of a card, all of one height."""
    arrays = [_attempt(image) for image in images]
    shapes = [array.shape[0] / array.shape[1] for array in arrays if array is not None]
    height = round(_WIDTH * min(max(median(shapes or [0.75]), 0.6), 1.4))
    empty = Image.new("RGB", (_WIDTH, height), _EDGE)
    middle = (_WIDTH // 2, height // 2)
    ImageDraw.Draw(empty).text(middle, "cannot be read", _INK, _font("", _TEXT_SIZE), anchor="mm")
    return [empty if array is None else Image.fromarray(resize(array, (height, _WIDTH), "crop")) for array in arrays]


def _attempt(image: Any) -> Any:
    try:
        return read(image)
    except ImageError:
        return None


def _text_height(captions: list[list[str]]) -> int:
    lines = sum(len(lines) for lines in captions)
    return 3 * _PADDING + lines * _LINE + max(len(captions) - 1, 0) * _BETWEEN + _NAME_SIZE


def _write(draw: ImageDraw.ImageDraw, left: int, top: int, captions: list[list[str]]) -> None:
    """Captions below each other, each with a dot before its first line."""
    y = top + _LINE // 2
    for lines in captions:
        draw.ellipse((left, y - 2, left + 4, y + 2), fill=_ACCENT)
        for line in lines:
            draw.text((left + 14, y), line, _INK, _font(line, _TEXT_SIZE), anchor="lm")
            y += _LINE
        y += _BETWEEN


def _wrap(caption: str) -> list[str]:
    """A caption as lines that fit the card. Punctuation begins no line, and a word that is too long breaks anywhere."""
    font, room = _font(caption, _TEXT_SIZE), _WIDTH - 2 * _PADDING - 14
    lines = [""]
    for word in re.findall(r"\S+(?:\s+[^\w\s]+(?=\s|$))*", caption):
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= room:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for character in word:
            if font.getlength(lines[-1] + character) > room:
                lines.append("")
            lines[-1] += character
    return lines


def _shorten(name: str) -> str:
    font, room = _font(name, _NAME_SIZE), _WIDTH - 2 * _PADDING
    if font.getlength(name) <= room:
        return name
    kept = next(length for length in range(len(name), -1, -1) if font.getlength(name[:length] + "…") <= room)
    return name[:kept] + "…"


def _font(text: str, size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with Matplotlib, or the first font of this machine that has every letter of the text."""
    from matplotlib import get_data_path

    usual = str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
    letters = frozenset(map(ord, text)) - set(range(128))
    if letters and not letters <= _letters(usual):
        from matplotlib.font_manager import fontManager

        files = (entry.fname for entry in fontManager.ttflist)
        return _load(next((file for file in files if letters <= _letters(file)), usual), size)
    return _load(usual, size)


@cache
def _load(file: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, size)


@cache
def _letters(file: str) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(file).get_charmap())
