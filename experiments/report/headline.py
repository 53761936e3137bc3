"""What a sweep found, in plain words made from its numbers."""

from __future__ import annotations

import math

import pandas as pd
from wis.experiments.report import analysis
from wis.experiments.report.labels import method_label, model_label, percent, removal


def title(cells: pd.DataFrame) -> str:
    """One line: which method kept most accuracy, and where; or that none clearly did."""
    where = [f"{dataset} with {model_label(model)}" for (dataset, model), _ in analysis.groups(cells)]
    baseline = analysis.baseline_of(cells)
    # One seed gives no interval, so that nothing can be said to be clear.
    if baseline is None or cells["seed"].nunique() == 1:
        return f"How much accuracy is left when edges go: {', '.join(where)}"
    winners = [winner for _, part in analysis.groups(cells) if (winner := _clear_winner(part, baseline))]
    if not winners:
        return f"No sparsifier clearly beats {removal(baseline)} on {' and '.join(where)}"
    if len(where) == 1:
        best, rival = method_label(winners[0]), _equal_rival(cells, baseline)
        who = f"{best} and {method_label(rival)} keep" if rival else f"{best} keeps"
        return f"{who} the most accuracy on {where[0]}"
    counts = pd.Series(winners).value_counts()
    first = method_label(str(counts.index[0]))
    return f"{first} keeps the most accuracy on {counts.iloc[0]} of {len(where)} pairs of data set and model"


def _clear_winner(cells: pd.DataFrame, baseline: str) -> str | None:
    """The best method on average, if its interval over the baseline excludes zero."""
    order = _order(cells)
    average = analysis.average_differences(cells, baseline).set_index("method")
    return order[0] if order and order[0] in average.index and average["low"][order[0]] > 0 else None


def _order(cells: pd.DataFrame) -> list[str]:
    """Methods by accuracy averaged over the shares strictly between 0 and 1, best first."""
    inner = cells[(cells["removed"] > 0) & (cells["removed"] < 1)]
    by_share = inner.groupby(["method", "removed"], sort=False)["accuracy"].mean()
    return list(by_share.groupby("method", sort=False).mean().sort_values(ascending=False, kind="stable").index)


def findings(cells: pd.DataFrame) -> list[str]:
    """Two or three sentences for every data set and model.

    Parameters
    ----------
    cells
        From :func:`wis.experiments.report.analysis.finished`.
    """
    return [text for (dataset, model), part in analysis.groups(cells) if (text := _finding(dataset, model, part))]


def _finding(dataset: str, model: str, cells: pd.DataFrame) -> str:
    table = analysis.accuracy(cells)
    inner = table[(table["removed"] > 0) & (table["removed"] < 1)]
    whole = table[table["removed"] == 0]["mean"]
    if inner.empty:
        return ""
    order = _order(cells)
    best = order[0]
    share = analysis.nearest_half(inner["removed"])
    at_share = inner[inner["removed"] == share].set_index("method")["mean"]
    if best not in at_share:
        return ""
    baseline = analysis.baseline_of(cells)
    rival = baseline if baseline in at_share and baseline != best else None
    where = f"On {dataset} with {model_label(model)}"
    if whole.empty:
        text = f"{where}, {method_label(best)} reaches {at_share[best]:.1f}% with {percent(share)} of the edges removed"
        text += f", {removal(rival)} {at_share[rival]:.1f}%" if rival else ""
    else:
        text = f"{where}, removing {_part(share)} the edges costs "
        text += f"{_points(whole.iloc[0] - at_share[best])} of accuracy with {method_label(best)}"
        text += f" and {_points(whole.iloc[0] - at_share[rival])} with {removal(rival)}" if rival else ""
    if rival is None:
        return f"{text}." if baseline != best else f"{text}; no other method does better on average."
    return f"{text}. {_comparison(cells, best, rival)}"


def _part(share: float) -> str:
    return {0.5: "half of", 0.25: "a quarter of", 0.75: "three quarters of"}.get(share, f"{percent(share)} of")


def _points(loss: float) -> str:
    return f"{loss:.1f} points" if round(loss, 1) > 0 else "no points"


def _comparison(cells: pd.DataFrame, best: str, baseline: str) -> str:
    average = analysis.average_differences(cells, baseline).set_index("method")
    if best not in average.index:
        return ""
    row = average.to_dict("index")[best]
    mean, low, high = (f"{row[name]:.1f}".replace("-", "−") for name in ("mean", "low", "high"))
    start, name = "Averaged over the removed shares it", removal(baseline)
    if math.isnan(row["low"]):
        return f"{start} is {mean} points above {name}, in a single seed."
    interval = f"95% interval {low} to {high}, {row['seeds']:.0f} seeds"
    if row["low"] <= 0:
        return f"{start} cannot be told apart from {name} ({interval})."
    return f"{start} is {mean} points above {name} ({interval}).{_runner_up(cells, baseline)}"


def _runner_up(cells: pd.DataFrame, baseline: str) -> str:
    """Say so where the second best may be as good."""
    rival = _equal_rival(cells, baseline)
    return f" {method_label(rival)} cannot be told apart from {method_label(_order(cells)[0])}." if rival else ""


def _equal_rival(cells: pd.DataFrame, baseline: str) -> str | None:
    """The second best method on average, if it cannot be told apart from the best; None too if it is the baseline."""
    best, second = _order(cells)[:2]
    if second == baseline:
        return None
    average = analysis.average_differences(cells[cells["method"].isin([best, second])], second)
    low = average[average["method"] == best]["low"]
    return second if not low.empty and low.iloc[0] <= 0 else None
