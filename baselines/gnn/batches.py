"""A graph cut into random batches of vertices, for training where the whole does not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.loader import RandomNodeLoader
from wis.baselines.gnn.data import UNSEEN, TrainingData
from wis.baselines.gnn.graph import Graph
from wis.baselines.gnn.models import Features


def check_batches(count: int, num_nodes: int, of: str = "") -> None:
    """Raise ``ValueError`` unless batches of a graph (``of``, in words) can have two vertices each."""
    if 1 < count > num_nodes // 2:
        raise ValueError(
            f"batches must be at most half the number of vertices, {num_nodes}{of}, for a batch has two at least; got "
            f"{count}"
        )


@dataclass(frozen=True)
class Batch:
    """Some vertices of a graph, and the edges between them.

    Attributes
    ----------
    features
        ``[k, f]``, the rows of these vertices.
    graph
        The edges with both ends among them. GCN's degrees, GraphSAGE's means and GAT's softmax are over these alone.
    train_labels
        int64 ``[k]``: the label where training may look, -100 elsewhere.
    """

    features: Features
    graph: Graph
    train_labels: Tensor


class RandomBatches:
    """Cuts the vertices anew in every epoch, by PyG's ``RandomNodeLoader``.

    Parameters
    ----------
    data
        The whole graph.
    count
        Number of batches, of ``ceil(n / count)`` vertices each; the last ones may be smaller, or missing.

    Raises
    ------
    ValueError
        If there would be fewer than two vertices in a batch.

    Notes
    -----
    Iterating draws from torch's random state on the CPU, which :func:`wis.baselines.gnn.training.seeded` sets. Batches
    without a training vertex are left out, as there is nothing to learn from them, and so is a last one of a single
    vertex, which BatchNorm cannot normalise. The edges of the whole graph lie in main memory, whatever the device.
    O(count E + n f) time for an epoch's batches.
    """

    def __init__(self, data: TrainingData, count: int) -> None:
        graph = data.graph
        check_batches(count, graph.num_nodes)
        edges = Data(edge_index=graph.edge_index.cpu(), num_nodes=graph.num_nodes, node=torch.arange(graph.num_nodes))
        if graph.edge_weight is not None:
            edges.edge_weight = graph.edge_weight.cpu()
        self._data = data
        self._loader = RandomNodeLoader(edges, num_parts=count, shuffle=True)

    def __iter__(self) -> Iterator[Batch]:
        for part in self._loader:
            batch = self._batch(part)
            if len(batch.train_labels) > 1 and (batch.train_labels != UNSEEN).any():
                yield batch

    def _batch(self, part: Data) -> Batch:
        data = self._data
        part = part.to(data.device)
        features = data.features[part.node] if isinstance(data.features, Tensor) else data.features.rows(part.node)
        return Batch(features, Graph(part.edge_index, len(part.node), part.edge_weight), data.train_labels[part.node])
