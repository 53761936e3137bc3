"""Everything that a report says, computed once from the results of a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from wis.experiments.report import analysis
from wis.experiments.sweep.results import Results, read_results


@dataclass(frozen=True)
class Group:
    """What one data set and model say.

    Attributes
    ----------
    dataset, model
        Names.
    accuracy
        Its rows of :attr:`Findings.accuracy`.
    differences
        Its rows of :attr:`Findings.differences`.
    ranking
        Methods by accuracy averaged over the shares strictly between 0 and 1, best first.
    baseline
        The method that the others are compared with; None if there is only one.
    lead
        The best method's average difference to the baseline, with its interval; None if it is the baseline itself, or
        no seed has a result at every share.
    equal
        The second best method, if it is not the baseline and cannot be told apart from the best.
    """

    dataset: str
    model: str
    accuracy: pd.DataFrame
    differences: pd.DataFrame
    ranking: list[str]
    baseline: str | None
    lead: Mapping[Any, Any] | None
    equal: str | None


@dataclass(frozen=True)
class Findings:
    """What a sweep found.

    Attributes
    ----------
    results
        What it was computed from.
    cells
        The cells whose run is fine.
    baseline
        The method that the others are compared with; None if there is only one.
    accuracy, differences, averages, ranks, costs, training, structure, kept, unfinished
        Tidy tables; see :mod:`wis.experiments.report.analysis`. Differences, averages and ranks are empty without a
        baseline.
    groups
        Every data set and model, in the order of the plan.
    """

    results: Results
    cells: pd.DataFrame
    baseline: str | None
    accuracy: pd.DataFrame
    differences: pd.DataFrame
    averages: pd.DataFrame
    ranks: pd.DataFrame
    costs: pd.DataFrame
    training: pd.DataFrame
    structure: pd.DataFrame
    kept: pd.DataFrame
    unfinished: pd.DataFrame
    groups: list[Group]


def read_findings(run: Path) -> Findings:
    """Read a run folder, finished or not, and compute what it says.

    Raises
    ------
    ValueError
        If there are no results in ``run``, or none of its runs has finished, well or not.
    """
    results = read_results(run)
    cells = analysis.finished(results)
    if (results.cells["status"] == "missing").all():
        raise ValueError(f"no run in {run} has finished yet, so there is nothing to report")
    baseline = analysis.baseline_of(cells)
    pairs = analysis.paired(cells, baseline)
    accuracy, differences = analysis.accuracy(cells), analysis.differences(pairs)
    return Findings(
        results,
        cells,
        baseline,
        accuracy,
        differences,
        averages=analysis.average_differences(pairs),
        ranks=analysis.ranks(cells),
        costs=analysis.costs(cells, results.orders),
        training=analysis.training_times(cells),
        structure=analysis.structure(cells),
        kept=analysis.kept(cells),
        unfinished=analysis.unfinished(results),
        groups=list(_groups(cells, accuracy, differences)),
    )


def _groups(cells: pd.DataFrame, accuracy: pd.DataFrame, differences: pd.DataFrame) -> Iterator[Group]:
    for (dataset, model), part in analysis.groups(cells):
        ranking, baseline = _ranking(part), analysis.baseline_of(part)
        yield Group(
            dataset,
            model,
            analysis.rows_of(accuracy, dataset, model),
            analysis.rows_of(differences, dataset, model),
            ranking,
            baseline,
            lead=_lead(part, ranking, baseline) if baseline else None,
            equal=_equal(part, ranking, baseline),
        )


def _ranking(cells: pd.DataFrame) -> list[str]:
    by_share = analysis.between(cells).groupby(["method", "removed"], sort=False)["accuracy"].mean()
    return list(by_share.groupby("method", sort=False).mean().sort_values(ascending=False, kind="stable").index)


def _lead(cells: pd.DataFrame, ranking: list[str], baseline: str) -> Mapping[Any, Any] | None:
    average = analysis.average_differences(analysis.paired(cells, baseline))
    found = average[average["method"].isin(ranking[:1])].to_dict("records")
    return found[0] if found else None


def _equal(cells: pd.DataFrame, ranking: list[str], baseline: str | None) -> str | None:
    if len(ranking) < 2 or ranking[1] == baseline:
        return None
    best, second = ranking[:2]
    average = analysis.average_differences(analysis.paired(cells, second))
    low = average[average["method"] == best]["low"]
    return second if not low.empty and low.iloc[0] <= 0 else None
