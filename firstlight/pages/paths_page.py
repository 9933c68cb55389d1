"""How optimizers descend, as a page: their paths grow on a map of the loss, with play, pause and a slider.

Maps and curves are drawn as SVG by `paths_drawing`; the script in the page only decides how much of each path is seen.
"""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from firstlight.pages.document import write_document
from firstlight.pages.paths_drawing import Descent, curve_drawing, map_drawing, tracks

__all__ = ["descent_page"]

_COLOURS = (  # of each path, on a light and on a dark page
    ("#1768ac", "#6db3f2"),
    ("#c23b50", "#ff8090"),
    ("#23784a", "#63d297"),
    ("#a86400", "#ffb84d"),
    ("#7b4fa3", "#c39bf0"),
    ("#007680", "#4fd1d9"),
    ("#8c4a34", "#e0a37e"),
    ("#b0357d", "#ff8fd0"),
    ("#5b6770", "#b8c4cd"),
    ("#6f7000", "#d6d74f"),
    ("#3b3bb8", "#9fa8ff"),
)


def descent_page(
    path: str | Path, descents: Sequence[Descent], title: str = "How optimizers descend", protocol: str = ""
) -> None:
    """Write a page with a map and a curve for each descent, all of them moving step by step together.

    Args:
        path: the HTML file to write.
        descents: maps and the paths on them; a record of `firstlight.plots.Descent` is one.
        title: the heading.
        protocol: one line that says how the paths were made.
    """
    names = list(dict.fromkeys(name for each in descents for name in each.paths))
    last = max((len(losses) - 1 for each in descents for _, losses in each.paths.values()), default=0)
    data = {"last": last, "descents": [tracks(each, names) for each in descents]}
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    write_document(
        path,
        title,
        protocol,
        "",
        _MAIN.format(
            last=last,
            toggles="".join(_toggle(place, name) for place, name in enumerate(names)),
            sections="".join(_section(place, each, names) for place, each in enumerate(descents)),
        ),
        _FOOTER,
        style=_colours(len(names)) + _STYLE,
        script=f"const DATA = {text};\n{_SCRIPT}",
    )


def _colours(count: int) -> str:
    """A colour for each path, for a light and for a dark page."""

    def rule(dark: bool) -> str:
        return " ".join(f"--path-{place}: {_COLOURS[place % len(_COLOURS)][dark]};" for place in range(count))

    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {rule(True)} }} }}"
    return f":root {{ {rule(False)} }}\n{dark}\n"


def _toggle(place: int, name: str) -> str:
    return (
        f'<button type="button" class="toggle" data-path="{place}" aria-pressed="true" '
        f'style="--path: var(--path-{place})"><i></i>{escape(name)}</button>\n'
    )


def _section(place: int, each: Descent, names: Sequence[str]) -> str:
    rows = "".join(
        f'<tr data-path="{names.index(name)}" style="--path: var(--path-{names.index(name)})">'
        f"<th scope=row><i></i>{escape(name)}</th><td>{_rate(each, name)}</td>{'<td class=now></td>' * 3}</tr>\n"
        for name in each.paths
    )
    return f"""<section data-descent="{place}">
<h2>{escape(each.title)}</h2>
<p class="formula">{escape(each.formula)}</p>
<div class="pair">
<figure>{map_drawing(each, names)}<figcaption>Each line is a height of the loss; the star is the minimum.</figcaption>
</figure>
<figure>{curve_drawing(each, names)}<figcaption>The loss above the least one, step by step.</figcaption></figure>
</div>
<div class="wide"><table>
<thead><tr><th scope=col>optimizer</th><th scope=col>learning rate</th><th scope=col>x</th><th scope=col>y</th>
<th scope=col>loss</th></tr></thead>
<tbody>
{rows}</tbody></table></div>
</section>
"""


def _rate(each: Descent, name: str) -> str:
    return f"{each.rates[name]:g}" if name in each.rates else ""


_STYLE = """
nav { gap: 10px; border-bottom: 1px solid var(--line); }
nav input[type=range] { flex: 1 1 220px; min-width: 120px; padding: 0; accent-color: var(--accent); }
#play { min-width: 92px; }
#step { color: var(--soft); font-size: 14px; min-width: 12ch; font-variant-numeric: tabular-nums; }
#speed { border-radius: 999px; font: inherit; font-size: 15px; padding: 6px 10px; color: var(--ink);
  background: var(--card); border: 1px solid var(--line); }
.toggles { display: flex; flex-wrap: wrap; gap: 8px; flex-basis: 100%; }
.toggle[aria-pressed=true] { background: var(--card); color: var(--ink); border-color: var(--path); }
.toggle[aria-pressed=false] { opacity: .55; text-decoration: line-through; }
i { display: inline-block; width: 12px; height: 12px; border-radius: 50%; background: var(--path); margin-right: 8px; }
.formula { color: var(--soft); margin: -8px 0 12px; }
.pair { display: grid; gap: 18px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  padding: 10px 10px 12px; }
figcaption { font-size: 13px; color: var(--soft); padding: 0 8px; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.ground { fill: color-mix(in srgb, var(--accent) 3%, var(--card)); }
.band { fill: var(--accent); fill-opacity: .035; }
.contour { fill: none; stroke: var(--ink); stroke-opacity: .28; stroke-width: .8; }
.tick { stroke: var(--line); stroke-width: 1; }
.path { fill: none; stroke: var(--path); stroke-width: 1.8; stroke-linejoin: round; }
.end { fill: var(--path); stroke: var(--card); stroke-width: 1.5; }
.star { fill: var(--ink); stroke: var(--card); stroke-width: 1; }
.start { fill: var(--card); stroke: var(--ink); stroke-width: 1.6; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 14px 0 0; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; white-space: nowrap; padding: 3px 22px 3px 0; min-width: 10ch; font-weight: 400; }
th:first-child { text-align: left; min-width: 14ch; }
thead th { color: var(--soft); font-size: 13px; }
@media (max-width: 700px) { nav { position: static; } }
@media print { nav { display: none; } section { break-inside: avoid; } }
"""

_SCRIPT = """
const play = document.getElementById('play'), slider = document.getElementById('slider');
const told = document.getElementById('step'), speed = document.getElementById('speed');
const sections = [...document.querySelectorAll('section')];
const hidden = new Set();
let step = DATA.last, running = false, before = null;
const found = sections.map((section, place) => DATA.descents[place].map(track => ({
  track,
  lines: [...section.querySelectorAll('.path[data-path="' + track.path + '"]')],
  ends: [...section.querySelectorAll('.end[data-path="' + track.path + '"]')],
  row: section.querySelector('tr[data-path="' + track.path + '"]'),
})));
function number(value) {
  return Math.abs(value) >= 1e-3 && Math.abs(value) < 1e4 || value === 0 ? value.toFixed(4) : value.toExponential(2);
}
function show() {
  const now = Math.floor(step);
  for (const {track, lines, ends, row} of found.flat()) {
    const count = Math.min(now + 1, track.places.length), over = now >= track.places.length;
    [track.places, track.heights].forEach((points, side) => {
      lines[side].setAttribute('points', points.slice(0, count).map(point => point.join(',')).join(' '));
      ends[side].setAttribute('cx', points[count - 1][0]);
      ends[side].setAttribute('cy', points[count - 1][1]);
    });
    for (const part of [...lines, ...ends, row]) part.toggleAttribute('hidden', hidden.has(track.path));
    const cells = row.querySelectorAll('.now');
    track.numbers[count - 1].forEach((value, column) => { cells[column].textContent = number(value); });
    if (over && track.lost) cells[2].textContent = 'diverged';
  }
  slider.value = now;
  slider.setAttribute('aria-valuetext', 'step ' + now + ' of ' + DATA.last);
  told.textContent = 'step ' + now + ' of ' + DATA.last;
  play.textContent = running ? 'Pause' : step >= DATA.last ? 'Replay' : 'Play';
}
function advance(time) {
  if (!running) return;
  if (before !== null) step = Math.min(DATA.last, step + (time - before) / 1000 * Number(speed.value));
  before = time;
  if (step >= DATA.last) running = false;
  show();
  if (running) requestAnimationFrame(advance);
}
play.addEventListener('click', () => {
  running = !running;
  if (running) {
    if (step >= DATA.last) step = 0;
    before = null;  // the time of the first picture is not yet known
    requestAnimationFrame(advance);
  }
  show();
});
slider.addEventListener('input', () => { running = false; step = Number(slider.value); show(); });
document.querySelector('.toggles').addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button) return;
  const path = Number(button.dataset.path);
  if (!hidden.delete(path)) hidden.add(path);
  button.setAttribute('aria-pressed', !hidden.has(path));
  show();
});
document.querySelector('nav').hidden = false;
show();
"""

_MAIN = """<nav hidden aria-label="Move through the steps">
<button type="button" id="play">Replay</button>
<input type="range" id="slider" min="0" max="{last}" value="{last}" step="1" aria-label="Step">
<span id="step"></span>
<select id="speed" aria-label="Steps a second">
<option value="5">5 steps a second</option><option value="25" selected>25 steps a second</option>
<option value="100">100 steps a second</option></select>
<div class="toggles" role="group" aria-label="Optimizers">
{toggles}</div>
</nav>
{sections}"""

_FOOTER = """Every path is that of an optimizer at work. Choose an optimizer above to hide it or to show it again."""
