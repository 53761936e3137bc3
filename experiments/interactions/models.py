"""GCN, GIN and GAT on many inputs of one small graph: PyG's dense layers, as the task "is same class" uses them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn.dense import DenseGATConv, DenseGCNConv, DenseGINConv
from wis.experiments.interactions.task import DEPTH

HIDDEN = 16
_HEADS = 4

# Published learning rates.
LEARNING_RATES = {"gcn": 5e-3, "gin": 1e-2, "gat": 5e-3}


class GAT(DenseGATConv):
    """PyG's layer with the neighbours in the last place of the attention weights, which is twice as fast."""

    def forward(self, x: Tensor, adjacency: Tensor, **_: object) -> Tensor:
        """Vectors ``[B, N, heads * outputs]`` of inputs ``[B, N, F]`` and an adjacency matrix ``[N, N]``."""
        h = self.lin(x).view(*x.shape[:2], self.heads, self.out_channels).transpose(1, 2)
        from_source, to_target = ((h * a.transpose(1, 2)).sum(-1) for a in (self.att_src, self.att_dst))
        score = nn.functional.leaky_relu(to_target.unsqueeze(-1) + from_source.unsqueeze(-2), self.negative_slope)
        weight = (score + adjacency.log()).softmax(-1)  # log of 0 is minus infinity: no neighbour
        return (weight @ h).transpose(1, 2).flatten(2) + self.bias


def layer(name: str, inputs: int) -> nn.Module:
    """One layer of a model by name, of 16 outputs."""
    if name == "gcn":
        return DenseGCNConv(inputs, HIDDEN)
    if name == "gat":
        return GAT(inputs, HIDDEN // _HEADS, heads=_HEADS)
    if name == "gin":
        return DenseGINConv(nn.Sequential(nn.Linear(inputs, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN)))
    raise ValueError(f"unknown model {name!r}; the models are: {', '.join(LEARNING_RATES)}")


class Classifier(nn.Module):
    """Three layers, ReLU and LayerNorm after each, the mean over vertices, and a linear output.

    Parameters
    ----------
    name
        ``"gcn"``, ``"gin"`` or ``"gat"``.
    inputs
        Numbers at a vertex.

    Notes
    -----
    As published (Razin, Verbin, Cohen, arXiv:2211.16494): self-loops are edges of the graph, so GIN counts the vertex
    itself twice; ε = 0 and not trained. The inner network of GIN, two linear maps with a ReLU between, is ours.
    """

    def __init__(self, name: str, inputs: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layer(name, inputs if i == 0 else HIDDEN) for i in range(DEPTH))
        self.norms = nn.ModuleList(nn.LayerNorm(HIDDEN) for _ in range(DEPTH))
        self.head = nn.Linear(HIDDEN, 1)

    def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
        """Logits ``[B]`` of inputs ``[B, N, F]`` on a graph with adjacency matrix ``[N, N]``, loops included."""
        for convolution, norm in zip(self.layers, self.norms, strict=True):
            x = norm(convolution(x, adjacency).relu())
        return self.head(x.mean(1)).squeeze(-1)


@torch.no_grad()
def accuracy(model: Classifier, x: Tensor, adjacency: Tensor, same: Tensor, batch: int = 1000) -> float:
    """Share of inputs that are told right."""
    right = [
        (model(part, adjacency) > 0) == (label > 0.5)
        for part, label in zip(x.split(batch), same.split(batch), strict=True)
    ]
    return float(torch.cat(right).float().mean())
