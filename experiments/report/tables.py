"""The tables of a report, each in three shapes: for the page, as Markdown, and as tidy CSV."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import pandas as pd
from wis.experiments.pages.tables import Grid, markdown_text
from wis.experiments.report.analysis import groups, methods_of, nearest_half, rows_of
from wis.experiments.report.findings import Findings
from wis.experiments.report.labels import method_label, model_label, percent, removal

# Names of the files of all tables that a report can have.
TABLE_NAMES = ("accuracy", "differences", "ranks", "cost", "training", "structure", "kept", "unfinished")


# Grids by what they are about, such as (data set, model).
Parts: TypeAlias = dict[tuple[str, ...], Grid]


@dataclass(frozen=True)
class Table:
    """One table of a report.

    Attributes
    ----------
    name
        Name of its files.
    title
        Its heading.
    note
        What the numbers are.
    data
        The tidy numbers, unrounded: the CSV file.
    parts
        The grids.
    """

    name: str
    title: str
    note: str
    data: pd.DataFrame
    parts: Parts

    def markdown(self) -> str:
        """Heading, note and all grids."""
        blocks = [f"## {markdown_text(self.title)}", markdown_text(self.note)]
        for part in self.parts.values():
            blocks += [f"**{markdown_text(part.title)}**", part.markdown()]
        return "\n\n".join(blocks) + "\n"


def make_tables(findings: Findings) -> list[Table]:
    """All tables that the findings fill."""
    tables = [accuracy_table(findings.accuracy)]
    if findings.baseline is not None:
        tables += [difference_table(findings.differences, findings.averages, findings.baseline)]
    tables += [rank_table(findings.ranks), cost_table(findings.costs), training_table(findings.training)]
    tables += [structure_table(findings.structure), kept_table(findings.kept), unfinished_table(findings.unfinished)]
    return [table for table in tables if table.parts]


def accuracy_table(data: pd.DataFrame) -> Table:
    """Mean ± standard error; the best of each row stands out."""
    parts: Parts = {}
    for key, part in groups(data):
        grid = _grid(part, lambda row: _plus_minus(row["mean"], row["standard_error"]))
        means = part.pivot_table(index="removed", columns="method", values="mean", sort=False)[methods_of(part)]
        strong = {
            (i, 1 + j)
            for i, (removed, row) in enumerate(means.sort_index().iterrows())
            if 0 < float(str(removed)) < 1 and row.notna().sum() > 1
            for j, value in enumerate(row)
            if round(value, 1) == round(row.max(), 1)
        }
        parts[key] = Grid(_title(key), ["removed", *map(method_label, methods_of(part))], grid, frozenset(strong))
    note = f"Test accuracy in percent, mean ± standard error over {_seeds(data)}. The best mean of each row is bold."
    return Table("accuracy", "Accuracy", note, data, parts)


def difference_table(data: pd.DataFrame, average: pd.DataFrame, baseline: str) -> Table:
    """Paired differences to the baseline with 95 % intervals; those that exclude zero stand out."""
    parts: Parts = {}
    for key, part in groups(data):
        mine = rows_of(average, *key)
        shares = [(percent(removed), part[part["removed"] == removed]) for removed in sorted(set(part["removed"]))]
        lines = [*shares, ("average", mine)] if len(shares) > 1 else shares
        found = [(head, {row["method"]: row for row in line.to_dict("records")}) for head, line in lines]
        methods = methods_of(part)
        rows = [[head, *(_difference(by[m]) if m in by else "–" for m in methods)] for head, by in found]
        strong = {
            (i, 1 + j)
            for i, (_, by) in enumerate(found)
            for j, method in enumerate(methods)
            if method in by and (by[method]["low"] > 0 or by[method]["high"] < 0)
        }
        parts[key] = Grid(_title(key), ["removed", *map(method_label, methods)], rows, frozenset(strong))
    name = removal(baseline)
    note = (
        f"Points of test accuracy above {name}, paired by seed over {_seeds(data)}, with the 95% interval by Student's "
        "t. Bold: the interval excludes zero. Intervals are not corrected for the number of comparisons."
    )
    return Table("differences", f"Difference to {name}", note, data, parts)


def rank_table(data: pd.DataFrame) -> Table:
    """Mean ranks, Friedman and Nemenyi."""
    parts: Parts = {}
    for within, part in data.groupby("within", sort=False):
        rows = [
            [method_label(row["method"]), f"{row['mean_rank']:.2f}", _p_value(row["p_against_best"]) if i else "best"]
            for i, row in enumerate(part.to_dict("records"))
        ]
        first = part.iloc[0]
        kind = "pairs of data set and model" if within == "all data sets and models" else "seeds"
        dataset, _, model = str(within).partition(", ")
        shown = f"{dataset}, {model_label(model)}" if model else dataset
        title = f"{shown}: {first['blocks']} {kind}, Friedman p {_p_value(first['p_friedman'], relation=True)}"
        parts[(str(within),)] = Grid(title, ["method", "mean rank", "p against the best"], rows)
    note = (
        "Methods ranked by accuracy averaged over the removed shares (1 is best); Friedman's test that all are equal, "
        "and Nemenyi's test against the best. Where blocks are seeds, this speaks of one split of one data set only."
    )
    return Table("ranks", "Ranks", note, data, parts)


def cost_table(data: pd.DataFrame) -> Table:
    """What each sparsifier cost."""
    parts: Parts = {}
    for dataset, part in data.groupby("dataset", sort=False):
        rows = [
            [
                method_label(row["method"]),
                str(row["orders"]) if row["orders"] else "none: chooses for every share",
                _seconds(row["order_seconds"]),
                _mebibytes(row["order_peak_bytes"]),
                _seconds(row["sparsify_seconds"]),
            ]
            for row in part.to_dict("records")
        ]
        columns = ["method", "orders computed", "time of one order", "peak memory", "time to build a sparse graph"]
        parts[(str(dataset),)] = Grid(str(dataset), columns, rows)
    note = (
        "Medians. One order serves every share, and every seed where the method draws nothing. Compilation, once a "
        "machine, is left out. Peak memory is that of the whole process, libraries and data set included."
    )
    return Table("cost", "What the sparsifiers cost", note, data, parts)


def training_table(data: pd.DataFrame) -> Table:
    """Times of training and inference."""
    parts: Parts = {}
    for key, part in groups(data):
        rows = [
            [
                percent(row["removed"]),
                f"{row['pairs']:,.0f}",
                f"{row['epochs']:,.0f}",
                _seconds(row["train_seconds"]),
                _seconds(row["epoch_seconds"]),
                _seconds(row["inference_seconds"]),
            ]
            for row in part.sort_values("removed").to_dict("records")
        ]
        columns = ["removed", "edges left", "epochs", "training", "one epoch", "one forward pass"]
        parts[key] = Grid(_title(key), columns, rows)
    note = "Medians over methods and seeds, without the time of the sparsifier. Other work on the machine slows them."
    return Table("training", "Training and inference", note, data, parts)


def structure_table(data: pd.DataFrame) -> Table:
    """Edges, components and isolated vertices left."""
    parts: Parts = {}
    for dataset, part in data.groupby("dataset", sort=False):
        methods = methods_of(part)
        left = part.groupby("removed")["pairs"].first()
        grid = _grid(part, lambda row: f"{row['components']:,.0f} / {row['isolated']:,.0f}")
        rows = [[row[0], f"{left[removed]:,.0f}", *row[1:]] for row, removed in zip(grid, left.index, strict=True)]
        parts[(str(dataset),)] = Grid(str(dataset), ["removed", "edges left", *map(method_label, methods)], rows)
    note = "Connected components / isolated vertices, mean over orders. An isolated vertex is a component too."
    return Table("structure", "What is left of the graph", note, data, parts)


def kept_table(data: pd.DataFrame) -> Table:
    """Further measures of what was kept: on the page at the share nearest one half, in the CSV file at all."""
    parts: Parts = {}
    for dataset, part in data.groupby("dataset", sort=False):
        share = nearest_half(part["removed"])
        part = part[part["removed"] == share]
        wide = part.pivot_table(index="description", columns="method", values="mean", sort=False)[methods_of(part)]
        rows = [[str(name), *("–" if math.isnan(v) else f"{v:.3g}" for v in row)] for name, row in wide.iterrows()]
        title = f"{dataset}, {percent(share)} removed"
        parts[(str(dataset),)] = Grid(title, ["measure", *map(method_label, methods_of(part))], rows)
    note = "Measures of the sparse graph beside the whole one, mean over orders; kept.csv has all removed shares."
    return Table("kept", "What was kept", note, data, parts)


def unfinished_table(data: pd.DataFrame) -> Table:
    """Runs without a result, those that share their fate in one row."""
    rows = [
        [_title((str(dataset), str(model))), method_label(str(method)), str(status), str(len(part)), str(message)]
        for (dataset, model, method, status, message), part in data.groupby(
            ["dataset", "model", "method", "status", "message"], sort=False
        )
    ]
    part = Grid("", ["data set, model", "method", "status", "runs", "message"], rows)
    note = "These are in no other table. A diverged run ended with a loss that is not finite."
    return Table("unfinished", "Runs without a result", note, data, {("",): part} if rows else {})


def _grid(part: pd.DataFrame, show: Callable[[pd.Series], str]) -> list[list[str]]:
    """One row a removed share, one column a method; a dash where there is nothing."""
    found = {(row["removed"], row["method"]): show(row) for _, row in part.iterrows()}
    methods = methods_of(part)
    return [
        [percent(removed), *(found.get((removed, method), "–") for method in methods)]
        for removed in sorted(set(part["removed"]))
    ]


def _title(key: tuple[str, str]) -> str:
    return f"{key[0]}, {model_label(key[1])}"


def _seeds(data: pd.DataFrame) -> str:
    """``ten`` rows may have fewer than the others while a sweep is running."""
    least, most = (int(data["seeds"].min()), int(data["seeds"].max())) if len(data) else (0, 0)
    return f"{most} seed{'s' * (most != 1)}" if least == most else f"{least} to {most} seeds"


def _plus_minus(mean: float, error: float) -> str:
    return f"{mean:.1f}" if math.isnan(error) else f"{mean:.1f} ± {error:.1f}"


def _difference(row: Mapping[Any, Any]) -> str:
    shown = _signed(row["mean"])
    return shown if math.isnan(row["low"]) else f"{shown} [{_signed(row['low'])}, {_signed(row['high'])}]"


def _signed(value: float) -> str:
    """With a real minus sign, and no sign before zero."""
    text = f"{value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def _p_value(p: float, *, relation: bool = False) -> str:
    if math.isnan(p):
        return "–"
    if p < 0.001:
        return "< 0.001"
    return f"= {p:.3f}" if relation else f"{p:.3f}"


def _seconds(seconds: float) -> str:
    if math.isnan(seconds):
        return "–"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}" if seconds < 1000 else f"{seconds:,.0f} s"
    return "< 1 µs"


def _mebibytes(count: float) -> str:
    return "–" if math.isnan(count) else f"{count / 2**20:,.0f} MiB"
