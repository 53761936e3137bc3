from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import nn
from torch_geometric.nn import GATConv, GCNConv, GINConv
from torch_geometric.utils import dense_to_sparse
from wis.experiments.interactions.models import Classifier, accuracy, layer
from wis.experiments.interactions.task import high


@pytest.mark.parametrize("name", ["gcn", "gin", "gat"])
def test_a_layer_is_the_one_of_pyg_on_sparse_graphs(name: str) -> None:
    torch.manual_seed(0)
    adjacency = torch.from_numpy(high().adjacency()).double()
    edge_index, _ = dense_to_sparse(adjacency)  # self-loops are edges
    ours: Any = layer(name, 5).double()
    x = torch.randn(2, 32, 5, dtype=torch.float64, requires_grad=True)
    found = ours(x, adjacency)
    sparse = _sparse(name, ours).double()
    for b in range(2):
        expected = sparse(x[b], edge_index)
        torch.testing.assert_close(found[b], expected)
        (gradient,) = torch.autograd.grad(expected.square().sum(), x, retain_graph=True)
        (ours_gradient,) = torch.autograd.grad(found[b].square().sum(), x, retain_graph=True)
        torch.testing.assert_close(ours_gradient, gradient)


def _sparse(name: str, ours: Any) -> nn.Module:
    if name == "gcn":
        layer = GCNConv(5, 16, add_self_loops=False)
        layer.load_state_dict(ours.state_dict())
        return layer
    if name == "gin":
        layer = GINConv(deepcopy(ours.nn))  # counts the vertex itself twice, by its loop and by its own term
        layer.nn.load_state_dict(ours.nn.state_dict())
        return layer
    layer = GATConv(5, 4, heads=4, add_self_loops=False)
    layer.load_state_dict({name: w.squeeze(0) if "att" in name else w for name, w in ours.state_dict().items()})
    return layer


def test_unknown_models_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown model 'mlp'; the models are: gcn, gin, gat"):
        layer("mlp", 3)


@pytest.mark.parametrize("name", ["gcn", "gin", "gat"])
def test_a_classifier_tells_mean_features_apart(name: str) -> None:
    torch.manual_seed(1)
    adjacency = torch.from_numpy(high().adjacency())
    same = (torch.arange(64) % 2).float()
    x = torch.rand(64, 32, 3) + same[:, None, None]
    model = Classifier(name, 3)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(60):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x, adjacency), same)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert accuracy(model, x, adjacency, same, batch=10) == 1.0
    assert accuracy(model, x, adjacency, 1 - same) == 0.0
