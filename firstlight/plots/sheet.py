"""One picture of many: images in a grid of cards, each with its captions and by choice its name below.

A card's text may be in any script that a font of this machine covers.
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from firstlight.plots.figure import write_picture

__all__ = ["contact_sheet"]

_WIDTH, _MARGIN, _GAP, _PADDING = 300, 40, 24, 14  # of a card, around the sheet, between cards, inside a card
_TEXT_SIZE, _NAME_SIZE, _TITLE_SIZE, _LINE, _BETWEEN, _INDENT = 15, 12, 24, 19, 6, 14
_PAPER, _CARD, _EDGE, _INK, _FAINT, _ACCENT = "#f4f1ea", "#ffffff", "#ddd6c8", "#2b2a27", "#8d877a", "#c8553d"


def contact_sheet(
    images: Sequence[np.ndarray | None],
    captions: Sequence[Sequence[str]],
    path: str | Path,
    *,
    title: str = "",
    names: Sequence[str] | None = None,
    columns: int = 4,
) -> None:
    """Draw a card for each image: the picture, its captions, its name. All get the shape that most of them have.

    Args:
        images: arrays (height, width, 3) of uint8, of any sizes; None for one that cannot be read, as its card says.
        captions: texts for each image; long ones are wrapped.
        path: the picture to write; its ending says in which format.
        title: the heading, if any.
        names: a small line for each card, if any.
        columns: how many cards stand side by side.
    """
    photos = _photos(images)
    texts = [[_wrap(caption) for caption in several] for several in captions]
    rows = [range(start, min(start + columns, len(photos))) for start in range(0, len(photos), columns)]
    below = 0 if names is None else _NAME_SIZE + _PADDING
    heights = [photos[0].height + below + max(_text_height(texts[index]) for index in row) for row in rows]
    columns = min(columns, max(len(photos), 1))
    top = _MARGIN + (2 * _TITLE_SIZE if title else 0)
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
            if names is not None:
                name = _shorten(names[index])
                draw.text(
                    (left + _PADDING, top + height - _PADDING), name, _FAINT, _font(name, _NAME_SIZE), anchor="ls"
                )
        top += height + _GAP
    write_picture(path, sheet.save)


def _photos(images: Sequence[np.ndarray | None]) -> list[Image.Image]:
    """The images at the width of a card, all of one height."""
    shapes = [image.shape[0] / image.shape[1] for image in images if image is not None]
    height = round(_WIDTH * min(max(median(shapes or [0.75]), 0.6), 1.4))
    empty = Image.new("RGB", (_WIDTH, height), _EDGE)
    middle = (_WIDTH // 2, height // 2)
    ImageDraw.Draw(empty).text(middle, "cannot be read", _INK, _font("", _TEXT_SIZE), anchor="mm")
    return [empty if image is None else ImageOps.fit(Image.fromarray(image), (_WIDTH, height)) for image in images]


def _text_height(captions: list[list[str]]) -> int:
    lines = sum(len(lines) for lines in captions)
    return 2 * _PADDING + lines * _LINE + max(len(captions) - 1, 0) * _BETWEEN


def _write(draw: ImageDraw.ImageDraw, left: int, top: int, captions: list[list[str]]) -> None:
    """Captions below each other; where there are several, with a dot before the first line of each."""
    y = top + _LINE // 2
    indent = _INDENT if len(captions) > 1 else 0
    for lines in captions:
        if indent:
            draw.ellipse((left, y - 2, left + 4, y + 2), fill=_ACCENT)
        for line in lines:
            draw.text((left + indent, y), line, _INK, _font(line, _TEXT_SIZE), anchor="lm")
            y += _LINE
        y += _BETWEEN


def _wrap(caption: str) -> list[str]:
    """A caption as lines that fit the card. Punctuation begins no line, and a word that is too long breaks anywhere."""
    font, room = _font(caption, _TEXT_SIZE), _WIDTH - 2 * _PADDING - _INDENT
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
