"""The answer in one sentence for every data set and model, by a stated rule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from wis.experiments.report.analysis import between
from wis.experiments.report.evidence import LEVEL
from wis.experiments.report.findings import Findings, Group
from wis.experiments.report.labels import method_label, model_label, percent, removal
from wis.experiments.report.statistics import pairs_needed

RULE = (
    "The rule: a method beats another if its score, averaged over the removed shares, paired by split and seed and "
    "averaged over the seeds of a split, is higher at 5% by a sign-flip test with Holm's correction for the number of "
    "methods. No measurable loss: the mean "
    "score stays within one standard error of the full graph's up to this share. Of the methods that win, the one that "
    "goes furthest is named."
)
_GAINS = {
    "inference_seconds": "a forward pass takes {} of the full graph's time",
    "field_edges_mean": "a receptive field has {} of the edges",
}


def verdicts(findings: Findings) -> list[str]:
    """One sentence or two for every data set and model where methods can be compared."""
    return [text for group in findings.groups if (text := verdict(group))]


def verdict(group: Group) -> str:
    """The verdict on a data set and model; empty where no share between 0 and 1 has a result."""
    if between(group.accuracy).empty:
        return ""
    where = f"{group.dataset} with {model_label(group.model)}"
    rows = {row["method"]: row for row in group.evidence.to_dict("records")}
    if group.baseline is None:
        alone = len(group.ranking) == 1
        lead = "" if alone else "no test, as the method to compare with has no run here; of the best mean, "
        return f"{where}: {lead}{_how_far(group, rows[group.ranking[0]])}"
    if group.winners:
        best = max(group.winners, key=lambda method: _reach(rows[method]))
        return f"{where}: {_win(group, rows[best], rows.get(group.baseline))}"
    name = removal(group.baseline)
    too_few = group.evidence[group.evidence["outcome"] == "too few"]
    if len(too_few) and len(too_few) == group.evidence["pairs"].notna().sum():
        return f"{where}: {_too_few(group, too_few)} from {name}."
    text = f"{where}: no sparsifier beats {name} here"
    if len(too_few):
        return f"{text}; {_too_few(group, too_few)} from it."
    reach = _reach(rows[group.baseline]) if group.baseline in rows else 0
    return f"{text}, which costs nothing measurable up to {percent(reach)}." if reach > 0 else f"{text}."


def _win(group: Group, best: Mapping[Any, Any], baseline: Mapping[Any, Any] | None) -> str:
    """What the best of the winners does."""
    who, name = method_label(best["method"]), removal(str(group.baseline))
    lead = f"{who} beats {name} by {best['difference']:.1f} points on average"
    if _reach(best) == 1:
        return f"{lead}; but no loss was measured without any edges either."
    if _reach(best) > 0:
        rival = percent(_reach(baseline)) if baseline and _reach(baseline) > 0 else "none"
        return _how_far(group, best, f"{name}: {rival}")
    if math.isnan(best["lossless"]):
        return f"{lead}; how much can go without a loss, these runs do not tell."
    least = between(group.accuracy)["removed"].min()
    return f"{lead}, but removing {percent(least)} of the edges already costs more than one standard error."


def _how_far(group: Group, row: Mapping[Any, Any], rival: str = "") -> str:
    """How many edges one method can remove, beside its rival, and what that gains."""
    who, reach = method_label(row["method"]), _reach(row)
    if math.isnan(row["lossless"]):
        return f"how many edges can go with {who} without a loss, these runs do not tell."
    if reach == 0:
        return f"{who} removes no edges without a measurable loss."
    interval = f"95% interval {percent(row['lossless_low'])} to {percent(row['lossless_high'])}"
    aside = "; ".join(part for part in (interval, rival, _units(group, row)) if part)
    if reach == 1:
        return f"all edges can go at no measurable loss ({aside})."
    gain = _gain(group, row["method"], reach)
    return f"remove up to {percent(reach)} of the edges with {who} at no measurable loss ({aside}).{gain}"


def _gain(group: Group, method: str, share: float) -> str:
    """What is saved at a share, where it was measured and the upper quartile is a saving too."""
    table = group.gains
    found = table[(table["method"] == method) & (table["removed"] == share) & (table["high"] < 1)]
    own = found.set_index("measure")["ratio"]
    said = [text.format(_two_digits(own[measure])) for measure, text in _GAINS.items() if measure in own]
    return f" Then {' and '.join(said)}." if said else ""


def _two_digits(ratio: float) -> str:
    """A ratio below 1 as a percentage; what is small is not called 0%."""
    return f"{100 * ratio:.0f}%" if ratio >= 0.095 else f"{100 * ratio:.2g}%"


def _units(group: Group, row: Mapping[Any, Any]) -> str:
    """Of how many splits or seeds this is, where it is not of all."""
    own = group.accuracy[group.accuracy["method"] == row["method"]]
    every, unit = int(own["units"].max()), own["unit"].iloc[0]
    return f"{row['units']:.0f} of {every} {unit}s" if row["units"] < every else ""


def _too_few(group: Group, too_few: pd.DataFrame) -> str:
    count, methods = int(too_few["pairs"].max()), len(too_few)
    needed = pairs_needed(int(group.evidence["pairs"].notna().sum()), LEVEL)
    unit = group.accuracy["unit"].iloc[0]
    plural = "s are" if count != 1 else " is"
    return f"{count} {unit}{plural} too few ({needed} are needed) to tell {methods} method{'s' * (methods != 1)}"


def _reach(row: Mapping[Any, Any]) -> float:
    """The largest removal without loss; −1 where it is not known."""
    return -1.0 if math.isnan(row["lossless"]) else float(row["lossless"])
