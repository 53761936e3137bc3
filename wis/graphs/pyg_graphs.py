"""Graphs of PyG: which reader takes which class."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from torch_geometric.data import Batch, Data, HeteroData, TemporalData

from wis.graphs import pyg_batches, pyg_data, pyg_hetero, pyg_temporal
from wis.graphs.edge_list import LoadedGraph
from wis.graphs.parts import LoadedParts


def load(
    graph: Any,
    num_nodes: int | None,
    directed: bool | None,
    edge_attrs: Collection[str] | None = None,
    *,
    homogeneous: bool = False,
) -> LoadedGraph | LoadedParts | None:
    """Read a ``Data``, ``HeteroData``, ``TemporalData`` or ``Batch``; None if it is something else."""
    if isinstance(graph, HeteroData):
        if isinstance(graph, Batch):
            return pyg_batches.load_heterogeneous(
                graph, lambda one: pyg_hetero.load(one, num_nodes, directed, edge_attrs, homogeneous=homogeneous)
            )
        return pyg_hetero.load(graph, num_nodes, directed, edge_attrs, homogeneous=homogeneous)
    if homogeneous:
        raise TypeError(f"homogeneous=True is for a HeteroData, got {type(graph).__name__}; leave it out")
    readers: dict[Any, Any] = {TemporalData: pyg_temporal.load, Data: pyg_data.load}
    if isinstance(graph, Batch):
        readers = {Data: pyg_batches.load}
    reader = next((reader for kind, reader in readers.items() if isinstance(graph, kind)), None)
    return None if reader is None else reader(graph, num_nodes, directed, edge_attrs)
