"""Which methods beat the baseline, and how far each can go: one row a data set, model and method."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from wis.experiments.report.analysis import averaged, groups, methods_of, summarise, unit_of
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
        graph, with its bootstrap interval; and of the differences to the baseline, averaged over shares: ``pairs``,
        ``difference``, ``effect`` (rank-biserial), ``p``, ``p_holm`` (corrected within data set and model) and
        ``outcome``: ``"win"``, ``"tie"`` or ``"loss"`` at 5 %, ``"too few"`` where so few pairs cannot reach that, and
        empty for the baseline.
    """
    by_run = averaged(pairs)
    parts = [
        _compare(_removals(part), by_run[(by_run["dataset"] == key[0]) & (by_run["model"] == key[1])], key)
        for key, part in groups(cells)
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*_KEYS, *_CURVE, *_TEST])


_KEYS = ["dataset", "model", "method"]
_CURVE = ["area", "area_low", "area_high", "lossless", "lossless_low", "lossless_high"]
_TEST = ["pairs", "difference", "effect", "p", "p_holm", "outcome"]


def _removals(cells: pd.DataFrame) -> pd.DataFrame:
    """What the curve of every method says, one row a method."""
    shares = sorted(cells["removed"].unique())
    rows = [{"method": m, **_curve(cells[cells["method"] == m], shares)} for m in methods_of(cells)]
    return pd.DataFrame(rows, columns=["method", *_CURVE])


def _curve(cells: pd.DataFrame, shares: Sequence[float]) -> dict[str, float]:
    """Area and largest removal of one method, over the units that have a result at every share that it has.

    Areas are compared over the same shares only, and nothing is known beyond the first share that the method lacks.
    """
    wide = cells.pivot_table(index=unit_of(cells), columns="removed", values="accuracy").dropna()
    told = list(itertools.takewhile(lambda share: share in wide.columns, shares))
    values = wide[told].to_numpy()
    found: dict[str, float] = {}
    if len(told) > 1 and len(values):
        at = np.array(told, dtype=float)
        if len(told) == len(shares):
            whole = summarise(pd.Series(area(at, values)))
            found |= {"area": whole["mean"], "area_low": whole["low"], "area_high": whole["high"]}
        if told[0] == 0:
            low, high = lossless_interval(at, values)
            found |= {"lossless": lossless(at, values), "lossless_low": low, "lossless_high": high}
    return found


def _compare(table: pd.DataFrame, by_run: pd.DataFrame, key: tuple[str, str]) -> pd.DataFrame:
    """The table with the tests against the baseline."""
    tests = [{"method": method, **_test(part["difference"])} for method, part in by_run.groupby("method", sort=False)]
    tested = pd.DataFrame(tests, columns=["method", *_TEST])
    tested["p_holm"] = holm(tested["p"])
    tested["outcome"] = [_outcome(row, len(tested)) for row in tested.to_dict("records")]
    table = table.merge(tested, on="method", how="left").assign(dataset=key[0], model=key[1])
    return table[[*_KEYS, *_CURVE, *_TEST]]


def _test(differences: pd.Series) -> dict[str, float]:
    return {
        "pairs": len(differences),
        "difference": differences.mean(),
        "effect": rank_biserial(differences),
        "p": sign_flip_test(differences),
    }


def _outcome(row: dict[Any, Any], comparisons: int) -> str:
    if smallest_p(row["pairs"], comparisons) >= LEVEL:
        return "too few"
    if row["p_holm"] >= LEVEL:
        return "tie"
    return "win" if row["difference"] > 0 else "loss"


def record(table: pd.DataFrame) -> pd.DataFrame:
    """Wins, ties and losses of every method against the baseline, over data sets and models; from :func:`evidence`."""
    counted = table[table["outcome"].isin([*OUTCOMES, "too few"])]
    rows = [
        {"method": method, **{name: int((part["outcome"] == name).sum()) for name in (*OUTCOMES, "too few")}}
        for method, part in counted.groupby("method", sort=False)
    ]
    return pd.DataFrame(rows, columns=["method", *OUTCOMES, "too few"])
