"""The product-aggregation GNN of the theory in PyTorch, to be trained."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch_geometric.typing
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing
from torch_geometric.nn.aggr import MulAggregation
from torch_geometric.utils import add_remaining_self_loops


class ProductConv(MessagePassing):
    """One layer: ``h_i = prod over j in N(i) of W x_j``, with ``i`` in ``N(i)`` and no bias.

    Parameters
    ----------
    inputs, outputs
        Widths.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(aggr=MulAggregation())
        self.lin = nn.Linear(inputs, outputs, bias=False)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Vectors ``[n, outputs]``. Self-loops are added where there are none.

        Raises
        ------
        RuntimeError
            As :func:`check_gradients`.
        """
        check_gradients(x.is_cuda)
        edge_index, _ = add_remaining_self_loops(edge_index, num_nodes=x.shape[0])
        return self.propagate(edge_index, x=self.lin(x))


class ProductGNN(nn.Module):
    """Product-aggregation GNN, whose ability to model interactions the walk index tells.

    Parameters
    ----------
    inputs, hidden, outputs
        ``D_x``, ``D_h`` and the number of outputs.
    depth
        ``L >= 1`` layers.
    graph_prediction
        Whether the vectors of all vertices of a graph are multiplied before the output (graph prediction); otherwise
        every vertex has an output (vertex prediction).

    Notes
    -----
    The GNN of Razin, Verbin, Cohen (NeurIPS 2023, arXiv:2211.16494), with one type of edge. Values are products of as
    many inputs as there are walks of length L, so use float64, a small depth and inputs near 1.
    """

    def __init__(
        self, inputs: int, hidden: int, outputs: int = 1, depth: int = 2, *, graph_prediction: bool = True
    ) -> None:
        super().__init__()
        sizes = [inputs] + [hidden] * depth
        self.convolutions = nn.ModuleList(ProductConv(a, b) for a, b in pairwise(sizes))
        self.pool = MulAggregation() if graph_prediction else None
        self.output = nn.Linear(hidden, outputs, bias=False)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor | None = None) -> Tensor:
        """Outputs ``[graphs, outputs]``, or ``[n, outputs]`` for vertex prediction; ``batch`` as in PyG."""
        for convolution in self.convolutions:
            x = convolution(x, edge_index)
        if self.pool is not None:
            x = self.pool(x, x.new_zeros(len(x), dtype=torch.long) if batch is None else batch)
        return self.output(x)


def check_gradients(is_cuda: bool) -> None:
    """Refuse products whose gradients would be wrong.

    Raises
    ------
    RuntimeError
        If PyG would take torch-scatter's product, which it does on CUDA: its gradient is the product over the factor,
        and so not a number where a factor is 0.
    """
    if is_cuda and torch.is_grad_enabled() and torch_geometric.typing.WITH_TORCH_SCATTER:
        raise RuntimeError(
            "on CUDA PyG takes torch-scatter's product, whose gradient is wrong where a factor is 0; use the CPU, "
            "uninstall torch-scatter, or evaluate under torch.no_grad()"
        )
