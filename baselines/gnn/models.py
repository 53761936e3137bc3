"""The GNNs of the protocol of Razin et al. (NeurIPS 2023), GCN, GIN and ResGCN, and GAT and GraphSAGE, of PyG's layers.

A model takes either what PyG's layers take, ``model(x, edge_index, edge_weight=None)``, and then runs PyG's own message
passing, or a prepared :class:`~wis.baselines.gnn.graph.Graph`, ``model(features, graph)``, which gives the same outputs
by sparse products. Parameters and their names are those of PyG's layers in both cases.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, ClassVar, TypeAlias

import torch
import torch_geometric.nn as pyg
from torch import Tensor, nn
from torch_geometric.typing import OptPairTensor, OptTensor
from torch_geometric.utils import add_remaining_self_loops
from wis.baselines.gnn.attention import attention
from wis.baselines.gnn.dropout import dropout
from wis.baselines.gnn.graph import Graph
from wis.baselines.gnn.own import check_model, is_own
from wis.baselines.gnn.sparse import SparseFeatures, linear
from wis.baselines.gnn.wrapped import OwnModel

Features: TypeAlias = Tensor | SparseFeatures

# exp(-30) is far above the smallest float32 and far below what float32 can add to 1.
_WIDEST_SOFTMAX = 30.0
_HEADS = 8

# PyG generates `propagate` for these.
_MESSAGE_ARGUMENTS = {"x": Tensor, "edge_weight": OptTensor}


class _GCNConv(pyg.GCNConv):
    def forward(self, x: Features, graph: Tensor | Graph, edge_weight: Tensor | None = None) -> Tensor:
        if isinstance(graph, Tensor):
            return super().forward(x, graph, edge_weight)
        return graph.normalised_sum(linear(x, self.lin.weight), self.bias)


class _GINConv(pyg.GINConv):
    """GIN with edge weights, which PyG's layer does not take."""

    propagate_type = _MESSAGE_ARGUMENTS

    def forward(self, x: Features, graph: Tensor | Graph, edge_weight: Tensor | None = None) -> Tensor:
        if isinstance(graph, Tensor):
            return self.nn(self.propagate(graph, x=x, edge_weight=edge_weight) + (1 + self.eps) * x)
        # The first map is linear: mapping before summing is the same, and sums `hidden` instead of `features` columns.
        first, rest = self.nn[0], self.nn[1:]
        mapped = linear(x, first.weight)
        return rest(graph.sum(mapped) + (1 + self.eps) * mapped + first.bias)

    def message(self, x_j: Tensor, edge_weight: OptTensor) -> Tensor:
        return x_j if edge_weight is None else edge_weight.view(-1, 1) * x_j


class _GENConv(pyg.GENConv):
    """GENConv whose edge weights multiply the messages, as UGS and Razin et al. use it."""

    propagate_type = _MESSAGE_ARGUMENTS

    def forward(self, x: Tensor, graph: Tensor | Graph, edge_weight: Tensor | None = None) -> Tensor:
        if isinstance(graph, Tensor):
            return self.mlp(x + self.propagate(graph, x=x, edge_weight=edge_weight))
        if graph.edge_weight is None:
            message = x.relu() + self.eps
            if not message.numel() or self.aggr_module.t * float(message.detach().max()) < _WIDEST_SOFTMAX:
                return self.mlp(x + self._softmax_mean(message, graph))
        return self.mlp(x + self.propagate(graph.edge_index, x=x, edge_weight=graph.edge_weight))

    def _softmax_mean(self, message: Tensor, graph: Graph) -> Tensor:
        """Softmax aggregation by two sparse products.

        Without edge weights all messages of a vertex are the same, and so are their softmax weights but for the
        normalisation, which is one number a target and feature. No gradient goes through the weights ("softmax_sg").
        """
        with torch.no_grad():
            weight = (self.aggr_module.t * message).exp()
            total = graph.sum(weight) + 1e-16
        return graph.sum(weight * message) / total

    def message(self, x_j: Tensor, edge_weight: OptTensor) -> Tensor:
        return (x_j if edge_weight is None else edge_weight.view(-1, 1) * x_j).relu() + self.eps


class _ResBlock(pyg.DeepGCNLayer):
    """A "res+" block: BatchNorm, ReLU, dropout and convolution, added to what came in."""

    def forward(self, x: Tensor, graph: Tensor | Graph, edge_weight: Tensor | None = None) -> Tensor:
        if isinstance(graph, Tensor):
            return super().forward(x, graph, edge_weight)
        return x + self.conv(self.before(x), graph, edge_weight)

    def before(self, x: Tensor) -> Tensor:
        """What comes before the convolution."""
        return dropout(self.act(self.norm(x)), self.dropout, training=self.training)


class _GATConv(pyg.GATConv):
    """GAT whose edge weights multiply the messages after the softmax; PyG's layer takes none."""

    propagate_type: ClassVar = {"x": OptPairTensor, "alpha": Tensor}

    def forward(self, x: Features, graph: Tensor | Graph, edge_weight: Tensor | None = None) -> Tensor:
        if isinstance(graph, Tensor) and edge_weight is None:
            return super().forward(x, graph)
        mapped = linear(x, self.lin.weight).view(-1, self.heads, self.out_channels)
        scores = (mapped * self.att_src).sum(dim=-1), (mapped * self.att_dst).sum(dim=-1)
        if isinstance(graph, Tensor):
            return self._pass_messages(mapped, scores, graph, edge_weight).flatten(1) + self.bias
        return attention(graph, mapped, *scores, self.negative_slope).flatten(1) + self.bias

    def _pass_messages(
        self, mapped: Tensor, scores: tuple[Tensor, Tensor], edge_index: Tensor, edge_weight: Tensor | None
    ) -> Tensor:
        edge_index, weight = add_remaining_self_loops(edge_index, edge_weight, 1.0, len(mapped))
        alpha = self.edge_updater(edge_index, alpha=scores, edge_attr=None, size=None)
        return self.propagate(edge_index, x=(mapped, mapped), alpha=alpha * weight.unsqueeze(1))


class _SAGEConv(pyg.SAGEConv):
    """GraphSAGE with edge weights, which PyG's layer does not take; the mean is over the number of neighbours."""

    propagate_type = _MESSAGE_ARGUMENTS

    def forward(self, x: Features, graph: Tensor | Graph, edge_weight: Tensor | None = None) -> Tensor:
        if isinstance(graph, Tensor):
            return self.lin_l(self.propagate(graph, x=x, edge_weight=edge_weight)) + self.lin_r(x)
        # Mapping before averaging is the same, and averages `hidden` instead of `features` columns.
        return graph.mean(linear(x, self.lin_l.weight)) + self.lin_l.bias + linear(x, self.lin_r.weight)

    def message(self, x_j: Tensor, edge_weight: OptTensor) -> Tensor:
        return x_j if edge_weight is None else edge_weight.view(-1, 1) * x_j


class _Stack(nn.Module):
    """Convolution, ReLU and LayerNorm, ``depth`` times, then a linear head."""

    def __init__(self, convolutions: Sequence[nn.Module], hidden: int, num_classes: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(convolutions)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in convolutions)
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, x: Features, graph: Tensor | Graph, edge_weight: Tensor | None = None) -> Tensor:
        """Logits ``[n, classes]``."""
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = norm(convolution(x, graph, edge_weight).relu())
        return self.head(x)


class GCN(_Stack):
    """Graph convolutional network (Kipf and Welling, ICLR 2017), LayerNorm after ReLU, linear head.

    Parameters
    ----------
    num_features, num_classes
        Sizes of input and output.
    depth
        Number of message-passing layers.
    hidden
        Width.
    """

    # No dropout, no BatchNorm: the outputs of a training step also serve validation and test.
    same_in_training = True

    def __init__(self, num_features: int, num_classes: int, depth: int = 3, hidden: int = 64) -> None:
        sizes = [num_features] + [hidden] * depth
        convolutions = [_GCNConv(a, b) for a, b in pairwise(sizes)]
        super().__init__(convolutions, hidden, num_classes)


class GIN(_Stack):
    """Graph isomorphism network (Xu et al., ICLR 2019) with learned ε, LayerNorm after ReLU, linear head.

    Each layer's network is Linear–BatchNorm–ReLU–Linear–BatchNorm–ReLU. Parameters as in :class:`GCN`.
    """

    same_in_training = False

    def __init__(self, num_features: int, num_classes: int, depth: int = 3, hidden: int = 64) -> None:
        sizes = [num_features] + [hidden] * depth
        convolutions = [_GINConv(_mlp(a, b), train_eps=True) for a, b in pairwise(sizes)]
        super().__init__(convolutions, hidden, num_classes)


def _mlp(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()),
        *(nn.Linear(outputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()),
    )


class GAT(_Stack):
    """Graph attention network (Veličković et al., ICLR 2018), LayerNorm after ReLU, linear head.

    Eight heads, which share the width; no dropout, as in the other models of the protocol. Parameters as in
    :class:`GCN`; ``hidden`` is a multiple of 8.
    """

    same_in_training = True

    def __init__(self, num_features: int, num_classes: int, depth: int = 3, hidden: int = 64) -> None:
        if hidden % _HEADS:
            raise ValueError(f"hidden must be a multiple of {_HEADS}, the number of heads of a GAT, got {hidden}")
        sizes = [num_features] + [hidden] * depth
        convolutions = [_GATConv(a, b // _HEADS, heads=_HEADS) for a, b in pairwise(sizes)]
        super().__init__(convolutions, hidden, num_classes)


class SAGE(_Stack):
    """GraphSAGE with mean aggregation (Hamilton et al., NeurIPS 2017), LayerNorm after ReLU, linear head.

    Parameters as in :class:`GCN`.
    """

    same_in_training = True

    def __init__(self, num_features: int, num_classes: int, depth: int = 3, hidden: int = 64) -> None:
        sizes = [num_features] + [hidden] * depth
        super().__init__([_SAGEConv(a, b) for a, b in pairwise(sizes)], hidden, num_classes)


class ResGCN(nn.Module):
    """DeeperGCN with "res+" blocks (Li et al., 2020, arXiv:2006.07739).

    Softmax aggregation at t = 0.1 whose weights carry no gradient, one-layer MLPs, BatchNorm, dropout 0.5. Parameters
    as in :class:`GCN`.
    """

    same_in_training = False

    def __init__(self, num_features: int, num_classes: int, depth: int = 10, hidden: int = 128) -> None:
        super().__init__()
        self.encoder = nn.Linear(num_features, hidden)
        self.layers = nn.ModuleList(
            _ResBlock(
                _GENConv(hidden, hidden, aggr="softmax_sg", t=0.1, num_layers=1, bias=True),
                nn.BatchNorm1d(hidden),
                nn.ReLU(),
                block="res+",
                dropout=0.5,
            )
            for _ in range(depth)
        )
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, x: Features, graph: Tensor | Graph, edge_weight: Tensor | None = None) -> Tensor:
        """Logits ``[n, classes]``."""
        first: Any = self.layers[0]
        h = first.conv(linear(x, self.encoder.weight, self.encoder.bias), graph, edge_weight)
        for layer in self.layers[1:]:
            h = layer(h, graph, edge_weight)
        return self.head(first.before(h))


MODELS: dict[str, Callable[..., nn.Module]] = {"gcn": GCN, "gin": GIN, "resgcn": ResGCN, "gat": GAT, "sage": SAGE}


def build(name: str, num_features: int, num_classes: int, hidden: int | None = None) -> nn.Module:
    """A model by name, of the depth of the protocol; ``hidden`` is its width, None that of the protocol.

    A model of a user's own goes by the names that :func:`wis.baselines.gnn.own.find_own` takes.

    Raises
    ------
    ValueError
        If there is no model of this name, or it is a user's own, which has the width that it has.
    """
    if is_own(check_model(name)):
        if hidden is not None:
            raise ValueError(f"hidden is the width of the package's own models; got {hidden} for model {name!r}")
        return OwnModel(name, num_features, num_classes)
    sizes = {} if hidden is None else {"hidden": hidden}
    return MODELS[name](num_features, num_classes, **sizes)
