"""Results in the form that OGB's leaderboards ask for (ogb.stanford.edu, rules of submission)."""

from __future__ import annotations

import pandas as pd
from wis.experiments.report.analysis import GRID


def leaderboard(cells: pd.DataFrame) -> pd.DataFrame:
    """Mean and unbiased standard deviation over runs, for every data set, model, method and removed share.

    Returns
    -------
    pandas.DataFrame
        ``runs, test_mean, test_deviation, validation_mean, validation_deviation``, all in percent, ``parameters``
        (where the results file has them) and ``hardware``, all that the runs were made on.
    """
    table = cells.assign(test=cells["accuracy"], validation=100 * cells["val_score"].astype(float))
    known = {"parameters": ("parameters", "first")} if "parameters" in cells else {}
    found = table.groupby(GRID, sort=False).agg(
        runs=("seed", "size"),
        test_mean=("test", "mean"),
        test_deviation=("test", "std"),
        validation_mean=("validation", "mean"),
        validation_deviation=("validation", "std"),
        **known,
        hardware=("hardware", lambda names: ", ".join(dict.fromkeys(names))),
    )
    return found.reset_index()
