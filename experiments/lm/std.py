"""Reward std of rewards that were read from files: summary, tables and page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wis.experiments.lm.reward_files import Sample
from wis.experiments.pages.page import Section, write_page
from wis.experiments.pages.svg import figure
from wis.experiments.pages.tables import write_csv

from wis.lm import RewardSummary, RewardTracker

if TYPE_CHECKING:
    import pandas as pd


def describe(
    samples: Sequence[Sample],
    *,
    support: tuple[float, float] | None,
    binary: bool,
    thresholds: Sequence[float],
) -> tuple[RewardTracker, RewardSummary]:
    """The tracker of the last step that each input was visited in, and its summary."""
    tracker = track(samples, support=support, binary=binary)
    return tracker, tracker.summary(thresholds=thresholds)


def track(samples: Sequence[Sample], **options: Any) -> RewardTracker:
    """A tracker of the last step that each input was visited in: of the policy as it was last."""
    tracker = RewardTracker(**options)
    for visited in _steps(samples).values():
        tracker.update([sample.key for sample in visited], [sample.reward for sample in visited], restart=True)
    return tracker


def by_step(samples: Sequence[Sample]) -> pd.DataFrame:
    """One row a step, over the inputs that were visited in it."""
    import pandas as pd

    rows = []
    for step, visited in _steps(samples).items():
        tracker = RewardTracker()
        tracker.update([sample.key for sample in visited], [sample.reward for sample in visited])
        if (tracker.counts < 2).all():
            continue
        found = tracker.summary()
        rows.append((step, found.inputs, found.mean_reward, found.mean_std, found.p10_std, found.fraction_zero))
    return pd.DataFrame(rows, columns=["step", "inputs", "reward", "mean std", "10th percentile", "zero std"])


def _steps(samples: Sequence[Sample]) -> dict[int, list[Sample]]:
    found: dict[int, list[Sample]] = {}
    for sample in sorted(samples, key=lambda sample: sample.step):
        found.setdefault(sample.step, []).append(sample)
    return found


def write_inputs(tracker: RewardTracker, path: Path) -> None:
    """Write a CSV: name, samples, mean, std and its interval, one line an input."""
    import pandas as pd

    low, high = tracker.interval()
    table = pd.DataFrame(
        {
            "input": tracker.keys, "samples": tracker.counts, "mean": tracker.mean(), "std": tracker.std(),
            "std_low": low, "std_high": high, "zero": tracker.is_zero(),
        }
    )  # fmt: skip
    write_csv(table, path)


def write_report(tracker: RewardTracker, summary: RewardSummary, path: Path, command: str) -> None:
    """Write the page: the summary, and the scatter of mean against std beside it."""
    import pandas as pd

    drawing = path.with_suffix(".svg")
    with figure(drawing, columns=2) as (left, right):
        left.scatter(tracker.mean(), tracker.std(), s=5, alpha=0.5, rasterized=len(tracker) > 2000)
        left.set(xlabel="mean reward of the input", ylabel="reward std of the input")
        right.hist(tracker.std()[tracker.counts >= 2], bins=40)
        right.set(xlabel="reward std of the input", ylabel="inputs")
    table = pd.DataFrame(summary.metrics("std").items(), columns=["over inputs", "value"])
    section = Section("Reward std of each input", str(summary).replace("\n", "\n\n"), [table], [drawing])
    write_page(path, "Reward std", command, [section])
