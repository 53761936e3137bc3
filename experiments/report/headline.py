"""What a sweep found, in plain words made from its numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from wis.experiments.report import analysis
from wis.experiments.report.findings import Findings, Group
from wis.experiments.report.labels import method_label, model_label, percent, removal
from wis.experiments.report.table import unsigned
from wis.experiments.report.verdict import verdicts


def summary(findings: Findings) -> str:
    """What the results say, in a few lines."""
    return "\n".join([title(findings), *verdicts(findings), *sentences(findings)])


def title(findings: Findings) -> str:
    """One line: which method kept most accuracy, and where; or that none clearly did."""
    if findings.cells.empty:
        return "No run has finished well"
    baseline = findings.baseline
    compared = [group for group in findings.groups if baseline is None or group.baseline is not None]
    where = [f"{group.dataset} with {model_label(group.model)}" for group in compared]
    # One run gives no interval, so that nothing can be said to be clear.
    if baseline is None or len(findings.cells[analysis.RUN].drop_duplicates()) == 1:
        return f"How much {findings.score} is left when edges go: {', '.join(where)}"
    winners = [group.winners[0] for group in findings.groups if group.winners]
    if not winners and (findings.evidence["outcome"].dropna() == "too few").all():
        return f"Too few runs to tell sparsifiers apart on {' and '.join(where)}"
    if not winners:
        return f"No sparsifier clearly beats {removal(baseline)} on {' and '.join(where)}"
    # The method with the best mean may scatter too much to win, while another one does.
    are_first = all(group.ranking[0] == group.winners[0] for group in findings.groups if group.winners)
    does = f"keeps the most {findings.score}" if are_first else f"is the best that clearly beats {removal(baseline)}"
    if len(where) == 1 and not are_first:
        return f"{method_label(winners[0])} clearly beats {removal(baseline)} on {where[0]}"
    if len(where) == 1:
        best, equal = method_label(winners[0]), compared[0].equal
        who = f"{best} and {method_label(equal)} keep" if equal else f"{best} keeps"
        return f"{who} the most {findings.score} on {where[0]}"
    (first, most), *others = Counter(winners).most_common()
    rest = "".join(f", {method_label(method)} on {count}" for method, count in others)
    return f"{method_label(first)} {does} on {most} of {len(where)} pairs of data set and model{rest}"


def sentences(findings: Findings) -> list[str]:
    """What :func:`details` says of every data set and model."""
    return [text for group in findings.groups if (text := details(group))]


def details(group: Group) -> str:
    """Two or three sentences on a data set and model; empty where there is nothing to say."""
    table = group.accuracy
    inner = analysis.between(table)
    whole = table[table["removed"] == 0]["mean"]
    if inner.empty:
        return ""
    best, baseline = group.ranking[0], group.baseline
    share = analysis.nearest_half(inner["removed"])
    at_share = inner[inner["removed"] == share].set_index("method")["mean"]
    if best not in at_share:
        return ""
    rival = baseline if baseline in at_share and baseline != best else None
    where = f"On {group.dataset} with {model_label(group.model)}"
    if whole.empty:
        text = f"{where}, {method_label(best)} reaches {at_share[best]:.1f}% with {percent(share)} of the edges removed"
        text += f", {removal(rival)} {at_share[rival]:.1f}%" if rival else ""
    else:
        text = f"{where}, removing {_part(share)} the edges costs "
        text += f"{_points(whole.iloc[0] - at_share[best])} of {group.score} with {method_label(best)}"
        text += f" and {_points(whole.iloc[0] - at_share[rival])} with {removal(rival)}" if rival else ""
    if rival is None:
        return f"{text}." if baseline != best else f"{text}; no other method does better on average."
    lead = "" if group.lead is None else _lead(group.lead, removal(rival))
    equal = ""
    if group.equal and group.lead is not None and group.lead["low"] > 0:
        equal = f" {method_label(group.equal)} cannot be told apart from {method_label(best)}."
    return f"{text}. {lead}{equal}"


def _part(share: float) -> str:
    return {0.5: "half of", 0.25: "a quarter of", 0.75: "three quarters of"}.get(share, f"{percent(share)} of")


def _points(loss: float) -> str:
    return f"{loss:.1f} points" if round(loss, 1) > 0 else "no points"


def _lead(lead: Mapping[Any, Any], name: str) -> str:
    """How far the best method is above the baseline."""
    mean, low, high = (unsigned(lead[part]) for part in ("mean", "low", "high"))
    start = "Averaged over the removed shares it"
    if math.isnan(lead["low"]):
        return f"{start} is {mean} points above {name}, in a single seed."
    interval = f"95% interval {low} to {high}, {lead['units']:.0f} {lead['unit']}s"
    if lead["low"] <= 0:
        return f"{start} cannot be told apart from {name} ({interval})."
    return f"{start} is {mean} points above {name} ({interval})."
