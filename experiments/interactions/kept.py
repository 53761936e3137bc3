"""Does the walk index that a sparsifier keeps predict the accuracy that a GNN keeps? ``wis interactions kept``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from wis.experiments.interactions.correlation import spearman
from wis.experiments.pages.page import Section, write_page
from wis.experiments.pages.svg import COLOURS, figure, legend_above
from wis.experiments.pages.tables import write_table
from wis.experiments.running.rows import Rows

from wis.progress import track

if TYPE_CHECKING:
    import pandas as pd

DEPTH = 3
_DRAWS = 2_000


@dataclass(frozen=True)
class Plan:
    """What is compared; the defaults are the committed run.

    Attributes
    ----------
    dataset, model, protocol
        As in ``wis sweep``.
    methods
        Sparsifiers, with options after a colon.
    removed
        Shares of edges removed.
    seeds
        Number of seeds, of the methods that draw and of the training.
    """

    dataset: str = "Cora"
    model: str = "gcn"
    protocol: str = "reduced"
    methods: tuple[str, ...] = (
        "random", "spectral", "wis:depth=2", "wis:depth=3", "teddy", "jaccard", "local-degree", "spanning-forest",
    )  # fmt: skip
    removed: tuple[float, ...] = (0.1, 0.25, 0.5, 0.75, 0.9)
    seeds: int = 3


def run_kept(out: Path, plan: Plan, *, data_root: Path | None = None, progress: bool = True) -> Rows:
    """Do the runs that ``out`` does not have yet.

    Returns
    -------
    Rows
        A row a run: test accuracy, and the sum and the least of the walk indices ``WI_{2,t}({t})`` of all vertices.
    """
    from wis.baselines.gnn.fit import fit
    from wis.experiments.datasets.load import load

    import wis
    from wis.registry import parse_method

    rows = Rows(out / "runs.jsonl", asdict(plan))
    grid = [
        (method, removed, seed)
        for seed in range(plan.seeds)
        for method, removed in [("none", 0.0), *((m, r) for m in plan.methods for r in plan.removed)]
    ]
    todo = [cell for cell in grid if _key(*cell) not in rows]
    data = load(plan.dataset, data_root) if todo else None
    with track(len(todo), "walk index kept", unit="runs", enabled=progress) as advance:
        for method, removed, seed in todo:
            sparse = data
            if method != "none":
                name, options = parse_method(method)
                sparse = wis.sparsify(data, 1 - removed, method=name, seed=seed, **options)
            walks = wis.closed_walks(sparse, DEPTH)
            found = fit(plan.model, sparse, seed=seed, device="cpu", protocol=plan.protocol)
            rows.add(_key(method, removed, seed), {
                "method": method, "removed": removed, "seed": seed, "accuracy": found.test_score,
                "walks": int(walks.sum()), "worst": int(walks.min()), "isolated": float((walks == 0).float().mean()),
            })  # fmt: skip
            advance(1)
    return rows


def _key(method: str, removed: float, seed: int) -> str:
    return f"{method} | removed {removed:g} | seed {seed}"


def report_kept(out: Path, rows: Rows, plan: Plan, command: str) -> dict[str, pd.DataFrame]:
    """Write tables, a figure and the page; returns the tables."""
    cells = kept(rows.frame())
    tables = {"answer": answer(cells), "cells": cells}
    for name, table in tables.items():
        write_table(table, out / name, command)
    _draw(out / "kept.svg", cells)
    write_page(out / "report.html", "Walk index kept and accuracy kept", command, [
        Section(
            f"{plan.dataset}, {plan.model.upper()}",
            f"{len(plan.methods)} sparsifiers at {len(plan.removed)} shares, means over {plan.seeds} seeds. Walk "
            "index: "
            f"WI_{{L−1,t}}({{t}}) of every vertex t at L = {DEPTH}, its sum and its least, over that of the whole "
            "graph. "
            "Over all cells the correlation owes much to the share: whatever falls with the number of edges goes along "
            "with accuracy, and so does the share itself, for comparison. Within a share only methods differ.",
            [tables["answer"], tables["cells"]], [out / "kept.svg"],
            note="Spearman's correlation. Interval: 95%, of correlations in tables whose methods are drawn with "
            f"replacement, {_DRAWS:,} times.",
        ),
    ], kicker="Walk index and interactions")  # fmt: skip
    return tables


def kept(frame: pd.DataFrame) -> pd.DataFrame:
    """A cell a method and share: accuracy and walk index over those of the whole graph, means over seeds."""
    whole = frame[frame.method == "none"].mean(numeric_only=True)
    means = frame[frame.method != "none"].groupby(["method", "removed"], sort=False).mean(numeric_only=True)
    cells = means.reset_index().drop(columns=["seed"])
    for column in ("accuracy", "walks", "worst"):
        cells[f"{column} kept"] = cells[column] / whole[column]
    return cells


def answer(cells: pd.DataFrame) -> pd.DataFrame:
    """Spearman's correlation of accuracy kept with what is kept of each measure, over all cells and within a share."""
    import pandas as pd

    records = []
    for measure, values in (
        ("walk index, sum", cells["walks kept"]),
        ("walk index, worst vertex", cells["worst kept"]),
        ("vertices with an edge", 1 - cells["isolated"]),
        ("edges", 1 - cells["removed"]),
    ):
        table = pd.DataFrame({
            "method": cells.method, "removed": cells.removed, "x": values, "y": cells["accuracy kept"],
        })  # fmt: skip
        for scope, statistic in (("all cells", _pooled), ("within a share", _within)):
            low, high = _interval(table, statistic)
            records.append({"kept": measure, "over": scope, "Spearman": statistic(table), "from": low, "to": high})
    return pd.DataFrame(records)


def _pooled(table: pd.DataFrame) -> float:
    return spearman(table.x, table.y)


def _within(table: pd.DataFrame) -> float:
    """The mean of the correlations at every share where the measure is not constant."""
    each = [_pooled(group) for _, group in table.groupby("removed")]
    known = [value for value in each if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _interval(table: pd.DataFrame, statistic: Any) -> Sequence[float]:
    """Percentile bootstrap over methods, whose cells stay together."""
    import pandas as pd

    rng = np.random.default_rng(0)
    groups = [group for _, group in table.groupby("method")]
    drawn = [
        statistic(pd.concat([groups[i] for i in rng.integers(len(groups), size=len(groups))])) for _ in range(_DRAWS)
    ]
    return (
        [float(value) for value in np.nanpercentile(drawn, [2.5, 97.5])] if not np.isnan(drawn).all() else [np.nan] * 2
    )


def _draw(path: Path, cells: pd.DataFrame) -> None:
    with figure(path, columns=2) as axes:
        for place, (column, label) in zip(
            axes,
            (("walks kept", "sum of walk indices kept"), ("worst kept", "worst vertex's walk index kept")),
            strict=True,
        ):
            for colour, (name, group) in zip(COLOURS, cells.groupby("method", sort=False), strict=False):
                place.plot(group[column], group["accuracy kept"], "o-", color=colour, markersize=4, label=name)
            place.set(xlabel=label, ylabel="accuracy kept")
        legend_above(axes[0], columns=4)
