"""Cards of pictures that a classifier told: the picture, a heat over it by wish, and what it was taken for.

All cards of a page show the same: the picture alone, or one of the named heats over it.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
from PIL import Image

from firstlight.pages.document import data_uri, png_uri

__all__ = ["CARD_SIDE", "SCRIPT", "STYLE", "Case", "cards", "heat_uri", "picture", "toggle"]

CARD_SIDE = 320
"""Pixels of the longer side that a card shows of a picture; of a larger one nothing more would be seen."""

_SMALL = 96  # pixels: a picture up to this side stays as it is, pixel by pixel
_HEAT = 96  # pixels of the longer side of a heat, which is smooth
_LEVELS = 48
# Red, green, blue and opacity from no heat to full heat; the picture below turns grey.
_RAMP = np.array([(20, 10, 60, 0), (110, 20, 120, 90), (225, 60, 60, 150), (255, 150, 30, 185), (255, 245, 140, 215)])


@dataclass(frozen=True, eq=False)
class Case:
    """One picture and what was said of it.

    Args:
        name: of the file.
        picture: (height, width, 3) uint8.
        told: the class that it was told as.
        shares: classes with their probabilities, the likeliest first.
        true: its class, where it is known.
        heats: by the name of a toggle (height, width) from 0 to 1, of any size.
    """

    name: str
    picture: np.ndarray
    told: str
    shares: Sequence[tuple[str, float]]
    true: str | None = None
    heats: Mapping[str, np.ndarray] = field(default_factory=dict)


def picture(image: np.ndarray, side: int, alternative: str = "", kind: str = "") -> str:
    """An `img` element: small pictures pixel by pixel, others as a JPEG of at most `side` pixels."""
    small = max(image.shape[:2]) <= _SMALL
    uri = _png(image) if small else data_uri(image, side)
    classes = f'class="{" ".join(filter(None, [kind, "pixels" if small else ""]))}" ' if kind or small else ""
    return f'<img {classes}src="{uri}" alt="{escape(alternative)}" loading="lazy">'


def heat_uri(heat: np.ndarray, shape: tuple[int, ...]) -> str:
    """A heat (rows, columns) from 0 to 1 as a see-through PNG with the proportions of a picture of `shape`."""
    scale = _HEAT / max(shape[:2])
    size = max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale))
    smooth = Image.fromarray(np.asarray(heat, np.float32)).resize(size, Image.Resampling.BICUBIC)
    levels = np.rint(np.asarray(smooth).clip(0, 1) * (_LEVELS - 1)).astype(np.uint8)
    places = np.linspace(0, len(_RAMP) - 1, _LEVELS)
    ramp = np.stack([np.interp(places, range(len(_RAMP)), channel) for channel in _RAMP.T], 1).astype(np.uint8)
    drawn = Image.fromarray(levels).convert("P")
    drawn.putpalette(ramp[:, :3].tobytes())
    return _encoded(drawn, transparency=ramp[:, 3].tobytes())


def _png(image: np.ndarray) -> str:
    grey = (image == image[..., :1]).all()
    return _encoded(Image.fromarray(np.ascontiguousarray(image[..., 0] if grey else image)))


def _encoded(drawn: Image.Image, **options: bytes) -> str:
    memory = io.BytesIO()
    drawn.save(memory, "PNG", optimize=True, **options)
    return png_uri(memory.getvalue())


def toggle(names: Sequence[str]) -> str:
    """Buttons that show the pictures alone or one of the heats over them; nothing where there are no heats."""
    if not names:
        return ""
    buttons = "".join(
        f'<button type="button" data-heat="{place}" aria-pressed="{str(not place).lower()}">{escape(name)}</button>'
        for place, name in enumerate(["Picture", *names])
    )
    return f'<div class="toggle" role="group" aria-label="What the pictures show" hidden>{buttons}</div>'


def cards(cases: Sequence[Case], names: Sequence[str]) -> str:
    """A card for each case; `names` are the heats in the order of the toggle."""
    return f'<div class="cards cases">\n{"".join(_card(case, names) for case in cases)}</div>\n'


def _card(case: Case, names: Sequence[str]) -> str:
    heats = "".join(
        f'<img src="{heat_uri(case.heats[name], case.picture.shape)}" alt="" class="heat heat{place}" loading="lazy">'
        for place, name in enumerate(names, 1)
        if name in case.heats
    )
    told = f"<b>{escape(case.told)}</b>"
    if case.true is None:
        verdict, alternative = told, f"told as {case.told}"
    elif case.true == case.told:
        verdict, alternative = f"{told}, rightly", f"{case.true}, told rightly"
    else:
        verdict, alternative = (
            f'<b>{escape(case.true)}</b> taken for <b class="wrong">{escape(case.told)}</b>',
            f"{case.true}, taken for {case.told}",
        )
    return f"""<article>
<div class="view">{picture(case.picture, CARD_SIDE, alternative, "photo")}{heats}</div>
<p class="verdict">{verdict}</p>
<ul class="shares">{"".join(_share(label, share, case) for label, share in case.shares)}</ul>
<p class="name" title="{escape(case.name)}">{escape(case.name)}</p>
</article>
"""


def _share(label: str, share: float, case: Case) -> str:
    kind = "right" if label == case.true else "told" if label == case.told else ""
    return (
        f'<li class="{kind}"><span class="label">{escape(label)}</span><span class="number">{_percent(share)}</span>'
        f'<i style="width:{100 * share:.1f}%"></i></li>'
    )


def _percent(share: float) -> str:
    """Nothing that is not certain is written as 0 or 100 %."""
    if 0 < share < 0.001:
        return "&lt; 0.1 %"
    return "&gt; 99.9 %" if 0.999 < share < 1 else f"{100 * share:.1f} %"


STYLE = """
.pixels { image-rendering: pixelated; }
.view { position: relative; aspect-ratio: var(--shape, 1); background: var(--well); }
.cases article img { position: absolute; inset: 0; width: 100%; height: 100%; aspect-ratio: auto; object-fit: contain;
  background: none; }
.heat { opacity: 0; transition: opacity .15s; } .photo { transition: filter .15s; }
body.heat1 .heat1, body.heat2 .heat2 { opacity: 1; }
body.heat1 .view:has(.heat1) .photo, body.heat2 .view:has(.heat2) .photo { filter: grayscale(1) brightness(.72); }
.toggle { display: flex; flex-wrap: wrap; gap: 6px; }
.verdict { font: 500 18px/1.35 "Iowan Old Style", Palatino, Georgia, "DejaVu Serif", serif; overflow-wrap: anywhere; }
.wrong { color: var(--wrong); }
.shares { list-style: none; margin: 10px 16px 0; padding: 0; font-size: 13.5px; }
.shares li { display: grid; grid-template-columns: 1fr auto; gap: 0 8px; margin-bottom: 6px; }
.shares .label { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.shares .number { font-variant-numeric: tabular-nums; color: var(--soft); }
.shares i { grid-column: 1 / -1; height: 4px; min-width: 1px; border-radius: 2px; background: var(--soft); }
.shares .told i { background: var(--wrong); } .shares .right i { background: var(--accent); }
.name { font-size: 12.5px; color: var(--soft); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
@media (prefers-reduced-motion: reduce) { .heat, .photo { transition: none; } }
"""

SCRIPT = """
for (const group of document.querySelectorAll('.toggle')) {
  group.hidden = false;
  group.addEventListener('click', event => {
    const button = event.target.closest('button');
    if (!button) return;
    document.body.classList.remove('heat1', 'heat2');
    if (button.dataset.heat !== '0') document.body.classList.add('heat' + button.dataset.heat);
    for (const other of document.querySelectorAll('.toggle button'))
      other.setAttribute('aria-pressed', other.dataset.heat === button.dataset.heat);
  });
}
"""
