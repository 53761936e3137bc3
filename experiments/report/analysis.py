"""The numbers of a report: tidy pandas tables, computed from the cells of a sweep and nothing else.

Accuracies are percentages. Intervals are 95 % intervals by Student's t. Where a plan has one split of a data set, they
are over seeds, and speak of initial weights, training and random orders, not of other splits. Where it has several,
seeds are nested in splits: the mean of a split's seeds counts once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from wis.experiments.report.statistics import tie_classes
from wis.experiments.sweep.results import Results

GRID = ["dataset", "model", "method", "removed"]
# What runs are paired by.
RUN = ["split", "seed"]
# Fewer blocks than this tell nothing about ranks.
MIN_BLOCKS = 5
_CONFIDENCE = 0.95


def finished(results: Results) -> pd.DataFrame:
    """The cells whose run is fine and has a score, with ``accuracy`` in percent."""
    cells = results.cells[results.cells["status"] == "ok"].copy()
    cells["accuracy"] = 100 * cells["test_score"].astype(float)
    cells = cells[np.isfinite(cells["accuracy"])]
    return cells.assign(metric=cells["metric"].fillna("accuracy"))


def groups(cells: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """The cells of each data set and model, in the order of the plan."""
    for key, part in cells.groupby(["dataset", "model"], sort=False):
        yield (str(key[0]), str(key[1])), part


def between(table: pd.DataFrame) -> pd.DataFrame:
    """The rows at shares strictly between 0 and 1, where methods differ."""
    return table[(table["removed"] > 0) & (table["removed"] < 1)]


def methods_of(table: pd.DataFrame) -> list[str]:
    """Its methods, in the order of the plan."""
    return list(dict.fromkeys(table["method"]))


def rows_of(table: pd.DataFrame, dataset: str, model: str) -> pd.DataFrame:
    """The rows of one data set and model."""
    return table[(table["dataset"] == dataset) & (table["model"] == model)]


def baseline_of(cells: pd.DataFrame) -> str | None:
    """The method that others are compared with: ``random``, else the first; None if there is only one."""
    methods = methods_of(cells)
    if len(methods) < 2:
        return None
    return "random" if "random" in methods else methods[0]


def nearest_half(removed: pd.Series) -> float:
    """The share nearest one half; the larger of two that are equally near."""
    return min(set(removed), key=lambda share: (round(abs(share - 0.5), 9), -share))


def summarise(values: pd.Series) -> dict[str, float]:
    """Mean, standard error and 95 % interval.

    Returns
    -------
    dict
        ``seeds``, ``mean``, ``standard_error``, ``low`` and ``high``; NaN where one seed tells nothing.
    """
    from scipy import stats

    count, mean = int(values.count()), float(values.mean())
    error = float(values.std(ddof=1)) / np.sqrt(count) if count > 1 else np.nan
    reach = error * stats.t.ppf(0.5 + _CONFIDENCE / 2, count - 1) if count > 1 else np.nan
    return {"seeds": count, "mean": mean, "standard_error": error, "low": mean - reach, "high": mean + reach}


def accuracy(cells: pd.DataFrame) -> pd.DataFrame:
    """Test accuracy over runs, for every data set, model, method and removed share.

    Returns
    -------
    pandas.DataFrame
        ``runs``, ``unit`` (``"seed"``, or ``"split"`` where there are several), ``units``, ``mean``, ``deviation`` (the
        unbiased standard deviation over runs), ``standard_error``, ``low`` and ``high`` (over units).
    """
    return _summaries(cells, GRID, "accuracy")


def differences(pairs: pd.DataFrame) -> pd.DataFrame:
    """Differences to the baseline at every share; ``pairs`` are from :func:`paired`."""
    return _summaries(pairs, GRID, "difference")


def average_differences(pairs: pd.DataFrame) -> pd.DataFrame:
    """Differences to the baseline, averaged over the removed shares before runs are compared.

    ``pairs`` are from :func:`paired`.
    """
    return _summaries(averaged(pairs), ["dataset", "model", "method"], "difference")


def averaged(pairs: pd.DataFrame) -> pd.DataFrame:
    """One row a run: its ``difference`` averaged over shares, of the runs that have a result at every share."""
    shares = pairs.groupby(["dataset", "model"])["removed"].transform("nunique")
    by_run = pairs.assign(shares=shares).groupby(["dataset", "model", "method", *RUN], sort=False)
    table = by_run.agg(difference=("difference", "mean"), found=("removed", "nunique"), shares=("shares", "first"))
    return table[table["found"] == table["shares"]].reset_index()


def paired(cells: pd.DataFrame, baseline: str | None) -> pd.DataFrame:
    """Every cell of another method beside the baseline's cell of the same run, with their ``difference``.

    At shares strictly between 0 and 1 only: at 0 and 1 every method leaves the same graph and shares the same run, so
    there is no difference to speak of. Empty where there is no baseline.
    """
    inner = between(cells)
    keys = ["dataset", "model", "removed", *RUN]
    reference = inner[inner["method"] == baseline][[*keys, "accuracy"]].rename(columns={"accuracy": "reference"})
    others = inner[inner["method"] != baseline].merge(reference, on=keys)
    return others.assign(difference=others["accuracy"] - others["reference"])


def _summaries(table: pd.DataFrame, grid: list[str], value: str) -> pd.DataFrame:
    columns = [*grid, "runs", "unit", "units", "mean", "deviation", "standard_error", "low", "high"]
    rows = [
        dict(zip(grid, key, strict=True)) | _summarise_nested(part, value)
        for key, part in table.groupby(grid, sort=False)
    ]
    return pd.DataFrame(rows, columns=columns)


def _summarise_nested(runs: pd.DataFrame, value: str) -> dict[str, Any]:
    unit = unit_of(runs)
    found: dict[str, Any] = summarise(runs.groupby(unit)[value].mean())
    return found | {"runs": len(runs), "unit": unit, "units": found["seeds"], "deviation": runs[value].std(ddof=1)}


def unit_of(runs: pd.DataFrame) -> str:
    """What is drawn anew from one value to the next: ``"split"`` where there are several, else ``"seed"``."""
    return "split" if runs["split"].nunique() > 1 else "seed"


def ranks(cells: pd.DataFrame) -> pd.DataFrame:
    """Mean ranks of the methods (1 is best), Friedman's test, and Nemenyi's p-value against the best method.

    The accuracy of a method is averaged over the shares strictly between 0 and 1, of runs that every method has. Blocks
    are pairs of a data set and a model where there are at least five, else the splits of each pair, or its seeds where
    it has one split. Demšar, JMLR 7 (2006).

    Returns
    -------
    pandas.DataFrame
        ``within``, ``blocks``, ``method``, ``mean_rank``, ``p_friedman``, ``p_against_best`` and
        ``critical_difference``: mean ranks that are nearer cannot be told apart at 5 %. Empty where there are fewer
        than three methods or five blocks.
    """
    inner = between(cells)
    tables: list[tuple[str, pd.DataFrame]] = []
    by_pair = _blocks(inner, ["dataset", "model"])
    if len(by_pair) >= MIN_BLOCKS:
        tables.append(("all data sets and models", by_pair))
    else:
        for (dataset, model), part in groups(inner):
            tables.append((f"{dataset}, {model}", _blocks(part, [unit_of(part)])))
    rows: list[dict[str, object]] = []
    for within, blocks in tables:
        if len(blocks) >= MIN_BLOCKS and blocks.shape[1] >= 3:
            rows += _rank(within, blocks)
    columns = ["within", "blocks", "method", "mean_rank", "p_friedman", "p_against_best", "critical_difference"]
    return pd.DataFrame(rows, columns=columns)


def _blocks(cells: pd.DataFrame, block: list[str]) -> pd.DataFrame:
    """Accuracy averaged over shares and runs: one row a block, one column a method; runs with a gap are left out."""
    run = ["dataset", "model", *RUN]
    full = cells.pivot_table(index=[*run, "removed"], columns="method", values="accuracy", sort=False)
    by_run = full.groupby(level=run, sort=False)
    complete = full.notna().all(axis=1).groupby(level=run, sort=False).all()
    return by_run.mean()[complete].groupby(level=block, sort=False).mean()


def _rank(within: str, blocks: pd.DataFrame) -> list[dict[str, object]]:
    from scipy import stats

    classes = blocks.apply(tie_classes, axis=1, result_type="broadcast")
    mean_ranks = classes.rank(axis=1, ascending=False).mean().sort_values(kind="stable")
    with np.errstate(invalid="ignore"):  # all accuracies may be equal
        p_friedman = float(stats.friedmanchisquare(*(classes[method] for method in classes)).pvalue)
    count, methods = blocks.shape
    # Nemenyi: differences of mean ranks in standard errors, against the range of as many normal variables.
    error = np.sqrt(methods * (methods + 1) / (12 * count))
    against = stats.studentized_range.sf((mean_ranks - mean_ranks.iloc[0]) / error, methods, np.inf)
    critical = float(stats.studentized_range.ppf(_CONFIDENCE, methods, np.inf) * error)
    return [
        {
            "within": within,
            "blocks": len(blocks),
            "method": method,
            "mean_rank": float(mean_rank),
            "p_friedman": p_friedman,
            "p_against_best": float(p_against_best),
            "critical_difference": critical,
        }
        for (method, mean_rank), p_against_best in zip(mean_ranks.items(), against, strict=True)
    ]


def costs(cells: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """What each sparsifier cost: median time and memory of one order, and of building one sparse graph from it."""
    inner = cells[cells["order_key"].notna()]
    orders = orders[orders["status"] == "ok"]
    rows = []
    for (dataset, method), part in inner.groupby(["dataset", "method"], sort=False):
        own = orders[(orders["dataset"] == dataset) & (orders["method"] == method)]
        rows.append(
            {
                "dataset": dataset,
                "method": method,
                "orders": len(own),
                "order_seconds": own["seconds"].median(),
                "order_peak_bytes": own["peak_bytes"].max(),
                "sparsify_seconds": part["sparsify_seconds"].median(),
            }
        )
    columns = ["dataset", "method", "orders", "order_seconds", "order_peak_bytes", "sparsify_seconds"]
    return pd.DataFrame(rows, columns=columns)


def training_times(cells: pd.DataFrame) -> pd.DataFrame:
    """Median times of training and of one forward pass, for every data set, model and removed share.

    ``batches`` are those of an epoch, the same in all runs of a data set and model.
    """
    distinct = cells.drop_duplicates(["run", "run_key"])
    distinct = distinct.assign(epoch_seconds=distinct["train_seconds"] / distinct["epochs"])
    grid = distinct.groupby(["dataset", "model", "removed"], sort=False)
    table = grid.agg(
        runs=("run_key", "size"),
        pairs=("pairs", "median"),
        epochs=("epochs", "median"),
        batches=("batches", "max"),
        train_seconds=("train_seconds", "median"),
        epoch_seconds=("epoch_seconds", "median"),
        inference_seconds=("inference_seconds", "median"),
        peak_bytes=("peak_bytes", "max"),
    )
    return table.reset_index()


def structure(cells: pd.DataFrame) -> pd.DataFrame:
    """What is left of each graph: pairs, connected components and isolated vertices, averaged over its orders."""
    one_model = cells.drop_duplicates(["dataset", "method", "removed", *RUN])
    grid = one_model.groupby(["dataset", "method", "removed"], sort=False)
    table = grid[["pairs", "components", "isolated"]].mean()
    return table.reset_index()


def unfinished(results: Results) -> pd.DataFrame:
    """Cells without a result: missing, diverged or failed, with the message."""
    cells = results.cells[results.cells["status"] != "ok"]
    return cells[["dataset", "model", "method", "removed", "split", "seed", "status", "message"]].fillna(
        {"message": ""}
    )


def kept(cells: pd.DataFrame) -> pd.DataFrame:
    """Further measures of what each method kept at shares strictly between 0 and 1, averaged over its orders."""
    from wis.baselines.metrics import METRICS

    places = {name: place for place, name in enumerate(METRICS)}
    inner = between(cells)
    rows = [
        (cell["dataset"], name, METRICS.get(name, name), cell["method"], cell["removed"], value)
        for cell in inner.drop_duplicates(["dataset", "method", "removed", *RUN]).to_dict("records")
        for name, value in sorted(json.loads(cell["kept"]).items(), key=lambda item: places.get(item[0], len(places)))
    ]
    columns = ["dataset", "measure", "description", "method", "removed"]
    table = pd.DataFrame(rows, columns=[*columns, "mean"])
    return table.groupby(columns, sort=False)["mean"].mean().reset_index()
