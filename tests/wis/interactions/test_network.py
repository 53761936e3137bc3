import networkx as nx
import numpy as np
import pytest
import torch
import torch_geometric.typing
from torch.autograd import gradcheck, gradgradcheck
from torch_geometric.nn.aggr import MulAggregation
from torch_geometric.utils import from_networkx

from wis.graphs.load import load_graph
from wis.interactions.modular import MODULUS
from wis.interactions.network import ProductConv, ProductGNN, check_gradients
from wis.interactions.values import Weights, values


@pytest.mark.parametrize("target", [None, 2])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_outputs_are_those_of_the_kernel_on_small_integers(depth: int, target: int | None) -> None:
    graph = nx.path_graph(4)
    graph.add_edge(0, 2)
    rng = np.random.default_rng(depth)
    inside = np.array([True, False, True, False])
    weights = Weights(*(rng.integers(2, size=size, dtype=np.uint32) for size in ((2, 3), (depth - 1, 2, 2), (2,))))
    weights.later[:] |= np.eye(2, dtype=np.uint32)
    inputs = rng.integers(3, size=(4, 3, 2), dtype=np.uint32)
    found = values(load_graph(graph).edges, inside, target, weights, inputs)
    model = _model(weights, target)
    for a in range(2):
        for b in range(2):
            x = torch.tensor([inputs[v, :, a if inside[v] else b].tolist() for v in range(4)], dtype=torch.float64)
            output = model(x, from_networkx(graph).edge_index)
            exact = output[0 if target is None else target].item()
            assert exact < 2**53
            assert found[a, b] == int(exact) % MODULUS


def _model(weights: Weights, target: int | None) -> ProductGNN:
    depth = len(weights.later) + 1
    model = ProductGNN(3, 2, depth=depth, graph_prediction=target is None).double()
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), [weights.first, *weights.later, weights.output], strict=True):
            parameter.copy_(torch.from_numpy(value.astype(np.float64)))
    return model


def test_every_graph_of_a_batch_has_its_own_product() -> None:
    torch.manual_seed(0)
    model = ProductGNN(2, 3, outputs=2)
    x, edge_index = torch.randn(5, 2), torch.tensor([[0, 1, 3, 4], [1, 0, 4, 3]])
    together = model(x, edge_index, torch.tensor([0, 0, 1, 1, 1]))
    torch.testing.assert_close(together[:1], model(x[:2], torch.tensor([[0, 1], [1, 0]])))
    torch.testing.assert_close(together[1:], model(x[2:], torch.tensor([[1, 2], [2, 1]])))


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_gradients_of_products_with_zeros_are_right(zeros: int) -> None:
    x = torch.tensor([[2.0, 3.0], [5.0, -1.0], [0.5, 4.0]], dtype=torch.float64)
    x[:zeros] = 0
    x.requires_grad_()
    index = torch.tensor([0, 0, 0])
    product = MulAggregation()(x, index)
    (gradient,) = torch.autograd.grad(product.sum(), x)
    rows = x.detach()
    torch.testing.assert_close(gradient, torch.stack([rows[1] * rows[2], rows[0] * rows[2], rows[0] * rows[1]]))
    layer = ProductConv(2, 2).double()
    edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    assert gradcheck(lambda inputs: layer(inputs, edge_index), x)
    if zeros < 2:
        assert gradgradcheck(lambda inputs: layer(inputs, edge_index), x)


def test_the_wrong_gradients_of_torch_scatter_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_geometric.typing, "WITH_TORCH_SCATTER", True)
    check_gradients(is_cuda=False)
    with pytest.raises(RuntimeError, match="torch-scatter's product, whose gradient is wrong where a factor is 0"):
        check_gradients(is_cuda=True)
    with torch.no_grad():
        check_gradients(is_cuda=True)
    monkeypatch.setattr(torch_geometric.typing, "WITH_TORCH_SCATTER", False)
    check_gradients(is_cuda=True)


def test_it_can_be_trained() -> None:
    torch.manual_seed(1)
    model = ProductGNN(2, 4, depth=1, graph_prediction=False).double()
    x = torch.rand(64 * 2, 2, dtype=torch.float64) - 0.5
    y = (x[0::2, 0] * x[1::2, 0])[:, None]
    pairs = torch.arange(128).view(64, 2).T
    edge_index = torch.cat([pairs, pairs.flip(0)], dim=1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    losses = []
    for _ in range(200):
        loss = (model(x, edge_index)[0::2] - y).square().mean()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0] / 10
