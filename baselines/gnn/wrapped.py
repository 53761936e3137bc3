"""A model of a user's own in place of those of the package."""

from __future__ import annotations

import inspect

from torch import Tensor, nn
from wis.baselines.gnn.graph import Graph
from wis.baselines.gnn.own import find_own
from wis.baselines.gnn.sparse import SparseFeatures


class OwnModel(nn.Module):
    """Calls ``forward(x, edge_index)`` of a user's model, with ``edge_weight`` where the graph has weights.

    Parameters
    ----------
    name
        As :func:`wis.baselines.gnn.own.find_own` takes it.
    num_features, num_classes
        Sizes of input and output.
    """

    same_in_training = False

    def __init__(self, name: str, num_features: int, num_classes: int) -> None:
        super().__init__()
        self.model = find_own(name)(num_features, num_classes)
        self._name, self._num_classes = name, num_classes
        self._takes_weights = "edge_weight" in inspect.signature(self.model.forward).parameters

    def forward(self, x: Tensor | SparseFeatures, graph: Graph) -> Tensor:
        """Logits ``[n, classes]``.

        Raises
        ------
        ValueError
            If the graph has weights and the model takes none, the model changes what it is given, or the outputs are no
            such logits.
        """
        features = x if isinstance(x, Tensor) else x.dense
        weights = {} if graph.edge_weight is None else {"edge_weight": graph.edge_weight}
        if weights and not self._takes_weights:
            raise ValueError(
                f"the graph has edge weights, and forward of model {self._name!r} takes no argument edge_weight"
            )
        given = {"x": features, "edge_index": graph.edge_index, **weights}
        versions = {name: tensor._version for name, tensor in given.items()}  # torch counts operations in place
        logits = self.model(features, graph.edge_index, **weights)
        for name, tensor in given.items():
            # All later passes, and later runs on this graph, would get what this one left.
            if tensor._version != versions[name]:
                raise ValueError(f"model {self._name!r} changes its {name} in place; let it work on {name}.clone()")
        expected = (graph.num_nodes, self._num_classes)
        if not isinstance(logits, Tensor) or tuple(logits.shape) != expected:
            got = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise ValueError(f"model {self._name!r} must return logits {list(expected)}, got {got}")
        return logits
