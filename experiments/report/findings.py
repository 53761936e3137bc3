"""Everything that a report says, computed once from the results of a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from wis.experiments.report import analysis
from wis.experiments.report.evidence import evidence, record
from wis.experiments.report.gains import break_even, gains
from wis.experiments.report.labels import score_label
from wis.experiments.report.leaderboard import leaderboard
from wis.experiments.report.published import beside_published
from wis.experiments.report.side_by_side import join, side_by_side
from wis.experiments.sweep.results import Results, clean, read_results


@dataclass(frozen=True)
class Group:
    """What one data set and model say.

    Attributes
    ----------
    dataset, model
        Names.
    score
        What the percentages are: accuracy or ROC-AUC.
    accuracy
        Its rows of :attr:`Findings.accuracy`.
    differences
        Its rows of :attr:`Findings.differences`.
    evidence, gains, published
        Its rows of these tables of :class:`Findings`.
    ranking
        Methods by accuracy averaged over the shares strictly between 0 and 1, best first.
    baseline
        The method that the others are compared with; None if there is only one, or it has no run here.
    lead
        The best method's average difference to the baseline, with its interval; None if it is the baseline itself, or
        no seed has a result at every share.
    equal
        The second best method, if it is not the baseline and cannot be told apart from the best.
    """

    dataset: str
    model: str
    score: str
    accuracy: pd.DataFrame
    differences: pd.DataFrame
    evidence: pd.DataFrame
    gains: pd.DataFrame
    published: pd.DataFrame
    ranking: list[str]
    baseline: str | None
    lead: Mapping[Any, Any] | None
    equal: str | None

    @property
    def winners(self) -> list[str]:
        """The methods that beat the baseline, best first."""
        table = self.evidence
        won = set(table[table["outcome"] == "win"]["method"])
        return [method for method in self.ranking if method in won]


@dataclass(frozen=True)
class Findings:
    """What a sweep found.

    Attributes
    ----------
    runs
        What it was computed from: the results of every run folder.
    results
        All of them as one.
    cells
        The cells whose run is fine.
    baseline
        The method that the others are compared with; None if there is only one.
    score
        What the percentages are: accuracy, ROC-AUC or both.
    accuracy, differences, averages, ranks, costs, training, structure, kept, unfinished
        Tidy tables; see :mod:`wis.experiments.report.analysis`. Differences, averages and ranks are empty without a
        baseline.
    evidence, record, gains, break_even, leaderboard, published, side_by_side
        Tidy tables of the modules of these names.
    groups
        Every data set and model, in the order of the plan.
    """

    runs: Sequence[Results]
    results: Results
    cells: pd.DataFrame
    baseline: str | None
    score: str
    accuracy: pd.DataFrame
    differences: pd.DataFrame
    averages: pd.DataFrame
    ranks: pd.DataFrame
    costs: pd.DataFrame
    training: pd.DataFrame
    structure: pd.DataFrame
    kept: pd.DataFrame
    unfinished: pd.DataFrame
    evidence: pd.DataFrame
    record: pd.DataFrame
    gains: pd.DataFrame
    break_even: pd.DataFrame
    leaderboard: pd.DataFrame
    published: pd.DataFrame
    side_by_side: pd.DataFrame
    groups: list[Group]


def read_findings(*folders: Path) -> Findings:
    """Read run folders, finished or not, and compute what they say.

    Raises
    ------
    ValueError
        If there are no results in a folder, no run has finished, well or not, or a folder is given twice.
    """
    for i, folder in enumerate(folders):
        if folder.resolve() in [other.resolve() for other in folders[:i]]:
            raise ValueError(f"run folder {folder} is given twice; its runs would count twice")
    runs = [read_results(folder) for folder in folders]
    results = join(runs, [clean(folder.resolve().name) for folder in folders])
    if (results.cells["status"] == "missing").all():
        raise ValueError(f"no run in {' or '.join(map(str, folders))} has finished yet, so there is nothing to report")
    cells = analysis.finished(results)
    baseline = analysis.baseline_of(results.cells)
    pairs = analysis.paired(cells, baseline)
    accuracy, costs = analysis.accuracy(cells), analysis.costs(cells, results.orders)
    found = evidence(cells, pairs)
    tables = {
        "accuracy": accuracy,
        "differences": analysis.differences(pairs),
        "evidence": found,
        "gains": gains(cells),
        "published": beside_published(accuracy, cells),
    }
    return Findings(
        runs,
        results,
        cells,
        baseline,
        score_label(cells["metric"]),
        averages=analysis.average_differences(pairs),
        ranks=analysis.ranks(cells),
        costs=costs,
        training=analysis.training_times(cells),
        structure=analysis.structure(cells),
        kept=analysis.kept(cells),
        unfinished=analysis.unfinished(results),
        record=record(found),
        break_even=break_even(cells, costs),
        leaderboard=leaderboard(cells),
        side_by_side=side_by_side(cells, accuracy),
        groups=list(_groups(cells, tables, baseline)),
        **tables,
    )


def _groups(cells: pd.DataFrame, tables: Mapping[str, pd.DataFrame], common: str | None) -> Iterator[Group]:
    for (dataset, model), part in analysis.groups(cells):
        ranking = _ranking(part)
        # Nothing was tested where the method that all are compared with has no run.
        baseline = common if common in ranking else None
        yield Group(
            dataset,
            model,
            score_label(part["metric"]),
            ranking=ranking,
            baseline=baseline,
            lead=_lead(part, ranking, baseline) if baseline else None,
            equal=_equal(part, ranking, baseline),
            **{name: analysis.rows_of(table, dataset, model) for name, table in tables.items()},
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
