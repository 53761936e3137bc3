"""The tables of a report that say which method is better, what it saves, and how that compares with other runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from wis.experiments.pages.tables import Grid
from wis.experiments.report.analysis import groups, methods_of, nearest_half
from wis.experiments.report.evidence import OUTCOMES
from wis.experiments.report.gains import MEASURES
from wis.experiments.report.labels import method_label, percent, removal
from wis.experiments.report.published import SOURCE
from wis.experiments.report.table import Parts, Table, by_share, group_title, p_text, plus_minus, signed


def evidence_table(data: pd.DataFrame, baseline: str | None) -> Table:
    """Area, largest removal without loss, and the corrected test against the baseline."""
    parts: Parts = {}
    against = [f"above {removal(baseline)}", "effect", "p", "corrected p", "outcome"] if baseline else []
    for key, part in groups(data):
        rows = part.to_dict("records")
        grid = [
            [method_label(row["method"]), _area(row), _lossless(row), *(_test(row) if baseline else [])] for row in rows
        ]
        strong = {(i, len(against) + 2) for i, row in enumerate(rows) if row["outcome"] in ("win", "loss")}
        columns = ["method", "average score", "no loss up to", *against]
        parts[key] = Grid(group_title(key), columns, grid, frozenset(strong))
    note = (
        "Average score: area under test score against removed share, with its 95% interval. No loss up to: the "
        "largest removed share up to which the mean score stays within one standard error of the full graph's, with "
        "its 95% bootstrap interval."
    )
    if baseline:
        note += (
            f" Points above {removal(baseline)} are averaged over shares, paired by split and seed, and averaged over "
            "the seeds of a split; effect is the rank-biserial correlation of matched pairs (1: better in all that "
            "differ); p by flipping signs, corrected for the number of methods by Holm's rule; too few: so few pairs "
            "cannot reach 5%."
        )
    return Table("evidence", "Evidence", note, data, parts)


def record_table(data: pd.DataFrame, baseline: str | None) -> Table:
    """Wins, ties and losses over data sets and models."""
    names = [*OUTCOMES, "too few"]
    heads = ["wins", "ties", "losses", "too few runs"]
    rows = [[method_label(row["method"]), *(str(row[name]) for name in names)] for row in data.to_dict("records")]
    grid = Grid("", ["method", *heads], rows)
    several = len(data) and int(data[names].sum(axis=1).max()) > 1
    title = f"Against {removal(baseline)}" if baseline else "Record"
    note = "Pairs of data set and model where a method is better, not told apart, or worse, by the corrected test."
    return Table("record", title, note, data, {("",): grid} if several else {})


def published_table(data: pd.DataFrame) -> Table:
    """Ours beside the paper's."""
    parts: Parts = {}
    for key, part in groups(data):
        grid = by_share(part, lambda row: f"{row['mean']:.1f} / {row['published']:.1f}")
        parts[key] = Grid(group_title(key), ["removed", *map(method_label, methods_of(part))], grid)
    note = f"Mean test accuracy here / as published: {SOURCE}. Its protocol is longer: compare differences, not levels."
    return Table("published", "Beside the paper", note, data, parts)


def side_by_side_table(data: pd.DataFrame) -> Table:
    """The same data set and model in several runs."""
    parts: Parts = {}
    for (dataset, model), part in data.groupby(["original", "model"], sort=False):
        runs = list(dict.fromkeys(part["run"]))
        rows = []
        for (method, _), cells in part.groupby(["method", "removed"], sort=False):
            by_run = {row["run"]: plus_minus(row["mean"], row["standard_error"]) for row in cells.to_dict("records")}
            rows.append(
                [
                    method_label(str(method)),
                    percent(float(cells["removed"].iloc[0])),
                    *(by_run.get(run, "–") for run in runs),
                ]
            )
        parts[(str(dataset), str(model))] = Grid(
            group_title((str(dataset), str(model))), ["method", "removed", *runs], rows
        )
    note = "Test score in percent, mean ± standard error. Runs may differ in protocol, splits and version."
    return Table("runs-side-by-side", "Runs side by side", note, data, parts)


def gains_table(data: pd.DataFrame, break_even: pd.DataFrame) -> Table:
    """Ratios to the full graph: on the page at the share nearest one half, in the CSV file at all."""
    parts: Parts = {}
    inner = data[data["removed"] < 1]
    for key, part in groups(inner):
        share = nearest_half(part["removed"])
        part = part[part["removed"] == share]
        measures = [measure for measure in MEASURES if measure in set(part["measure"])]
        found = {(row["method"], row["measure"]): _ratio(row) for row in part.to_dict("records")}
        paid = _paid(break_even, key, share)
        rows = [
            [method_label(m), *(found.get((m, measure), "–") for measure in measures), paid.get(m, "–")]
            for m in methods_of(part)
        ]
        columns = ["method", *(MEASURES[measure] for measure in measures), "epochs until paid"]
        parts[key] = Grid(f"{group_title(key)}, {percent(share)} removed", columns, rows)
    note = (
        "Each as a ratio to the full graph in the same split and seed, median [quartiles]: 0.5 is half. The receptive "
        "field of a vertex is what one prediction needs and does not depend on the machine. Epochs until paid: when "
        "the time saved in training makes up for the sparsifier; gains.csv has all removed shares."
    )
    return Table("gains", "What is gained", note, data, parts)


def leaderboard_table(data: pd.DataFrame) -> Table:
    """OGB's form: on the page the full graph and the share nearest one half, in the CSV file all."""
    parts: Parts = {}
    for key, part in groups(data):
        inner = part[(part["removed"] > 0) & (part["removed"] < 1)]
        half = inner[inner["removed"] == nearest_half(inner["removed"])] if len(inner) else inner
        shown = pd.concat([part[part["removed"] == 0].head(1), half]).to_dict("records")
        parameters = ["parameters"] if "parameters" in part else []
        rows = [_leader(row) for row in shown]
        columns = ["method", "removed", "runs", "test", "validation", *parameters, "hardware"]
        if rows:
            parts[key] = Grid(group_title(key), columns, rows)
    note = (
        "In the form that OGB asks for: mean ± unbiased standard deviation over runs, in percent; leaderboard.csv has "
        "all removed shares."
    )
    return Table("leaderboard", "For a leaderboard", note, data, parts)


def _leader(row: Mapping[Any, Any]) -> list[str]:
    known = [f"{row['parameters']:,.0f}"] if "parameters" in row else []
    return [
        method_label(row["method"]) if row["removed"] else "full graph",
        percent(row["removed"]),
        str(row["runs"]),
        _two(row["test_mean"], row["test_deviation"]),
        _two(row["validation_mean"], row["validation_deviation"]),
        *known,
        str(row["hardware"]),
    ]


def _two(mean: float, deviation: float) -> str:
    if math.isnan(mean):
        return "–"
    return f"{mean:.2f}" if math.isnan(deviation) else f"{mean:.2f} ± {deviation:.2f}"


def _between(low: float, high: float, show: Callable[[float], str]) -> str:
    return "" if math.isnan(low) else f" [{show(low)}, {show(high)}]"


def _area(row: Mapping[Any, Any]) -> str:
    if math.isnan(row["area"]):
        return "–"
    return f"{row['area']:.1f}{_between(row['area_low'], row['area_high'], lambda value: f'{value:.1f}')}"


def _lossless(row: Mapping[Any, Any]) -> str:
    if math.isnan(row["lossless"]):
        return "–"
    return percent(row["lossless"]) + _between(row["lossless_low"], row["lossless_high"], percent)


def _test(row: Mapping[Any, Any]) -> list[str]:
    if math.isnan(row["difference"]):
        return ["–"] * 5
    effect = "–" if math.isnan(row["effect"]) else f"{row['effect']:+.2f}".replace("-", "−")
    return [signed(row["difference"]), effect, p_text(row["p"]), p_text(row["p_holm"]), row["outcome"]]


def _ratio(row: Mapping[Any, Any]) -> str:
    spread = f" [{_decimals(row['low'])}, {_decimals(row['high'])}]" if row["runs"] > 1 else ""
    return f"{_decimals(row['ratio'])}{spread}"


def _decimals(ratio: float) -> str:
    """Two decimals, and two digits of what is smaller: it is not called 0.00."""
    return f"{ratio:.2g}" if 0 < ratio < 0.095 else f"{ratio:.2f}"


def _paid(table: pd.DataFrame, key: tuple[str, str], share: float) -> dict[str, str]:
    own = table[(table["dataset"] == key[0]) & (table["model"] == key[1]) & (table["removed"] == share)]
    return {
        row["method"]: "never" if math.isnan(row["epochs"]) else f"{math.ceil(row['epochs']):,}"
        for row in own.to_dict("records")
    }
