"""Many graphs of PyG, one after the other: what follows the edges in one of them must do so in all.

A vector of the whole graph, as a fingerprint of a molecule, is as long as the list of edges in a few graphs by chance.
By its length it would follow the edges there, and be cut.
"""

from __future__ import annotations

from typing import Any

from torch_geometric.data import Batch, Data

from wis.graphs.edge_attributes import told_by_length
from wis.graphs.pyg_stores import lengths


class Alike:
    """Remembers what followed the edges of the graphs before."""

    def __init__(self) -> None:
        self._follows: dict[str, bool] = {}

    def check(self, graph: Any) -> None:
        """Compare a graph with those before; only a ``Data`` that is no batch is looked at.

        Raises
        ------
        ValueError
            If an attribute follows the edges by its length here and not in another graph, or the other way round.
        """
        if not isinstance(graph, Data) or isinstance(graph, Batch) or graph.get("edge_index") is None:
            return
        found = lengths(graph)
        for name, length in found.items():
            follows = told_by_length(name, length, graph.num_nodes, graph.edge_index.shape[1], found)
            if follows is not None and self._follows.setdefault(name, follows) != follows:
                raise ValueError(
                    f"{name} has one entry for each edge in some of the graphs and not in others: if it belongs to the "
                    "graph, give it the shape [1, ...], as PyG's batches need; if to the edges, an entry for each"
                )
