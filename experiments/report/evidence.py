"""Which methods beat the baseline, and how far each can go: one row a data set, model and method."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from wis.experiments.report.analysis import averaged, groups, methods_of, rows_of, summarise, unit_of
from wis.experiments.report.statistics import (
    area,
    holm,
    lossless,
    lossless_interval,
    rank_biserial,
    sign_flip_test,
    smallest_p,
)

LEVEL = 0.05
OUTCOMES = ("win", "tie", "loss")


def evidence(cells: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """How every method did on every data set and model.

    Parameters
    ----------
    cells
        The cells whose run is fine.
    pairs
        From :func:`wis.experiments.report.analysis.paired`.

    Returns
    -------
    pandas.DataFrame
        ``area``, ``area_low``, ``area_high``: area under accuracy against removed share, with its 95 % interval;
        ``lossless``, ``lossless_low``, ``lossless_high``: the largest removal within one standard error of the full
        graph, with its bootstrap interval; ``units``: the splits (seeds, where there is one split) that these are of;
        and of the differences to the baseline, averaged over shares and over the seeds of a split: ``pairs``,
        ``difference``, ``effect`` (rank-biserial), ``p``, ``p_holm`` (corrected within data set and model) and
        ``outcome``: ``"win"``, ``"tie"`` or ``"loss"`` at 5 %, ``"too few"`` where so few pairs cannot reach that, and
        empty for the baseline.
    """
    by_run = averaged(pairs)
    parts = []
    for (dataset, model), part in groups(cells):
        by_unit = rows_of(by_run, dataset, model).groupby(["method", unit_of(part)], sort=False)["difference"].mean()
        table = _removals(part).merge(_tests(by_unit), on="method", how="left")
        parts.append(table.assign(dataset=dataset, model=model)[[*_KEYS, *_CURVE, *_TEST]])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*_KEYS, *_CURVE, *_TEST])


_KEYS = ["dataset", "model", "method"]
_CURVE = ["area", "area_low", "area_high", "lossless", "lossless_low", "lossless_high", "units"]
_TEST = ["pairs", "difference", "effect", "p", "p_holm", "outcome"]


def _removals(cells: pd.DataFrame) -> pd.DataFrame:
    """What the curve of every method says, one row a method."""
    shares = sorted(cells["removed"].unique())
    rows = [{"method": m, **_curve(cells[cells["method"] == m], shares)} for m in methods_of(cells)]
    return pd.DataFrame(rows, columns=["method", *_CURVE])


def _curve(cells: pd.DataFrame, shares: Sequence[float]) -> dict[str, float]:
    """Area and largest removal of one method, over the units that have a result at all shares up to the first gap.

    Areas are compared over the same shares only, and nothing is known beyond a gap: a share that the method lacks, or
    that more than half of its units lack, as runs may fail.
    """
    wide = cells.pivot_table(index=unit_of(cells), columns="removed", values="accuracy")
    told = list(itertools.takewhile(lambda share: share in wide and 2 * wide[share].count() >= len(wide), shares))
    values = wide[told].dropna().to_numpy()
    found: dict[str, float] = {"units": len(values)}
    if len(told) > 1 and len(values):
        at = np.array(told, dtype=float)
        if len(told) == len(shares):
            whole = summarise(pd.Series(area(at, values)))
            found |= {"area": whole["mean"], "area_low": whole["low"], "area_high": whole["high"]}
        if told[0] == 0:
            low, high = lossless_interval(at, values)
            found |= {"lossless": lossless(at, values), "lossless_low": low, "lossless_high": high}
    return found


def _tests(by_unit: pd.Series) -> pd.DataFrame:
    """The tests against the baseline, of differences by method and unit."""
    tests = [{"method": method, **_test(part)} for method, part in by_unit.groupby(level="method", sort=False)]
    tested = pd.DataFrame(tests, columns=["method", *_TEST])
    tested["p_holm"] = holm(tested["p"])
    comparisons = int(tested["p"].notna().sum())
    return tested.assign(outcome=[_outcome(row, comparisons) for row in tested.to_dict("records")])


def _test(differences: pd.Series) -> dict[str, float]:
    return {
        "pairs": len(differences),
        "difference": differences.mean(),
        "effect": rank_biserial(differences),
        "p": sign_flip_test(differences),
    }


def _outcome(row: dict[Any, Any], comparisons: int) -> str:
    if row["p_holm"] < LEVEL:
        return "win" if row["difference"] > 0 else "loss"
    return "too few" if smallest_p(row["pairs"], comparisons) >= LEVEL else "tie"


def record(table: pd.DataFrame) -> pd.DataFrame:
    """Wins, ties and losses of every method against the baseline, over data sets and models; from :func:`evidence`."""
    counted = table[table["outcome"].isin([*OUTCOMES, "too few"])]
    rows = [
        {"method": method, **{name: int((part["outcome"] == name).sum()) for name in (*OUTCOMES, "too few")}}
        for method, part in counted.groupby("method", sort=False)
    ]
    return pd.DataFrame(rows, columns=["method", *OUTCOMES, "too few"])
