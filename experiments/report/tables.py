"""The tables of a report, each in three shapes: for the page, as Markdown, and as tidy CSV."""

from __future__ import annotations

import math

import pandas as pd
from wis.experiments.pages.tables import Grid
from wis.experiments.report.analysis import groups, methods_of, nearest_half, rows_of
from wis.experiments.report.evidence_tables import (
    evidence_table,
    gains_table,
    leaderboard_table,
    published_table,
    record_table,
    side_by_side_table,
)
from wis.experiments.report.findings import Findings
from wis.experiments.report.labels import method_label, model_label, percent, removal
from wis.experiments.report.table import (
    Parts,
    Table,
    by_share,
    extent,
    group_title,
    mebibytes_text,
    p_text,
    plus_minus,
    seconds_text,
    with_interval,
)

# Names of the files of all tables that a report can have.
TABLE_NAMES = (
    "accuracy", "differences", "evidence", "record", "published", "runs-side-by-side", "gains", "leaderboard", "ranks",
    "cost", "training", "structure", "kept", "unfinished",
)  # fmt: skip


def make_tables(findings: Findings) -> list[Table]:
    """All tables that the findings fill."""
    baseline = findings.baseline
    tables = [accuracy_table(findings.accuracy, findings.score)]
    if baseline is not None:
        tables += [difference_table(findings.differences, findings.averages, baseline)]
    tables += [evidence_table(findings.evidence, baseline), record_table(findings.record, baseline)]
    tables += [published_table(findings.published), side_by_side_table(findings.side_by_side)]
    tables += [gains_table(findings.gains, findings.break_even), leaderboard_table(findings.leaderboard)]
    tables += [rank_table(findings.ranks), cost_table(findings.costs), training_table(findings.training)]
    tables += [structure_table(findings.structure), kept_table(findings.kept), unfinished_table(findings.unfinished)]
    return [table for table in tables if table.parts]


def accuracy_table(data: pd.DataFrame, score: str) -> Table:
    """Mean ± standard error; the best of each row stands out."""
    parts: Parts = {}
    for key, part in groups(data):
        grid = by_share(part, lambda row: plus_minus(row["mean"], row["standard_error"]))
        means = part.pivot_table(index="removed", columns="method", values="mean", sort=False)[methods_of(part)]
        strong = {
            (i, 1 + j)
            for i, (removed, row) in enumerate(means.sort_index().iterrows())
            if 0 < float(str(removed)) < 1 and row.notna().sum() > 1
            for j, value in enumerate(row)
            if round(value, 1) == round(row.max(), 1)
        }
        parts[key] = Grid(group_title(key), ["removed", *map(method_label, methods_of(part))], grid, frozenset(strong))
    note = f"Test {score} in percent, mean ± standard error over {extent(data)}. The best mean of each row is bold."
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
        rows = [[head, *(with_interval(by[m]) if m in by else "–" for m in methods)] for head, by in found]
        strong = {
            (i, 1 + j)
            for i, (_, by) in enumerate(found)
            for j, method in enumerate(methods)
            if method in by and (by[method]["low"] > 0 or by[method]["high"] < 0)
        }
        parts[key] = Grid(group_title(key), ["removed", *map(method_label, methods)], rows, frozenset(strong))
    name = removal(baseline)
    note = (
        f"Points above {name}, paired by split and seed, over {extent(data)}, with the 95% interval by Student's t. "
        "Bold: the interval excludes zero. Intervals are not corrected for the number of comparisons."
    )
    return Table("differences", f"Difference to {name}", note, data, parts)


def rank_table(data: pd.DataFrame) -> Table:
    """Mean ranks, Friedman and Nemenyi."""
    parts: Parts = {}
    for within, part in data.groupby("within", sort=False):
        rows = [
            [method_label(row["method"]), f"{row['mean_rank']:.2f}", p_text(row["p_against_best"]) if i else "best"]
            for i, row in enumerate(part.to_dict("records"))
        ]
        first = part.iloc[0]
        kind = "pairs of data set and model" if within == "all data sets and models" else "runs"
        dataset, _, model = str(within).partition(", ")
        shown = f"{dataset}, {model_label(model)}" if model else dataset
        title = f"{shown}: {first['blocks']} {kind}, Friedman p {p_text(first['p_friedman'], relation=True)}"
        parts[(str(within),)] = Grid(title, ["method", "mean rank", "p against the best"], rows)
    note = (
        "Methods ranked by accuracy averaged over the removed shares (1 is best); Friedman's test that all are equal, "
        "and Nemenyi's test against the best. Where blocks are runs, this speaks of one data set only."
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
                seconds_text(row["order_seconds"]),
                mebibytes_text(row["order_peak_bytes"]),
                seconds_text(row["sparsify_seconds"]),
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
                f"{row['batches']:,.0f}",
                seconds_text(row["train_seconds"]),
                seconds_text(row["epoch_seconds"]),
                seconds_text(row["inference_seconds"]),
            ]
            for row in part.sort_values("removed").to_dict("records")
        ]
        columns = ["removed", "edges left", "epochs", "batches", "training", "one epoch", "one forward pass"]
        parts[key] = Grid(group_title(key), columns, rows)
    note = (
        "Medians over methods and seeds, without the time of the sparsifier. Other work on the machine slows them. "
        "Batches are those of an epoch: 1 is the whole graph at once."
    )
    return Table("training", "Training and inference", note, data, parts)


def structure_table(data: pd.DataFrame) -> Table:
    """Edges, components and isolated vertices left."""
    parts: Parts = {}
    for dataset, part in data.groupby("dataset", sort=False):
        methods = methods_of(part)
        left = part.groupby("removed")["pairs"].first()
        grid = by_share(part, lambda row: f"{row['components']:,.0f} / {row['isolated']:,.0f}")
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
        [group_title((str(dataset), str(model))), method_label(str(method)), str(status), str(len(part)), str(message)]
        for (dataset, model, method, status, message), part in data.groupby(
            ["dataset", "model", "method", "status", "message"], sort=False
        )
    ]
    part = Grid("", ["data set, model", "method", "status", "runs", "message"], rows)
    note = "These are in no other table. A diverged run ended with a loss that is not finite."
    return Table("unfinished", "Runs without a result", note, data, {("",): part} if rows else {})
