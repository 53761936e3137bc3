"""What training on "is same class" says: tables, figures and pages of ``wis interactions same-class`` and ``dose``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from wis.experiments.interactions.correlation import spearman
from wis.experiments.interactions.same_class import Protocol
from wis.experiments.pages.page import Section, write_page
from wis.experiments.pages.svg import COLOURS, GREY, figure, legend_above
from wis.experiments.pages.tables import write_table
from wis.experiments.report.analysis import summarise
from wis.experiments.running.rows import Rows

if TYPE_CHECKING:
    import pandas as pd

_KICKER = "Walk index and interactions"


def report_same_class(out: Path, rows: Rows, protocol: Protocol, command: str) -> dict[str, pd.DataFrame]:
    """Write tables, a figure and the page; returns the tables."""
    frame = rows.frame()
    tables = {"accuracy": accuracy_table(frame), "differences": differences(frame), "runs": runs_table(frame)}
    for name, table in tables.items():
        write_table(table, out / name, command)
    _draw_models(out / "accuracy.svg", frame)
    write_page(out / "report.html", "Is same class, where the walk index is low and high", command, [
        Section(
            "The arrangement with the larger walk index against the other",
            "Two images, cut into 16 runs of pixels each, on two cliques of 16 vertices joined by an edge. Low: an "
            "image in each clique. High: half of both images in each clique. The graph, the images and the model are "
            "the same; only where the runs are differs, and with it the walk index of the partition into images.\n\n"
            f"{how(protocol)} Difference: high − low in percentage points, paired by seed, with its 95% interval.",
            [tables["differences"], tables["accuracy"]], [out / "accuracy.svg"],
            note=f"The runs took {frame.seconds.sum():.0f} s, added up.",
        ),
    ], kicker=_KICKER)  # fmt: skip
    return tables


def how(protocol: Protocol) -> str:
    """The protocol in words."""
    others = "".join(f", {name.upper()} {steps:,}" for name, steps in protocol.steps_of.items())
    batches = "full batches" if protocol.batch is None else f"batches of {protocol.batch:,}"
    train = "at the last step" if protocol.batch is None else "over the last 50 batches"
    return (
        f"{protocol.train_pairs:,} training pairs in {batches}, {protocol.steps:,} steps of Adam at most{others}; "
        f"{protocol.test_pairs:,} pairs of other images for the test; train accuracy is taken {train}."
    )


def runs_table(frame: pd.DataFrame) -> pd.DataFrame:
    """One line a run."""
    return frame.drop(columns=["run", "seconds"]).sort_values(["model", "walk_index", "seed"], ignore_index=True)


def accuracy_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation over seeds, in percent."""
    import pandas as pd

    records = []
    for (model, name, index), group in frame.groupby(["model", "arrangement", "walk_index"]):
        records.append({
            "model": model, "arrangement": name, "walk index": index, "seeds": len(group),
            "train %": _spread(group.train), "test %": _spread(group.test),
        })  # fmt: skip
    return pd.DataFrame(records).sort_values(["model", "walk index"], ignore_index=True)


def _spread(values: pd.Series) -> str:
    return f"{100 * values.mean():.1f} ± {100 * values.std(ddof=1):.1f}"


def differences(frame: pd.DataFrame) -> pd.DataFrame:
    """The difference high − low of every model, paired by seed, and what it says."""
    import pandas as pd

    records = []
    for model, group in frame.groupby("model"):
        for what in ("test", "train"):
            table = 100 * group.pivot(index="seed", columns="arrangement", values=what)
            if {"high", "low"} - {*table.columns}:
                continue
            found = summarise((table.high - table.low).dropna())
            records.append({
                "model": model, "accuracy": what, "seeds": found["seeds"], "high − low": found["mean"],
                "from": found["low"], "to": found["high"], "verdict": verdict(found["low"], found["high"]),
            })  # fmt: skip
    return pd.DataFrame(records)


def verdict(low: float, high: float) -> str:
    """What an interval of the difference high − low says."""
    if low > 0:
        return "higher where the walk index is higher"
    return "lower where the walk index is higher" if high < 0 else "no difference shown"


def _draw_models(path: Path, frame: pd.DataFrame) -> None:
    models = sorted(frame.model.unique())
    with figure(path, columns=2) as axes:
        for place, what in zip(axes, ("train", "test"), strict=True):
            for colour, (name, group) in zip(COLOURS, frame.groupby("arrangement"), strict=False):
                at = [models.index(model) + (0.12 if name == "high" else -0.12) for model in group.model]
                label = f"{name}, WI {group.walk_index.iloc[0]:,}"
                place.plot(at, 100 * group[what], "o", color=colour, alpha=0.7, label=label)
            place.axhline(50, color=GREY, linewidth=1)
            place.set(xticks=range(len(models)), xticklabels=[m.upper() for m in models], ylabel=f"{what} accuracy, %")
        legend_above(axes[0], columns=2)


def report_dose(out: Path, rows: Rows, protocol: Protocol, command: str) -> dict[str, pd.DataFrame]:
    """Write tables, a figure and the page; returns the tables."""
    frame = rows.frame()
    tables = {"accuracy": accuracy_table(frame), "trend": trend(frame), "runs": runs_table(frame)}
    for name, table in tables.items():
        write_table(table, out / name, command)
    _draw_dose(out / "dose.svg", frame)
    write_page(out / "report.html", "Accuracy against the walk index, arrangement by arrangement", command, [
        Section(
            "One graph, eight arrangements",
            "The task is \"is same class\" on a ring of eight cliques of four vertices. Some cliques hold the same "
            "two runs of both images, the others four runs of one; cliques of one image stand together or in turns. "
            f"{how(protocol)}",
            [tables["trend"], tables["accuracy"]], [out / "dose.svg"],
            note="Trend: Spearman's correlation of accuracy with the walk index and the slope of a straight line, in "
            "percentage points for each 100 walks; one of each a seed, then their mean and its 95% interval.",
        ),
    ], kicker=_KICKER)  # fmt: skip
    return tables


def trend(frame: pd.DataFrame) -> pd.DataFrame:
    """How accuracy follows the walk index: a correlation and a slope a seed, and their means."""
    import pandas as pd

    records = []
    for model, runs in frame.groupby("model"):
        for what in ("test", "train"):
            seeds = [group for _, group in runs.groupby("seed")]
            values = {
                "Spearman": [spearman(group.walk_index, group[what]) for group in seeds],
                "slope, points a 100 walks": [1e4 * np.polyfit(group.walk_index, group[what], 1)[0] for group in seeds],
            }
            for name, each in values.items():
                found = summarise(pd.Series(each))
                records.append({
                    "model": model, "accuracy": what, "statistic": name, "seeds": found["seeds"],
                    "mean": found["mean"], "from": found["low"], "to": found["high"],
                })  # fmt: skip
    return pd.DataFrame(records)


def _draw_dose(path: Path, frame: pd.DataFrame) -> None:
    with figure(path) as axes:
        for colour, what in zip(COLOURS, ("train", "test"), strict=False):
            axes[0].plot(frame.walk_index, 100 * frame[what], "o", color=colour, alpha=0.4, markersize=4)
            means = 100 * frame.groupby("walk_index")[what].mean()
            axes[0].plot(means.index, means, color=colour, label=what)
        axes[0].axhline(50, color=GREY, linewidth=1)
        axes[0].set(xlabel="walk index", ylabel="accuracy, %")
        legend_above(axes[0], columns=2)
