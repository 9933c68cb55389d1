"""The same model under several settings, several seeds each, trained in parallel processes: `systems.compare(...)`.

Every run that is over is kept, so the same comparison again goes on where it was stopped.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from firstlight.data.table import Split
from firstlight.systems.comparison_data import write_split
from firstlight.systems.comparison_folder import ComparisonFolder
from firstlight.systems.comparison_plan import Plan, Run, divide, fingerprint, make_plan
from firstlight.systems.comparison_pool import Told, available_cores, run_jobs
from firstlight.systems.comparison_summary import Curve, Difference, Summary, common_loss, curve, difference, summarize
from firstlight.systems.system import Silent, plain, write_text_safely

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True)
class Comparison:
    """What came of a comparison.

    Args:
        plan: what was asked for.
        records: for each variant its runs, as `runs/*.json` has them.
        images: how many each run learned from, and by how many it was judged.
        processes: the most that trained at the same time; times are those of a machine that is shared by so many.
    """

    plan: Plan
    records: dict[str, list[dict[str, Any]]]
    images: tuple[int, int]
    processes: int

    @property
    def common_loss(self) -> float | None:
        """The loss to which variants are timed, see `comparison_summary.common_loss`."""
        return common_loss([run for runs in self.records.values() for run in runs])

    def summaries(self) -> list[Summary]:
        """Every variant over its seeds, in the order of the plan."""
        common = self.common_loss
        return [summarize(name, settings, self.records[name], common) for name, settings in self.plan.variants.items()]

    def ranking(self) -> list[Summary]:
        """The variants by their mean held-out score, the best first; those with a run that did not finish come last."""
        return sorted(self.summaries(), key=lambda each: (len(each.problems), -(each.score or 0.0)))

    def curves(self, over: str) -> dict[str, Curve]:
        """The loss of every variant that has one over `steps` or `seconds`, the best variant first."""
        found = {each.variant: curve(self.records[each.variant], over) for each in self.ranking()}
        return {name: each for name, each in found.items() if each is not None}

    def change(self, variant: str, reference: str) -> Difference | None:
        """The score of a variant minus that of another, paired by seed, with its 95 % interval."""
        by_name = {each.variant: each.scores for each in self.summaries()}
        return difference(by_name[variant], by_name[reference])

    @property
    def same_start(self) -> bool:
        """Whether the first loss of each seed, to which no step has led, is the same in all variants."""
        first: dict[int, set[float]] = {}
        for record in (record for runs in self.records.values() for record in runs):
            if record.get("losses"):
                first.setdefault(record["seed"], set()).add(record["losses"][0])
        return bool(first) and all(len(losses) == 1 for losses in first.values())

    def save(self, folder: str | Path) -> None:
        """Write `comparison.csv`, a line a variant, and `comparison.json`, with the score of every run."""
        text = io.StringIO()
        columns = ["score", "spread", "loss", "speed", "seconds_an_epoch", "seconds_to_common"]
        varied = list(dict.fromkeys(name for settings in self.plan.variants.values() for name in settings))
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["variant", *varied, self.plan.score, *columns[1:], "runs", "problems"])
        for each in self.ranking():
            problems = "; ".join(f"seed {seed}: {reason}" for seed, reason in each.problems.items())
            settings = [each.settings.get(name) for name in varied]
            values = [getattr(each, name) for name in columns]
            writer.writerow([each.variant, *settings, *values, len(each.scores), problems])
        write_text_safely(Path(folder) / "comparison.csv", text.getvalue())
        told = {
            **self.plan.shared(),
            "seeds": list(self.plan.seeds),
            "images": {"train": self.images[0], "held_out": self.images[1]},
            "processes": self.processes,
            "common_loss": self.common_loss,
            "same_start": self.same_start,
            "variants": [asdict(each) for each in self.ranking()],
        }
        write_text_safely(Path(folder) / "comparison.json", json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def compare(
    system: str | type,
    train: Split,
    variants: Mapping[str, Mapping[str, Any]],
    *,
    folder: str | Path,
    settings: Mapping[str, Any] | None = None,
    epochs: int = 5,
    seeds: int | Sequence[int] = 3,
    hold_out: float = 0.2,
    images: int | None = None,
    processes: int | None = None,
    restart: bool = False,
    data: Mapping[str, Any] | None = None,
    progress: Any = None,
) -> Comparison:
    """Train a system under each of several settings, from the same start and on the same images.

    Args:
        system: a noun of `SYSTEMS`, or a class.
        train: the training part of the data; a share of it, the same for all runs, judges them.
        variants: by name, the settings of each; `combinations(optimizer=[...], learning_rate=[...])` makes them.
        folder: keeps every run; the same call again goes on, with more variants or seeds by wish.
        settings: of the constructor or of `fit`, the same for all.
        epochs: of each run.
        seeds: how many, from 0, or which.
        hold_out: share of the images that judges.
        images: learn from so many of the others only, of each class alike.
        processes: trainings at the same time; by default one a core.
        restart: delete what the folder holds and begin anew.
        data: what shall be noted of the data.
        progress: is told what happens, see `firstlight.cli.progress`.

    Raises:
        FirstlightError: an unknown setting, too few images, or a folder with runs of other settings.
    """
    seeds = plain(seeds)
    chosen = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    plan = make_plan(system, variants, settings, epochs, chosen)
    parts = divide(train, hold_out, images, seed=0)
    noted = plain({**(data or {}), "hold_out": hold_out, "images": images, "fingerprint": fingerprint(*parts)})
    kept = ComparisonFolder(folder)
    kept.begin(plan, noted, restart)
    return _compared(plan, parts, kept, processes or available_cores(), progress or Silent())


def _compared(
    plan: Plan, parts: tuple[Split, Split], kept: ComparisonFolder, processes: int, progress: Any
) -> Comparison:
    """Train what is missing of a plan and write down what came of all; see `compare`."""
    runs = plan.runs()
    missing = [run for run in runs if not kept.is_over(run)]
    if len(missing) < len(runs):
        progress.message(f"{len(runs) - len(missing)} of {len(runs)} runs are there already")
    if missing:
        processes = min(processes, len(missing))
        with TemporaryDirectory() as temporary:
            files = {name: Path(temporary) / f"{name}.npz" for name in ("train", "held")}
            for file, split in zip(files.values(), parts, strict=True):
                write_split(file, split)
            jobs = [_job(plan, run, kept, files, processes) for run in missing]
            run_jobs(jobs, processes, _Watch(plan, missing, kept, progress))
    records: dict[str, list[dict[str, Any]]] = {name: [] for name in plan.variants}
    for run in runs:
        records[run.variant].append(kept.read(run) or {"seed": run.seed, "status": "failed", "reason": "no record"})
    together = max(run.get("processes", processes) for each in records.values() for run in each)
    found = Comparison(plan, records, (len(parts[0]), len(parts[1])), together)
    found.save(kept.path)
    return found


class _Watch:
    """Tells the reader how far the runs are, all together, and of each what came of it."""

    def __init__(self, plan: Plan, runs: Sequence[Run], kept: ComparisonFolder, progress: Any):
        self.plan, self.runs, self.kept, self.progress = plan, runs, kept, progress
        self.shares, self.percent = [0.0] * len(runs), 0
        self.done = progress.task(f"{len(runs)} runs, in percent", 100)

    def __call__(self, told: Told) -> None:
        """Take in what a process says."""
        run = self.runs[told.job]
        self.shares[told.job] = 1.0 if told.over else min(told.share, 0.99)
        if told.problem:
            self.kept.write_failure(run, told.problem)
        if told.over:
            self.progress.message(self._line(run))
        percent = int(100 * sum(self.shares) / len(self.shares) + 1e-9)
        if percent > self.percent:
            self.percent = percent
            self.done(percent)

    def _line(self, run: Run) -> str:
        record = self.kept.read(run) or {"status": "failed", "reason": "no record"}
        name = f"{run.variant}, seed {run.seed}"
        if record["status"] != "finished":
            return f"{name}: {record['status']}: {record['reason']}"
        return f"{name}: {self.plan.score} {record['score']:.4f}, {record['seconds_in_all']:.0f} s"


def _job(plan: Plan, run: Run, kept: ComparisonFolder, files: Mapping[str, Path], processes: int) -> dict[str, Any]:
    """What a process is told; `about` is what the file of the run begins with."""
    return {
        "system": plan.system,
        "settings": run.settings,
        "training": {**plan.training, "seed": run.seed},
        "score": plan.score,
        "train": str(files["train"]),
        "held": str(files["held"]),
        "file": str(kept.file(run).resolve()),
        "about": {"variant": run.variant, "settings": run.settings, "seed": run.seed, "processes": processes},
    }
