"""How the page of a trace looks: its frame, its style for light and dark, and the script that finds a step by name."""

__all__ = ["FIND", "PAGE", "SCRIPT", "STYLE"]

FIND = '<p class="find"><input type="search" placeholder="Find a step by name" aria-label="Find a step by name"></p>'

STYLE = """
:root { color-scheme: light dark; --ink: #1c2733; --soft: #566573; --paper: #f6f4f0; --card: #ffffff; --line: #e2ded6;
  --accent: #17627c; --warm: #c2571a; --well: #ece8e1; }
@media (prefers-color-scheme: dark) { :root { --ink: #e9edf1; --soft: #a3b0bc; --paper: #14181d; --card: #1d232a;
  --line: #323b45; --accent: #7cc7e0; --warm: #f0a05c; --well: #10141a; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 70px; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
main, body > header { max-width: 1280px; margin: 0 auto; padding: 0 clamp(16px, 4vw, 48px); }
body > header { padding-top: 40px; }
h1, h2, h3 { font-family: "Iowan Old Style", Palatino, Georgia, "DejaVu Serif", serif; font-weight: 600;
  line-height: 1.2; overflow-wrap: anywhere; }
h1 { font-size: clamp(26px, 4vw, 38px); margin: 0 0 8px; }
h2 { font-size: 26px; margin: 44px 0 8px; }
h3 { font-size: 20px; margin: 28px 0 10px; }
h5 { font-size: 13px; margin: 14px 0 4px; color: var(--soft); font-weight: 600; }
.chapters { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 520px), 1fr)); gap: 0 40px; }
.chapter, .chapters > * { grid-column: 1 / -1; min-width: 0; }
.chapters > .small { grid-column: auto; } .chapters > .small:has(details[open]) { grid-column: 1 / -1; }
a { color: var(--accent); }
.lead { color: var(--soft); max-width: 75ch; margin: 0 0 12px; }
nav, .find { position: sticky; top: 0; z-index: 2; background: var(--paper); padding: 10px 0; display: flex;
  flex-wrap: wrap; gap: 8px; }
nav a { border: 1px solid var(--line); background: var(--card); border-radius: 999px; padding: 4px 14px;
  color: var(--ink); text-decoration: none; font-size: 15px; }
nav a:hover, nav a:focus-visible { border-color: var(--accent); color: var(--accent); }
.find input { font: inherit; font-size: 15px; padding: 6px 16px; border-radius: 999px; border: 1px solid var(--line);
  background: var(--card); color: var(--ink); flex: 0 1 320px; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.facts { display: flex; flex-wrap: wrap; gap: 10px 28px; margin: 14px 0; padding: 14px 0;
  border-block: 1px solid var(--line); }
dt { font-size: 13px; color: var(--soft); } dd { margin: 0; font-variant-numeric: tabular-nums; }
.scroll { overflow: auto; max-width: 100%; }
.graph { max-height: 560px; padding: 12px; background: var(--card); border: 1px solid var(--line);
  border-radius: 14px; }
.graph svg { display: block; margin: 0 auto; }
.diagram text { font: 12px ui-monospace, "DejaVu Sans Mono", Consolas, monospace; fill: var(--soft);
  text-anchor: middle; }
.diagram .first { font-weight: 700; fill: var(--ink); }
.diagram rect { fill: var(--paper); stroke: var(--line); }
.diagram .weighted rect { stroke: var(--accent); stroke-width: 1.6; }
.diagram a:hover rect, .diagram a:focus rect { stroke: var(--warm); stroke-width: 2; }
.diagram .line { fill: none; stroke: var(--soft); stroke-width: 1.2; } .diagram .head { fill: var(--soft); }
.lines text { font-size: 11px; fill: var(--soft); } .lines .rule { stroke: var(--line); }
.lines path { fill: none; stroke-width: 1.6; }
.lines path.series0 { stroke: var(--accent); } .lines path.series1 { stroke: var(--warm); }
circle.series0 { fill: var(--accent); } circle.series1 { fill: var(--warm); }
.legend { margin: 0 0 4px; font-size: 13.5px; color: var(--soft); display: flex; gap: 20px; }
.key::before { content: ""; display: inline-block; width: 18px; height: 3px; margin: 0 7px 4px 0; border-radius: 2px;
  background: var(--accent); }
.key.series1::before { background: var(--warm); }
article { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 14px 18px;
  margin: 14px 0 14px calc(var(--depth) * 28px); }
article:target { border-color: var(--warm); box-shadow: 0 0 0 2px var(--warm); }
article header { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: baseline; }
h4 { font-size: 18px; margin: 0; overflow-wrap: anywhere; }
.class { color: var(--accent); font-size: 14px; } .time { margin-left: auto; color: var(--soft); font-size: 13.5px;
  font-variant-numeric: tabular-nums; }
.formula { margin: 8px 0; padding: 10px 14px; background: var(--well); border-radius: 8px; overflow-x: auto;
  font: 13.5px/1.55 ui-monospace, "DejaVu Sans Mono", Consolas, monospace; }
.shapes { margin: 6px 0; font-size: 14px; } small { color: var(--soft); margin-left: 8px; }
.pictures { display: flex; flex-wrap: wrap; gap: 14px 20px; align-items: flex-end; margin: 8px 0; }
figure { margin: 0; max-width: 100%; }
figcaption { font-size: 12.5px; color: var(--soft); max-width: 34ch; line-height: 1.35; margin-top: 4px; }
img { display: block; image-rendering: pixelated; border-radius: 4px; max-width: 100%; height: auto; }
.histogram { display: block; border-bottom: 1px solid var(--line); }
.histogram .fill { fill: var(--accent); } .histogram .zero { stroke: var(--warm); stroke-dasharray: 3 3; }
.bars { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
.bars th { font-weight: 500; text-align: right; padding: 1px 8px 1px 0; }
.bars .bar { width: 150px; } .bars i { display: block; height: 11px; border-radius: 2px; background: var(--accent); }
.bars i.below { background: var(--warm); } .bars td:last-child { padding-left: 8px; }
details { margin-top: 10px; } summary { cursor: pointer; color: var(--soft); font-size: 14px; }
.operations { border-collapse: collapse; font: 12.5px ui-monospace, "DejaVu Sans Mono", Consolas, monospace;
  margin-top: 8px; }
.operations th { text-align: left; color: var(--soft); font-weight: 500; }
.operations td, .operations th { padding: 2px 16px 2px 0; white-space: nowrap; border-bottom: 1px solid var(--line); }
.operations td:last-child { text-align: right; }
[hidden] { display: none !important; }
@media (max-width: 700px) { article { margin-left: calc(var(--depth) * 8px); } }
@media print { nav, .find { display: none; } article { break-inside: avoid; } }
"""

SCRIPT = """
const field = document.querySelector('.find input');
field?.addEventListener('input', () => {
  const wanted = field.value.trim().toLowerCase();
  for (const article of document.querySelectorAll('article'))
    article.hidden = !article.querySelector('header').textContent.toLowerCase().includes(wanted);
});
function open_target() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (!target) return;
  for (let each = target.parentElement; each; each = each.parentElement)
    if (each.tagName === 'DETAILS') each.open = true;
  target.hidden = false;
  target.scrollIntoView();
}
addEventListener('hashchange', open_target);
open_target();
"""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<header><h1>{title}</h1>{lead}</header>
<main>
{contents}
<div class="chapters">
{body}
</div>
</main>
<script>{script}</script>
</body>
</html>
"""
