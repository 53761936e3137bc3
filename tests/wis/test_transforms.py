"""The PyG transform."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch_geometric.transforms as T  # noqa: N812  the name that PyG's users know
from torch_geometric.data import Batch, Data

import wis


@pytest.fixture
def path() -> Data:
    edge_index = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    return Data(x=torch.eye(4), edge_index=edge_index, y=torch.tensor([0, 1, 1, 0]))


def test_it_sparsifies(path: Data) -> None:
    sparse = wis.Sparsify(keep=2 / 3, depth=2)(path)
    # Every removal isolates an end or leaves all of 0..3 with an edge; only the middle pair does the latter.
    assert sparse.edge_index.tolist() == [[0, 1, 2, 3], [1, 0, 3, 2]]
    assert path.num_edges == 6
    assert torch.equal(sparse.y, path.y)


def test_it_composes(path: Data) -> None:
    one_way = Data(x=path.x, edge_index=path.edge_index[:, ::2])
    transform = T.Compose([T.ToUndirected(), wis.Sparsify(keep=1.0)])
    assert transform(one_way).num_edges == 6


def first_last(edges: wis.EdgeList) -> np.ndarray:
    return np.arange(edges.num_pairs)[::-1]


def test_repr() -> None:
    assert repr(wis.Sparsify()) == "Sparsify(keep=0.5, method='wis')"
    assert repr(wis.Sparsify(0.3, method="wis", depth=2)) == "Sparsify(keep=0.3, method='wis', depth=2)"
    assert repr(wis.Sparsify(method=first_last)) == "Sparsify(keep=0.5, method='tests.wis.test_transforms:first_last')"


def test_a_number_of_edges_of_every_graph(path: Data) -> None:
    transform = wis.Sparsify(num_edges=2)
    assert repr(transform) == "Sparsify(num_edges=2, method='wis')"
    assert transform(path).num_edges == 4
    assert transform(Batch.from_data_list([path, path])).num_edges == 8


def test_bad_arguments_are_named_when_it_is_made() -> None:
    with pytest.raises(ValueError, match="keep must be from 0 to 1"):
        wis.Sparsify(keep=3)
    with pytest.raises(ValueError, match="give keep or num_edges, not both"):
        wis.Sparsify(keep=0.5, num_edges=3)
    with pytest.raises(ValueError, match="num_edges must not be negative"):
        wis.Sparsify(num_edges=-1)
    for name in ("data", "num_nodes", "progress"):
        with pytest.raises(TypeError, match=f"{name} is for one graph, and a transform is for many"):
            wis.Sparsify(**{name: 1})
    with pytest.raises(ValueError, match="unknown method"):
        wis.Sparsify(method="magic")
    with pytest.raises(ValueError, match="no option 'deep'"):
        wis.Sparsify(deep=3)
    with pytest.raises(ValueError, match="device must be one of"):
        wis.Sparsify(device="gpu")
    with pytest.raises(ValueError, match="seed must not be negative"):
        wis.Sparsify(method="random", seed=-1)


def test_a_fresh_draw_at_every_call_in_training() -> None:
    ring = torch.arange(40)
    columns = torch.stack([torch.cat([ring, (ring + 1) % 40]), torch.cat([(ring + 1) % 40, ring])])
    drop = wis.DropEdges(keep=0.25)
    torch.manual_seed(0)
    first, second = drop(columns), drop(columns)
    torch.manual_seed(0)
    assert torch.equal(drop(columns), first)
    assert not torch.equal(first, second)
    assert first.shape == second.shape == (2, 20)
    assert {tuple(pair) for pair in first.T.tolist()} == {(v, u) for u, v in first.T.tolist()}
    drop.eval()
    assert drop(columns) is columns


def test_each_graph_of_a_batch_has_a_draw_of_its_own() -> None:
    ring = torch.arange(40)
    columns = torch.stack([torch.cat([ring, (ring + 1) % 40]), torch.cat([(ring + 1) % 40, ring])])
    drop = wis.DropEdges(keep=0.25)
    graphs = [Data(edge_index=columns, num_nodes=40)] * 8
    for several in (Batch.from_data_list(graphs), graphs):
        torch.manual_seed(0)
        first = drop(several)
        torch.manual_seed(0)
        again = drop(several)
        sparse = first.to_data_list() if isinstance(first, Batch) else first
        draws = [graph.edge_index.tolist() for graph in sparse]
        assert [graph.num_edges for graph in sparse] == [20] * 8
        assert len({str(draw) for draw in draws}) == 8
        repeated = again.to_data_list() if isinstance(again, Batch) else again
        assert draws == [graph.edge_index.tolist() for graph in repeated]


def test_values_of_edges_go_with_them() -> None:
    columns = torch.tensor([[0, 1, 1, 2, 2], [1, 0, 2, 1, 2]])
    weight = torch.arange(5.0, requires_grad=True)
    drop = wis.DropEdges(keep=0.5)
    kept, values, nothing = drop(columns, weight, None)
    assert nothing is None
    assert [columns[:, int(value)].tolist() for value in values] == kept.T.tolist()
    assert len(values) == 3
    values.sum().backward()
    assert int(weight.grad.sum()) == 3
    assert drop.eval()(columns, weight)[1] is weight


def test_a_layer_takes_any_graph(path: Data) -> None:
    assert wis.DropEdges(keep=1 / 3)(path).num_edges == 2
    assert str(torch.nn.Sequential(wis.DropEdges(0.3, directed=True))).endswith("DropEdges(keep=0.3, directed=True)\n)")
    with pytest.raises(ValueError, match="keep must be from 0 to 1"):
        wis.DropEdges(keep=1.5)
