"""Several run folders in one report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
from wis.experiments.report.analysis import GRID
from wis.experiments.sweep.results import Results


def join(runs: Sequence[Results], folders: Sequence[str]) -> Results:
    """The results of several run folders as one.

    A data set that several runs have is called by the name of the run too, as ``Cora [paper]``: their protocols may
    differ, so that no run of one is paired with a run of the other. ``cells`` has its plain name as ``original`` and
    the name of the run as ``run``: that of the plan, or of the folder where plans have the same name.
    """
    plans = [str(results.plan["name"]) for results in runs]
    names = _distinct([plan if plans.count(plan) == 1 else name for plan, name in zip(plans, folders, strict=True)])
    often = Counter(dataset for results in runs for dataset in set(results.cells["dataset"]))
    parts = [_renamed(results, name, often) for results, name in zip(runs, names, strict=True)]
    environments = [facts for part in parts for facts in part.environments]
    return Results(
        {"name": ", ".join(names)},
        "\n".join(part.command for part in parts),
        pd.concat([part.cells for part in parts], ignore_index=True),
        pd.concat([part.orders for part in parts], ignore_index=True),
        {name: facts for part in parts for name, facts in part.datasets.items()},
        [facts for i, facts in enumerate(environments) if facts not in environments[:i]],
    )


def side_by_side(cells: pd.DataFrame, accuracy: pd.DataFrame) -> pd.DataFrame:
    """The rows of :func:`wis.experiments.report.analysis.accuracy` of data sets that several runs have.

    Returns
    -------
    pandas.DataFrame
        ``original, model, method, removed, run, mean, standard_error``; empty for a single run.
    """
    columns = ["original", *GRID[1:], "run", "mean", "standard_error"]
    places = cells[["dataset", "original", "run"]].drop_duplicates()
    shared = places[places.groupby("original")["run"].transform("nunique") > 1]
    return accuracy.merge(shared, on="dataset")[columns]


def _renamed(results: Results, run: str, often: Counter[str]) -> Results:
    def shown(dataset: str) -> str:
        return f"{dataset} [{run}]" if often[dataset] > 1 else dataset

    cells = results.cells.assign(original=results.cells["dataset"], run=run)
    cells["dataset"] = cells["dataset"].map(shown)
    orders = results.orders.assign(dataset=results.orders["dataset"].map(shown))
    datasets = {shown(name): facts for name, facts in results.datasets.items()}
    return replace(results, cells=cells, orders=orders, datasets=datasets)


def _distinct(names: Sequence[str]) -> list[str]:
    """Names that stand twice are numbered."""
    return [name if names.count(name) == 1 else f"{name} {names[: i + 1].count(name)}" for i, name in enumerate(names)]
