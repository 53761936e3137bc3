"""What the paper's figure shows, beside what was found here.

The numbers in ``published.csv`` are test accuracies of GCN from the figure on edge sparsification of Razin, Verbin and
Cohen, On the Ability of Graph Neural Networks to Model Interactions Between Vertices (NeurIPS 2023): means of ten runs,
read off the plot by pixel position, good to about 0.3 points. A marker that another one hides has no number.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from wis.experiments.report.analysis import GRID
from wis.experiments.report.labels import method_label

from wis.registry import format_method, parse_method, split_method

# Options of UGS that are part of the protocol, which differs between the paper, its plans here and their reduced twins.
_PROTOCOL = ("epochs", "lr", "weight_decay")

SOURCE = "Razin et al. (NeurIPS 2023), read off the figure, good to about 0.3 points"


def beside_published(accuracy: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """The rows of :func:`wis.experiments.report.analysis.accuracy` that the paper has too, with its ``published``.

    ``cells`` tell which data set a name stands for where several runs have it.
    """
    paper = pd.read_csv(Path(__file__).with_name("published.csv"))
    paper = paper.rename(columns={"method": "label", "accuracy": "published", "dataset": "original"})
    ours = accuracy.merge(cells[["dataset", "original"]].drop_duplicates(), on="dataset")
    ours = ours.assign(label=ours["method"].map(_label_there))
    return ours.merge(paper, on=["original", "model", "label", "removed"])[[*GRID, "mean", "published"]]


def _label_there(method: str) -> str:
    """What the figure calls a method, if it has it."""
    if ":" in split_method(method)[0]:  # a user's own, which is not imported for this
        return method
    try:
        name, options = parse_method(method)
    except (ValueError, TypeError):  # of a package that is not here
        return method
    return method_label(format_method(name, {key: options[key] for key in options if key not in _PROTOCOL}))
