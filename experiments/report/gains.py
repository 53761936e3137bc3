"""What sparse graphs save: time, bytes and receptive field, each beside the full graph of the same run."""

from __future__ import annotations

import pandas as pd
from wis.experiments.report.analysis import GRID, RUN

# Columns of a results file, as a reader calls them; those that it has not are left out.
MEASURES = {
    "epoch_seconds": "one epoch",
    "inference_seconds": "one forward pass",
    "graph_bytes": "bytes of the graph",
    "field_vertices_mean": "vertices in a receptive field, mean",
    "field_vertices_p95": "vertices in a receptive field, 95th percentile",
    "field_edges_mean": "edges in a receptive field, mean",
    "field_edges_p95": "edges in a receptive field, 95th percentile",
}


def gains(cells: pd.DataFrame) -> pd.DataFrame:
    """Ratios of sparse to full graph, paired by split and seed, for every share above 0.

    Returns
    -------
    pandas.DataFrame
        Long: ``dataset, model, method, removed, measure, runs``, the median ``ratio`` and its quartiles ``low`` and
        ``high``. Empty where the plan does not train on the full graph.
    """
    cells = with_epoch_seconds(cells)
    found = [_ratios(cells, measure) for measure in MEASURES if measure in cells]
    return pd.concat(found, ignore_index=True)


def _ratios(cells: pd.DataFrame, measure: str) -> pd.DataFrame:
    sparse = beside_full(cells, measure)
    ratios = sparse[GRID].assign(measure=measure, ratio=sparse[measure] / sparse["full"]).dropna()
    grouped = ratios.groupby([*GRID, "measure"], sort=False)["ratio"]
    table = pd.DataFrame({"runs": grouped.size(), "ratio": grouped.median()})
    return table.assign(low=grouped.quantile(0.25), high=grouped.quantile(0.75)).reset_index()


def beside_full(cells: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The cells at shares above 0, with the ``full`` graph's value of a measure in the same run."""
    keys = ["dataset", "model", "method", *RUN]
    full = cells[cells["removed"] == 0][[*keys, measure]].rename(columns={measure: "full"})
    return cells[cells["removed"] > 0].merge(full, on=keys)


def with_epoch_seconds(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells with ``epoch_seconds``: measured, or the time of training by its epochs."""
    found = cells["train_seconds"] / cells["epochs"]
    return cells.assign(epoch_seconds=cells["epoch_seconds"].fillna(found) if "epoch_seconds" in cells else found)


def break_even(cells: pd.DataFrame, costs: pd.DataFrame) -> pd.DataFrame:
    """After how many epochs on the sparse graph its making is paid.

    Parameters
    ----------
    cells
        The cells whose run is fine.
    costs
        From :func:`wis.experiments.report.analysis.costs`.

    Returns
    -------
    pandas.DataFrame
        ``dataset, model, method, removed`` and ``epochs``: median time of one order and of making one sparse graph, by
        the median time that an epoch saves; NaN where it saves none.
    """
    sparse = beside_full(with_epoch_seconds(cells), "epoch_seconds")
    sparse = sparse[sparse["removed"] < 1].assign(saved=sparse["full"] - sparse["epoch_seconds"])
    table = sparse.groupby(GRID, sort=False)["saved"].median().reset_index()
    price = costs.set_index(["dataset", "method"])[["order_seconds", "sparsify_seconds"]].sum(axis=1).rename("price")
    table = table.join(price, on=["dataset", "method"])
    return table[GRID].assign(epochs=(table["price"] / table["saved"]).where(table["saved"] > 0))
