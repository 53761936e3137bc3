"""The paper's three findings as tables, over the stages that have been run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from wis.experiments.lm.grue.pipeline import STAGES
from wis.experiments.lm.grue.sampling import make_tracker
from wis.experiments.pages.page import Section, write_page
from wis.experiments.pages.svg import INK, figure
from wis.experiments.pages.tables import write_table
from wis.experiments.running.rows import read_rows

from wis.lm import RewardTracker

if TYPE_CHECKING:
    import pandas as pd

SMALL_STD = 0.05
LOW_REWARD = 0.1
THRESHOLDS = (0.01, SMALL_STD, 0.1)

Trackers = dict[str, dict[str, RewardTracker]]


def read_trackers(out: Path) -> Trackers:
    """The sampling passes under `out`, by data set and stage.

    Raises
    ------
    FileNotFoundError
        If no data set has its pretrained pass.
    """
    found: Trackers = {}
    for folder in sorted(path for path in out.iterdir() if path.is_dir()) if out.is_dir() else []:
        stages = {stage: _read(folder / stage / "samples.jsonl") for stage in STAGES}
        present = {stage: tracker for stage, tracker in stages.items() if tracker is not None}
        if "pretrained" in present:
            found[folder.name] = present
    if not found:
        raise FileNotFoundError(f"{out} has no sampling pass of a pretrained model; run 'wis lm grue run' first")
    return found


def prevalence(trackers: Trackers) -> pd.DataFrame:
    """Finding I: how many train inputs have a small reward std, and a low reward with it."""
    import pandas as pd

    records = []
    for name, stages in trackers.items():
        tracker = stages["pretrained"]
        summary = tracker.summary(thresholds=THRESHOLDS)
        small = (tracker.std() < SMALL_STD) & (tracker.mean() < LOW_REWARD)
        record = {
            "data set": name, "inputs": summary.inputs, "mean reward": summary.mean_reward, "p10 std": summary.p10_std,
            "zero std": summary.fraction_zero,
        }  # fmt: skip
        for part in summary.below:
            record[f"std < {part.threshold:g}"] = part.estimate
            record[f"surely / possibly < {part.threshold:g}"] = f"{part.surely:.3f} / {part.possibly:.3f}"
        records.append(record | {f"std < {SMALL_STD:g} and reward < {LOW_REWARD:g}": float(small.mean())})
    return pd.DataFrame(records)


def movement(trackers: Trackers) -> pd.DataFrame:
    """Finding II: the reward before and after, apart for inputs whose std was small before and for the others."""
    import pandas as pd

    records = []
    for name, stages in trackers.items():
        before = stages["pretrained"]
        small = dict(zip(before.keys, before.std() < SMALL_STD, strict=True))
        start = dict(zip(before.keys, before.mean(), strict=True))
        for stage, after in stages.items():
            if stage == "pretrained":
                continue
            end = dict(zip(after.keys, after.mean(), strict=True))
            shared = [key for key in start if key in end]
            for group, wanted in (("small std", True), ("other", False)):
                keys = [key for key in shared if bool(small[key]) == wanted]
                first, last = (float(np.mean([m[k] for k in keys])) if keys else float("nan") for m in (start, end))
                records.append((name, stage, group, len(keys), first, last, last - first))
    columns = ["data set", "stage", "inputs with", "count", "reward before", "reward after", "change"]
    return pd.DataFrame(records, columns=columns)


def separation(trackers: Trackers) -> pd.DataFrame:
    """Finding III: the gap between SFT and RFT beside the share of small stds, a row a data set with both."""
    import pandas as pd

    records = []
    for name, stages in trackers.items():
        if not {"sft", "rft"} <= stages.keys():
            continue
        summary = stages["pretrained"].summary(thresholds=[SMALL_STD])
        rewards = {stage: float(tracker.mean().mean()) for stage, tracker in stages.items()}
        gap = rewards["sft"] - rewards["rft"]
        both = rewards.get("sft+rft", float("nan"))
        records.append((name, summary.p10_std, summary.below[0].estimate, rewards["sft"], rewards["rft"], both, gap))
    columns = ["data set", "p10 std", f"std < {SMALL_STD:g}", "SFT reward", "RFT reward", "SFT, then RFT", "SFT − RFT"]
    return pd.DataFrame(records, columns=columns)


def rank_correlation(table: pd.DataFrame) -> float:
    """Spearman's correlation of p10 std and the gap; NaN for fewer than three data sets."""
    from scipy.stats import spearmanr

    return float(spearmanr(table["p10 std"], table["SFT − RFT"])[0]) if len(table) >= 3 else float("nan")


def report_findings(out: Path, command: str) -> dict[str, pd.DataFrame]:
    """Write tables, the scatter of mean against std, and the page; returns the tables."""
    trackers = read_trackers(out)
    tables = {"prevalence": prevalence(trackers), "movement": movement(trackers), "separation": separation(trackers)}
    for name, table in tables.items():
        write_table(table, out / name, command)
    _scatter(out / "scatter.svg", trackers)
    rank = rank_correlation(tables["separation"])
    known = (
        "too few data sets for a rank correlation" if np.isnan(rank) else f"Spearman's correlation {rank:.2f} [ours]"
    )
    write_page(out / "report.html", "GRUE: reward std and finetuning", command, [
        Section(
            "I. Inputs with a small reward std",
            "3 of 7 data sets have considerably many train inputs with small reward std and low reward [paper]. A std "
            "from ten samples is uncertain: 'surely' and 'possibly' count inputs whose 95% interval lies wholly, or "
            "partly, below the threshold [ours].", [tables["prevalence"]], [out / "scatter.svg"],
        ),
        Section(
            "II. RFT hardly moves the reward of those inputs [paper]",
            "The small-std group is chosen by the samples that its reward before is the mean of, so a small rise may "
            "be regression to the mean.", [tables["movement"]],
        ),
        Section(
            "III. RFT does worse where they are many [paper]",
            f"The 10th percentile of reward std predicts the gap [2nd]; here: {known}.", [tables["separation"]],
        ),
    ])  # fmt: skip
    return tables


def _read(path: Path) -> RewardTracker | None:
    rows = read_rows(path)
    return make_tracker(rows) if rows else None


def _scatter(path: Path, trackers: Trackers) -> None:
    columns = min(4, len(trackers))
    with figure(path, columns=columns, rows=-(-len(trackers) // columns)) as axes:
        for axis, (name, stages) in zip(axes, trackers.items(), strict=False):
            tracker = stages["pretrained"]
            axis.scatter(tracker.mean(), tracker.std(), s=4, alpha=0.4, rasterized=len(tracker) > 2000)
            axis.axhline(SMALL_STD, color=INK, lw=0.8, ls="--")
            axis.set(title=name, xlabel="mean reward of the input", ylabel="reward std of the input")
        for axis in axes[len(trackers) :]:
            axis.set_axis_off()
