"""What a comparison shows: a table on the screen, figures, and a page that has both.

The numbers come from `firstlight.systems.comparison`; here they get their words. Scores are told times 100.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from firstlight.cli.comparison_figures import draw, scores_of
from firstlight.cli.tables import add_row, make_table
from firstlight.pages.comparison_page import Column

__all__ = ["print_tricks", "publish", "publish_tricks"]

_NAMES = {"accuracy": "accuracy", "cider": "CIDEr"}
_OPEN = "chance?"
_SCORE = "mean over seeds and its standard deviation, held-out images, times 100"


def publish(comparison: Any, out: Path, title: str) -> None:
    """Show a comparison of settings, best first; with no run that finished, exit with 1."""
    from firstlight import pages

    score, ranking = _score(comparison), comparison.ranking()
    columns = _columns(comparison, ranking)
    _print(title, [each.variant for each in ranking], columns)
    figures = draw(comparison, out, score)
    pages.comparison_page(
        out / "comparison.html",
        f"Compared: {title}",
        _protocol(comparison),
        [each.variant for each in ranking],
        columns,
        figures,
        _notes(comparison),
    )
    _end(comparison, out, _best(comparison, ranking, score))


def publish_tricks(found: Any, out: Path, title: str) -> None:
    """Show what each trick brought, in the order in which they were added."""
    from firstlight import pages, plots

    comparison, score = found.comparison, _score(found.comparison)
    summaries = {each.variant: each for each in comparison.summaries()}
    shown = [rung.variant for rung in found.rungs]
    rows = [summaries[name] for name in shown]
    columns = _trick_columns(found, rows, score)
    _print(f"Each trick added to those above it: {title}", shown, columns)
    figures = {"What each trick brought": out / "ladder.png"}
    changes = {rung.variant: _limits(rung.change) for rung in found.rungs if rung.change is not None}
    scores = {each.variant: scores_of(each) for each in rows}
    plots.score_ladder(scores, out / "ladder.png", score, changes)
    if found.without:
        figures["All tricks but one, against all"] = out / "without.png"
        missing = {_without(rung): _limits(rung.change) for rung in found.without if rung.change is not None}
        left = {_without(rung): scores_of(summaries[rung.variant]) for rung in found.without}
        plots.score_ladder(left, out / "without.png", score, missing, "all tricks")
        _print_without(found, summaries, score)
    pages.comparison_page(
        out / "comparison.html",
        f"Compared: {title}",
        _protocol(comparison),
        shown,
        columns,
        figures,
        [
            *_notes(comparison),
            _READING,
            *(f"{rung.variant}: {rung.trick.text} {rung.trick.source}" for rung in found.rungs),
        ],
    )
    _end(comparison, out, None)


def print_tricks(system: str, rungs: Sequence[Any]) -> None:
    """The tricks of a system: names, what they are, where they are from, and what they set."""
    click.echo(f"Tricks of the {system}, in the order of the ladder:")
    for each in rungs:
        settings = ", ".join(f"{name}={value}" for name, value in each.settings.items())
        click.echo(f"\n{click.style(each.name, bold=True)}: {each.text}\n  {each.source}\n  {settings}")


def _columns(comparison: Any, ranking: Sequence[Any]) -> list[Column]:
    score, common = _score(comparison), comparison.common_loss
    values = [each.score for each in ranking]
    speed = f"{_unit(comparison)}/s"
    told = "no loss" if common is None else f"{common:.3g}"
    return [
        Column(score, [_with_spread(each) for each in ranking], _bars(values), _SCORE),
        Column("final loss", [_number(each.loss, 3) for each in ranking], None, "of training, smoothed"),
        Column(speed, [_whole(each.speed) for each in ranking], None, "while learning, without the first step"),
        Column(f"s to loss {told}", [_number(each.seconds_to_common, 2) for each in ranking], None, _COMMON),
        *_remarks([_problems(each, len(comparison.plan.seeds)) for each in ranking]),
    ]


def _trick_columns(found: Any, rows: Sequence[Any], score: str) -> list[Column]:
    values = [each.score for each in rows]
    seeds = len(found.comparison.plan.seeds)
    remarks = [_problems(each, seeds) or _verdict(rung.change) for each, rung in zip(rows, found.rungs, strict=True)]
    return [
        Column(score, [_with_spread(each) for each in rows], _bars(values), _SCORE),
        Column("change", [_signed(rung.change) for rung in found.rungs], None, "to the rung above, paired by seed"),
        Column("95 % interval", [_interval(rung.change) for rung in found.rungs], None, "Student's t over seeds"),
        Column("s/epoch", [_number(each.seconds_an_epoch, 2) for each in rows], None, "of learning"),
        *_remarks(remarks),
    ]


def _remarks(texts: Sequence[str]) -> list[Column]:
    """A column where there is anything to say."""
    return [Column("", texts)] if any(texts) else []


def _print_without(found: Any, summaries: dict[str, Any], score: str) -> None:
    rows = [summaries[rung.variant] for rung in found.without]
    columns = [
        Column(score, [_with_spread(each) for each in rows]),
        Column("change", [_signed(rung.change) for rung in found.without]),
        Column("95 % interval", [_interval(rung.change) for rung in found.without]),
        Column("", [_verdict(rung.change) for rung in found.without]),
    ]
    _print("All tricks but one, against all", [_without(rung) for rung in found.without], columns)


def _print(title: str, names: Sequence[str], columns: Sequence[Column]) -> None:
    from rich.console import Console
    from rich.text import Text

    table = make_table(title)
    table.pad_edge = False
    table.add_column("", no_wrap=True)
    for column in columns:
        # A heading may take two lines, a figure may not.
        width = max(map(len, column.cells), default=1)
        justify = "right" if column.name else "left"
        table.add_column(Text(column.name), justify=justify, min_width=width, no_wrap=not column.name)
    for row, name in enumerate(names):
        add_row(table, name, *(column.cells[row] for column in columns))
    Console().print(table)


def _protocol(comparison: Any) -> str:
    plan, (train, held) = comparison.plan, comparison.images
    fixed = ", ".join(f"{name}={value}" for name, value in plan.settings.items())
    return (
        f"{len(plan.variants)} variants, {len(plan.seeds)} seeds each, {plan.training['epochs']} epochs on {train:,} "
        f"images, judged on {held:,} others of the training part. {fixed}."
    )


def _notes(comparison: Any) -> list[str]:
    start = "Every training of a seed sees the images in the same order."
    if comparison.same_start:
        start = (
            "Every training of a seed begins with the same weights and sees the images in the same order: the loss of "
            "the first step was the same in all."
        )
    many = comparison.processes
    shared = f"{many} trainings shared the machine." if many > 1 else "One training at a time had the machine."
    return [
        *_reasons(comparison),
        start,
        "Seconds are counted from the end of the first step, in which the network is compiled; judging held-out "
        f"images is not counted. {shared}",
        "The held-out images also chose the epoch that is kept, so all scores are a little too good, all alike. The "
        "test part was not looked at: judge what you choose on it once.",
        "The loss is that of training, smoothed. It can be compared only where mixing, smoothing of labels, dropout "
        "and augmentation are the same.",
    ]


def _best(comparison: Any, ranking: Sequence[Any], score: str) -> str | None:
    """What is best, and whether it is more than chance."""
    if not ranking or ranking[0].score is None:
        return None
    best = ranking[0]
    told = f"Best: {best.variant}, {score} {_percent(best.score)}"
    if len(ranking) > 1 and ranking[1].score is not None:
        change = comparison.change(best.variant, ranking[1].variant)
        if change is not None:
            told += f"; {_signed(change)} against {ranking[1].variant}"
            told += f" (95 % interval {_interval(change)})" if change.low is not None else ""
            told += ", which may be chance" if _verdict(change) == _OPEN else ""
    return told + "."


def _end(comparison: Any, out: Path, best: str | None) -> None:
    for line in _reasons(comparison):
        click.echo(line)
    if best:
        click.echo(best)
    click.echo(f"Written: {out / 'comparison.html'}, comparison.csv, comparison.json and figures beside it")
    if all(each.score is None for each in comparison.summaries()):
        click.echo("No run finished.", err=True)
        click.get_current_context().exit(1)


def _score(comparison: Any) -> str:
    return _NAMES.get(comparison.plan.score, comparison.plan.score)


def _unit(comparison: Any) -> str:
    return next((run["unit"] for runs in comparison.records.values() for run in runs if "unit" in run), "images")


def _problems(summary: Any, seeds: int) -> str:
    """How many of the seeds came to nothing, where others did not."""
    return f"{len(summary.problems)}/{seeds} {_kinds(summary)}" if summary.problems and summary.scores else ""


def _kinds(summary: Any) -> str:
    return " or ".join(dict.fromkeys(reason.partition(":")[0] for reason in summary.problems.values()))


def _reasons(comparison: Any) -> list[str]:
    """Why the first seed of each variant that came to nothing did, a line each."""
    return [
        f"{each.variant}, seed {seed}: {reason}"
        for each in comparison.summaries()
        for seed, reason in list(each.problems.items())[:1]
    ]


def _bars(values: Sequence[float | None]) -> list[float | None]:
    """Shares of a bar: from a little below the lowest score to the highest."""
    known = [value for value in values if value is not None]
    if not known:
        return [None] * len(values)
    low, high = min(known), max(known)
    room = max(high - low, 1e-9)
    return [None if value is None else 0.1 + 0.9 * (value - low) / room for value in values]


def _without(rung: Any) -> str:
    return f"without {rung.trick.name}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.2f}"


def _with_spread(summary: Any) -> str:
    """The mean score and its standard deviation, where there is one; or what became of all seeds."""
    if summary.score is None:
        return _kinds(summary)
    return _percent(summary.score) + (f" ± {_percent(summary.spread)}" if summary.spread is not None else "")


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _whole(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _signed(change: Any) -> str:
    return "" if change is None else f"{100 * change.mean:+.2f}"


def _interval(change: Any) -> str:
    return "" if change is None or change.low is None else f"{100 * change.low:+.2f} to {100 * change.high:+.2f}"


def _limits(change: Any) -> tuple[float, float | None, float | None]:
    ends = [None if end is None else 100 * end for end in (change.low, change.high)]
    return 100 * change.mean, ends[0], ends[1]


def _verdict(change: Any) -> str:
    """What the interval allows to say."""
    if change is None or change.low is None:
        return ""
    return "better" if change.low > 0 else "worse" if change.high < 0 else _OPEN


_READING = (
    "Chance? stands where the interval of the change has 0 in it: with these seeds nobody can tell. What keeps a "
    "network from learning by heart (dropout, smoothing, mixing) costs in short trainings and pays in long ones."
)
_COMMON = "mean time until the smoothed loss is first as low as the lowest of half of all runs"
