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

SOURCE = "Razin et al. (NeurIPS 2023), read off the figure, good to about 0.3 points"


def beside_published(accuracy: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """The rows of :func:`wis.experiments.report.analysis.accuracy` that the paper has too, with its ``published``.

    ``cells`` tell which data set a name stands for where several runs have it.
    """
    paper = pd.read_csv(Path(__file__).with_name("published.csv"))
    paper = paper.rename(columns={"method": "label", "accuracy": "published", "dataset": "original"})
    ours = accuracy.merge(cells[["dataset", "original"]].drop_duplicates(), on="dataset")
    ours = ours.assign(label=ours["method"].map(method_label))
    return ours.merge(paper, on=["original", "model", "label", "removed"])[[*GRID, "mean", "published"]]
