"""What PyG gives: matrices, batches, heterogeneous and temporal graphs, transforms and loaders."""

from __future__ import annotations

import warnings
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
import torch_geometric.transforms as T  # noqa: N812  the name that PyG's users know
from torch_geometric import EdgeIndex
from torch_geometric.data import Batch, Data, HeteroData, TemporalData
from torch_geometric.loader import DataLoader, RandomNodeLoader, TemporalDataLoader
from torch_geometric.utils import from_networkx, to_torch_csr_tensor

import wis
from wis.graphs.load import SERVED

PATH = torch.tensor([[0, 1, 1, 2, 2, 3, 3, 4], [1, 0, 2, 1, 3, 2, 4, 3]])
TRIANGLE_AND_TAIL = torch.tensor([[0, 1, 0, 2, 1, 2, 2, 3], [1, 0, 2, 0, 2, 1, 3, 2]])


def path() -> Data:
    return Data(x=torch.arange(5.0)[:, None], edge_index=PATH, edge_attr=torch.arange(8), y=torch.tensor([1]))


def tail() -> Data:
    attributes = {"edge_attr": torch.arange(8) + 100, "y": torch.tensor([0])}
    return Data(x=torch.arange(4.0)[:, None], edge_index=TRIANGLE_AND_TAIL, **attributes)


def same(graph: Any, expected: Any) -> None:
    """Check that two PyG graphs are equal in every attribute."""
    assert type(graph) is type(expected)
    given, wanted = graph.to_dict(), expected.to_dict()
    assert given.keys() == wanted.keys()
    for name, value in wanted.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(given[name], value), name
        else:
            assert given[name] == value, name


# Matrices


@pytest.mark.parametrize("layout", [torch.sparse_csr, torch.sparse_csc, torch.sparse_coo])
def test_a_sparse_tensor_comes_back_in_its_layout(layout: torch.layout) -> None:
    dense = torch.tensor([[0, 1.0, 0, 2], [1, 0, 3, 0], [0, 3, 4, 0], [2, 0, 0, 0]])
    matrix = dense.to_sparse(layout=layout)
    order = wis.removal_order(matrix)
    sparse = order.apply(matrix, num_edges=1)
    assert sparse.layout == layout
    u, v = order.edges[:, -1].tolist()
    expected = torch.zeros(4, 4)
    expected[2, 2] = 4  # a loop stays
    expected[u, v] = expected[v, u] = dense[u, v]
    assert torch.equal(sparse.to_dense(), expected)
    assert torch.equal(matrix.to_dense(), dense)
    assert torch.equal(wis.sparsify(matrix, num_edges=1).to_dense(), expected)


@pytest.mark.parametrize("layout", [torch.sparse_csr, torch.sparse_csc])
def test_a_single_entry(layout: torch.layout) -> None:
    matrix = torch.sparse_coo_tensor(torch.tensor([[0], [1]]), torch.ones(1), (3, 3)).to_sparse(layout=layout)
    for keep in (0, 1):
        sparse = wis.sparsify(matrix, keep, directed=False)
        assert torch.equal(sparse.to_dense(), keep * matrix.to_dense())


def test_a_reweighted_sparse_tensor() -> None:
    matrix = to_torch_csr_tensor(PATH, torch.full((8,), 2.0))
    sparse = wis.sparsify(matrix, 1.0, method="spectral-reweighted", seed=0)
    same_graph = Data(edge_index=PATH, edge_weight=torch.full((8,), 2.0), num_nodes=5)
    expected = wis.sparsify(same_graph, 1.0, method="spectral-reweighted", seed=0)
    assert torch.equal(sparse.values(), expected.edge_weight)


@pytest.mark.parametrize("coalesced", [True, False])
def test_a_coo_tensor_keeps_its_gradient(coalesced: bool) -> None:
    columns = torch.cat([PATH, PATH[:, :2], torch.tensor([[3], [3]])], dim=1)  # two twice, and a loop
    values = torch.arange(1.0, 12.0, requires_grad=True)
    matrix = torch.sparse_coo_tensor(columns, values, (5, 5))
    matrix = matrix.coalesce() if coalesced else matrix
    sparse = wis.sparsify(matrix, num_edges=2, method="random", seed=0)
    kept = sparse.to_dense() != 0
    assert torch.equal(sparse.to_dense(), torch.where(kept, matrix.to_dense(), 0))
    (sparse @ torch.ones(5, 1)).sum().backward()
    assert values.grad.tolist() == [float(kept[u, v]) for u, v in columns.T.tolist()]
    assert kept.sum() == 5
    torch.manual_seed(0)
    assert wis.DropEdges(0.5)(matrix).requires_grad
    with torch.no_grad():
        assert not wis.sparsify(matrix, 0.5, method="random", seed=0).requires_grad
    leaf = matrix.detach().requires_grad_()
    wis.sparsify(leaf, num_edges=2, method="random", seed=0).to_dense().sum().backward()
    assert torch.equal(leaf.grad.to_dense() != 0, kept)


def test_a_reweighted_coo_tensor_that_is_not_coalesced() -> None:
    values = torch.full((8,), 2.0, requires_grad=True)
    matrix = torch.sparse_coo_tensor(PATH, values, (5, 5))
    expected = wis.sparsify(matrix.detach(), 1.0, method="spectral-reweighted", seed=0)
    assert not expected.is_coalesced()
    found = wis.sparsify(matrix, 1.0, method="spectral-reweighted", seed=0)
    assert torch.equal(found.to_dense(), expected.to_dense())
    assert found.requires_grad


def test_adj_t_with_a_gradient() -> None:
    values = torch.ones(8, requires_grad=True)
    matrix = torch.sparse_coo_tensor(PATH, values, (5, 5))
    sparse = wis.sparsify(Data(adj_t=matrix.coalesce(), edge_attr=torch.arange(8), num_nodes=5), 0.5)
    sparse.adj_t.values().sum().backward()
    assert sparse.edge_attr.tolist() == values.grad.nonzero().flatten().tolist()
    beside = wis.sparsify(Data(edge_index=PATH, adj_t=matrix, edge_attr=torch.arange(8), num_nodes=5), 0.5)
    assert beside.adj_t.requires_grad
    assert sorted(beside.adj_t.coalesce().indices().T.tolist()) == sorted(beside.edge_index.flip(0).T.tolist())
    with pytest.raises(ValueError, match=r"graph\.adj_t needs a gradient and is not coalesced; store adj_t\.coalesce"):
        wis.sparsify(Data(adj_t=matrix, num_nodes=5))


def test_a_damaged_sparse_tensor_is_refused() -> None:
    pointers, columns = torch.tensor([0, 3, 1, 4]), torch.tensor([1, 0, 2, 1])
    matrix = torch.sparse_csr_tensor(pointers, columns, torch.ones(4), (3, 3), check_invariants=False)
    with pytest.raises(ValueError, match="sparse torch matrix.* is damaged"):
        wis.sparsify(matrix)


@pytest.mark.parametrize("with_index", [False, True])
def test_data_with_adj_t(with_index: bool) -> None:
    """5425: a GNN on adj_t would have trained on the whole graph."""
    data = Data(edge_index=PATH, x=torch.eye(5), edge_attr=torch.arange(8))
    matrix = T.ToSparseTensor(remove_edge_index=not with_index)(data.clone())
    assert matrix.adj_t.layout == torch.sparse_csr
    sparse = wis.sparsify(matrix, num_edges=2)
    expected = wis.sparsify(Data(edge_index=PATH, num_nodes=5), num_edges=2).edge_index
    as_entries = {tuple(entry) for entry in sparse.adj_t.to_dense().nonzero().tolist()}
    assert as_entries == {(v, u) for u, v in expected.T.tolist()}
    if with_index:
        assert {tuple(column) for column in sparse.edge_index.T.tolist()} == {tuple(c) for c in expected.T.tolist()}
    assert len(sparse.edge_attr) == 4
    assert matrix.adj_t._nnz() == 8


def test_adj_t_is_transposed() -> None:
    data = Data(edge_index=torch.tensor([[0, 0, 0], [1, 2, 3]]), num_nodes=4)
    matrix = T.ToSparseTensor()(data.clone())
    order = wis.removal_order(data, directed=True)
    assert torch.equal(wis.removal_order(matrix, directed=True).edges, order.edges)
    assert order.edges[0].tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match=r"not symmetric.*directed=True.*directed=False"):
        wis.sparsify(matrix)


def test_a_matrix_of_other_edges_is_refused() -> None:
    data = Data(edge_index=PATH, num_nodes=5, adj_t=to_torch_csr_tensor(TRIANGLE_AND_TAIL, size=5))
    with pytest.raises(ValueError, match=r"graph\.adj_t has edges that edge_index does not have; drop one"):
        wis.sparsify(data)


def test_a_dense_adjacency_is_refused() -> None:
    with pytest.raises(ValueError, match=r"graph\.edge_index is missing, and so is a sparse graph\.adj_t"):
        wis.sparsify(T.ToDense()(Data(edge_index=PATH, x=torch.eye(5))))


def test_sparse_tensors_of_torch_sparse() -> None:
    torch_sparse = pytest.importorskip("torch_sparse")
    matrix = torch_sparse.SparseTensor.from_edge_index(PATH)
    sparse = wis.sparsify(matrix, num_edges=2)
    rows, cols, _ = sparse.coo()
    assert torch.equal(torch.stack([rows, cols]), wis.sparsify(PATH, num_edges=2))


def test_an_edge_index_of_pyg_keeps_its_class() -> None:
    given = EdgeIndex(PATH, sparse_size=(6, 6), sort_order="row")
    sparse = wis.sparsify(Data(edge_index=given, num_nodes=6), num_edges=2).edge_index
    assert isinstance(sparse, EdgeIndex)
    assert sparse.sparse_size() == (6, 6)
    assert sparse.tolist() == wis.sparsify(PATH, num_edges=2).tolist()


@pytest.mark.parametrize("edge_index", [[[0, 1], [1, 0]], np.array([[0, 1], [1, 0]]), ((0, 1), (1, 0))])
def test_an_edge_index_that_is_no_tensor(edge_index: Any) -> None:
    data = Data(num_nodes=2)
    data.edge_index = edge_index
    with pytest.raises(TypeError, match=r"graph\.edge_index must be a dense integer torch tensor"):
        wis.sparsify(data)


# Batches and lists


@pytest.mark.parametrize("keep", [0.33, 0.5, 0.75])
def test_every_graph_of_a_batch_has_its_budget(keep: float) -> None:
    graphs = [path(), tail(), path()]
    batch = Batch.from_data_list(graphs, follow_batch=["edge_index", "edge_attr", "x"])
    sparse = wis.sparsify(batch, keep, method="random", seed=3)
    expected = [wis.sparsify(graph, keep, method="random", seed=3) for graph in graphs]
    assert [graph.num_edges for graph in expected] == [2 * round(4 * keep)] * 3
    for one, other in zip(sparse.to_data_list(), expected, strict=True):
        same(one, other)
    same(sparse, Batch.from_data_list(expected, follow_batch=["edge_index", "edge_attr", "x"]))
    assert sparse.num_graphs == 3
    same(batch, Batch.from_data_list(graphs, follow_batch=["edge_index", "edge_attr", "x"]))


def test_a_batch_of_as_many_graphs_plus_one_as_edges() -> None:
    """8439: ptr has as many entries as there are edges."""
    graphs = [Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2, y=torch.tensor([i])) for i in range(3)]
    graphs[0].edge_index = torch.tensor([[0, 1], [1, 0]])
    batch = Batch.from_data_list(graphs)
    assert len(batch.ptr) == batch.num_edges == 4
    sparse = wis.sparsify(batch, 0.0, directed=False)
    assert sparse.ptr.tolist() == [0, 2, 4, 6]
    assert sparse.batch.tolist() == [0, 0, 1, 1, 2, 2]
    assert [graph.y.tolist() for graph in sparse.to_data_list()] == [[0], [1], [2]]
    assert [graph.num_nodes for graph in sparse.to_data_list()] == [2, 2, 2]


def test_arrays_and_names_of_edges_in_a_batch() -> None:
    graphs = [path(), tail()]
    for graph in graphs:
        graph.edge_names = [f"{u}{v}" for u, v in graph.edge_index.T.tolist()]
        graph.edge_time = np.arange(8)
        graph.title = "a graph"
        graph.weights = {"length": graph.edge_attr * 2}
    sparse = wis.sparsify(Batch.from_data_list(graphs), 0.5).to_data_list()
    for one, graph in zip(sparse, graphs, strict=True):
        other = wis.sparsify(graph, 0.5)
        assert one.edge_names == other.edge_names == [f"{u}{v}" for u, v in one.edge_index.T.tolist()]
        assert one.edge_time.tolist() == other.edge_time.tolist()
        assert one.weights["length"].tolist() == other.weights["length"].tolist()
        assert one.title == "a graph"


def test_a_batch_made_by_hand_and_attributes_set_later() -> None:
    batch = Batch(edge_index=torch.cat([PATH, TRIANGLE_AND_TAIL + 5], 1), batch=torch.tensor([0] * 5 + [1] * 4))
    batch.num_nodes = 9
    batch.edge_time = torch.arange(16)
    sparse = wis.sparsify(batch, 0.5)
    assert sparse.edge_time.tolist() == [i for i in range(16) if i in set(sparse.edge_time.tolist())]
    assert (sparse.edge_time < 8).sum() == (sparse.edge_time >= 8).sum() == 4
    joined = Batch.from_data_list([path(), tail()])
    joined.edge_score = torch.arange(16)
    with pytest.raises(ValueError, match=r"from one graph to another, between 4 and 5"):
        wis.sparsify(Batch(edge_index=torch.tensor([[4, 5], [5, 4]]), batch=batch.batch, num_nodes=9))
    assert wis.sparsify(joined, 0.5).edge_score.tolist() == [*wis.sparsify(path()).edge_attr.tolist()] + [
        8 + value - 100 for value in wis.sparsify(tail()).edge_attr.tolist()
    ]


def test_weights_set_by_a_method_come_apart_with_the_batch() -> None:
    batch = Batch.from_data_list([path(), tail()])
    sparse = wis.sparsify(batch, 1.0, method="spectral-reweighted", seed=0).to_data_list()
    for one, graph in zip(sparse, [path(), tail()], strict=True):
        assert torch.equal(one.edge_weight, wis.sparsify(graph, 1.0, method="spectral-reweighted", seed=0).edge_weight)


def test_a_batch_of_matrices() -> None:
    graphs = [T.ToSparseTensor()(path()), T.ToSparseTensor()(tail())]
    sparse = wis.sparsify(Batch.from_data_list(graphs), 0.5)
    expected = [wis.sparsify(graph, 0.5).adj_t.to_dense() for graph in graphs]
    assert torch.equal(sparse.adj_t.to_dense(), torch.block_diag(*expected))


@pytest.mark.parametrize("kind", [list, tuple])
def test_every_graph_of_a_list_has_its_budget(kind: type) -> None:
    sparse = wis.sparsify(kind([path(), tail()]), 0.5)
    assert type(sparse) is kind
    for one, graph in zip(sparse, [path(), tail()], strict=True):
        same(one, wis.sparsify(graph, 0.5))
    with pytest.raises(ValueError, match="graph number 1 of the list: .*edge_index is missing"):
        wis.sparsify([path(), Data(num_nodes=3)])


@pytest.mark.parametrize("graph", [Batch.from_data_list([path(), tail()]), [path(), tail()]])
def test_an_order_is_for_one_graph(graph: Any) -> None:
    with pytest.raises(
        TypeError, match=r"of 2 graphs, each with a budget of its own; only wis\.sparsify.*to_data_list"
    ):
        wis.removal_order(graph)
    with pytest.raises(TypeError, match="each with a budget of its own"):
        wis.removal_order(path()).apply(graph)


# Heterogeneous graphs


def hetero() -> HeteroData:
    torch.manual_seed(1)
    data = HeteroData()
    data["user"].x = torch.eye(5)
    data["item"].x = torch.eye(4)
    data["user", "buys", "item"].edge_index = torch.tensor([[0, 0, 1, 2, 3, 4], [0, 1, 1, 2, 3, 3]])
    data["user", "buys", "item"].edge_attr = torch.arange(6)
    data["user", "knows", "user"].edge_index = PATH
    data["user", "knows", "user"].time = torch.arange(8)
    return data


def test_every_edge_type_has_its_budget() -> None:
    data = hetero()
    sparse = wis.sparsify(data, 0.5)
    buys, knows = sparse["user", "buys", "item"], sparse["user", "knows", "user"]
    assert buys.edge_attr.tolist() == [
        i for i in range(6) if data["buys"].edge_index[:, i].tolist() in buys.edge_index.T.tolist()
    ]
    assert (buys.num_edges, knows.num_edges) == (3, 4)
    assert torch.equal(knows.edge_index, wis.sparsify(PATH, 0.5))
    assert knows.time.tolist() == wis.removal_order(PATH).kept_columns(PATH, 0.5).tolist()
    assert torch.equal(sparse["user"].x, data["user"].x)
    assert data["buys"].num_edges == 6


def test_an_edge_type_between_two_types_is_a_bipartite_graph() -> None:
    sparse = wis.sparsify(hetero(), 0.5)["user", "buys", "item"].edge_index
    joined = hetero()["user", "buys", "item"].edge_index + torch.tensor([[0], [5]])
    expected = wis.sparsify(joined, 0.5, directed=False, num_nodes=9) - torch.tensor([[0], [5]])
    assert torch.equal(sparse, expected)


@pytest.mark.parametrize("merge", [False, True])
def test_reverse_edges_follow_their_pair(merge: bool) -> None:
    data = T.ToUndirected(merge=merge)(hetero())
    sparse = wis.sparsify(data, 0.5)
    buys, back = sparse["user", "buys", "item"].edge_index, sparse["item", "rev_buys", "user"].edge_index
    assert buys.shape == (2, 3)
    assert {tuple(pair) for pair in buys.T.tolist()} == {(u, i) for i, u in back.T.tolist()}
    if not merge:
        knows, known = sparse["user", "knows", "user"].edge_index, sparse["user", "rev_knows", "user"].edge_index
        assert {tuple(pair) for pair in knows.T.tolist()} == {(u, v) for v, u in known.T.tolist()}


def test_all_edge_types_as_one_graph() -> None:
    data = T.ToUndirected()(hetero())
    order = wis.removal_order(data, homogeneous=True)
    assert (order.num_nodes, len(order)) == (9, 10)
    sparse = wis.sparsify(data, 0.4, homogeneous=True)
    joined = torch.cat([PATH, (buys := hetero()["buys"].edge_index + torch.tensor([[0], [5]])), buys.flip(0)], dim=1)
    kept = {tuple(pair) for pair in wis.sparsify(joined, 0.4).T.tolist()}
    found = {(u, v + 5) for u, v in sparse["user", "buys", "item"].edge_index.T.tolist()}
    found |= {(i + 5, u) for i, u in sparse["item", "rev_buys", "user"].edge_index.T.tolist()}
    found |= {tuple(pair) for pair in sparse["user", "knows", "user"].edge_index.T.tolist()}
    assert found == kept
    again = order.apply(data, 0.4)
    assert torch.equal(again["buys"].edge_index, sparse["buys"].edge_index)
    with pytest.raises(TypeError, match="each with a budget of its own.*homogeneous=True"):
        wis.removal_order(data)
    with pytest.raises(TypeError, match="homogeneous=True is for a HeteroData, got Data"):
        wis.sparsify(path(), homogeneous=True)


def test_directed_edge_types_are_asked_for() -> None:
    data = hetero()
    data["user", "knows", "user"].edge_index = PATH[:, ::2]
    data["user", "knows", "user"].time = torch.arange(4)
    with pytest.raises(ValueError, match="not symmetric"):
        wis.sparsify(data)
    directed, undirected = wis.sparsify(data, 0.5, directed=True), wis.sparsify(data, 0.5, directed=False)
    assert (directed["knows"].num_edges, undirected["knows"].num_edges, undirected["buys"].num_edges) == (2, 2, 3)


def test_supervision_edges_of_an_edge_type() -> None:
    data = hetero()
    store = data["user", "buys", "item"]
    store.edge_label, store.edge_label_index = torch.ones(6), store.edge_index.clone()
    sparse = wis.sparsify(data, 0.5)["user", "buys", "item"]
    assert torch.equal(sparse.edge_label_index, store.edge_label_index)
    assert len(sparse.edge_label) == 6
    del store.edge_label_index
    assert len(wis.sparsify(data, 0.5)["user", "buys", "item"].edge_label) == 3


def test_vertex_types_without_a_store_do_not_come_to_be() -> None:
    graph = HeteroData()
    graph["user"].x = torch.eye(4)
    graph["user", "buys", "item"].edge_index = torch.tensor([[0, 1, 2, 3], [0, 1, 2, 5]])
    before = graph.metadata()
    assert before == (["user"], [("user", "buys", "item")])
    sparse = wis.sparsify(graph, 0.5, method="random", seed=0)
    assert graph.metadata() == sparse.metadata() == before
    assert wis.sparsify(graph, 0.5, directed=False, homogeneous=True).metadata() == before
    assert wis.removal_order(graph, directed=False, homogeneous=True).num_nodes == 10
    assert graph.metadata() == before
    assert sparse["user", "buys", "item"].num_edges == 2


def test_relations_of_one_type_of_vertices() -> None:
    """3627, 10739: two edges between four vertices, and supervision edges of the same number."""
    columns = torch.tensor([[2, 0], [3, 1]])
    data = HeteroData()
    data["v"].num_nodes = data["w"].num_nodes = 4
    data["v", "to", "v"].edge_index, data["v", "to", "w"].edge_index = columns, columns
    data["v", "to", "w"].edge_weight = torch.tensor([1.0, 1.0])
    data["v", "to", "w"].edge_label_index, data["v", "to", "w"].edge_label = columns, torch.ones(2)
    sparse = wis.sparsify(data, 0.5, directed=False)
    assert [sparse[kind].edge_index.shape[1] for kind in data.edge_types] == [1, 1]
    assert torch.equal(sparse["v", "to", "w"].edge_label_index, columns)
    assert (len(sparse["v", "to", "w"].edge_label), len(sparse["v", "to", "w"].edge_weight)) == (2, 1)


def test_hetero_matrices() -> None:
    data = T.ToSparseTensor()(hetero())
    sparse, expected = wis.sparsify(data, 0.5), wis.sparsify(hetero(), 0.5)
    entries = sparse["user", "buys", "item"].adj_t.to_dense().nonzero()
    assert {(u, i) for i, u in entries.tolist()} == {tuple(p) for p in expected["buys"].edge_index.T.tolist()}
    both = T.ToSparseTensor(remove_edge_index=False)(hetero())
    sparse = wis.sparsify(both, 0.5)
    for kind in both.edge_types:
        entries = {(v, u) for u, v in sparse[kind].adj_t.to_dense().nonzero().tolist()}
        assert entries == {tuple(pair) for pair in sparse[kind].edge_index.T.tolist()}


def test_reweighted_edge_types() -> None:
    sparse = wis.sparsify(T.ToUndirected()(hetero()), 1.0, method="spectral-reweighted", seed=0)
    forward, back = sparse["user", "buys", "item"], sparse["item", "rev_buys", "user"]
    weight = dict(zip(map(tuple, forward.edge_index.T.tolist()), forward.edge_weight.tolist(), strict=True))
    for (i, u), w in zip(back.edge_index.T.tolist(), back.edge_weight.tolist(), strict=True):
        assert weight[u, i] == w


def test_a_batch_of_hetero_data() -> None:
    batch = Batch.from_data_list([hetero(), hetero()])
    sparse = wis.sparsify(batch, 0.5)
    expected = wis.sparsify(hetero(), 0.5)
    for one in sparse.to_data_list():
        assert torch.equal(one["buys"].edge_index, expected["buys"].edge_index)
        assert torch.equal(one["knows"].time, expected["knows"].time)


def test_bad_indices_of_an_edge_type_are_named() -> None:
    data = hetero()
    data["user", "buys", "item"].edge_index[1, 0] = 4
    with pytest.raises(ValueError, match=r"'buys'.*\('item'\) has vertex 4, but num_nodes=4"):
        wis.sparsify(data)


# Events


def events() -> TemporalData:
    return TemporalData(
        src=torch.tensor([0, 0, 1, 2, 0, 1]),
        dst=torch.tensor([3, 3, 3, 4, 4, 4]),
        t=torch.arange(6),
        msg=torch.arange(6.0)[:, None],
        y=torch.arange(6),
        name="stream",
    )


def test_items_and_sparse_messages_of_events_follow() -> None:
    number = torch.arange(6)
    message = torch.arange(12.0).reshape(6, 2).fmod(3)
    events = TemporalData(
        src=torch.tensor([0, 1, 2, 3, 0, 2]),
        dst=torch.tensor([1, 2, 3, 0, 2, 3]),
        t=number,
        msg=message.to_sparse(),
        extra={"price": number * 10, "inner": {"size": list(range(6))}, "unit": "EUR", "of": torch.arange(5)},
    )
    sparse = wis.sparsify(events, 0.5, method="random", seed=0)
    kept = sparse.t.tolist()
    assert 0 < len(kept) < 6
    assert sparse.extra["price"].tolist() == [10 * i for i in kept]
    assert sparse.extra["inner"] == {"size": kept}
    assert sparse.extra["unit"] == "EUR"
    assert sparse.extra["of"].tolist() == [0, 1, 2, 3, 4]
    assert torch.equal(sparse.msg.to_dense(), message[kept])
    assert events.extra["inner"] == {"size": list(range(6))}


def test_events_follow_the_pairs_of_their_static_graph() -> None:
    data = events()
    order = wis.removal_order(data)
    assert len(order) == 5
    sparse = wis.sparsify(data, num_edges=3)
    pairs = {tuple(pair) for pair in order.edges[:, -3:].T.tolist()}
    kept = [i for i in range(6) if (int(data.src[i]), int(data.dst[i])) in pairs]
    assert sparse.t.tolist() == sparse.y.tolist() == kept
    assert sparse.msg.tolist() == [[float(i)] for i in kept]
    assert (type(sparse), sparse.name, data.num_events) == (TemporalData, "stream", 6)
    assert order.apply(data, num_edges=3).t.tolist() == kept
    with pytest.raises(ValueError, match="has no src or no dst"):
        wis.sparsify(TemporalData())
    with pytest.raises(TypeError, match="events cannot carry"):
        wis.sparsify(data, method="spectral-reweighted", seed=0)


# Transforms and loaders


# Transforms that need a library which is not always there, a mesh, an image or several types of vertices.
NOT_HERE = {
    *("AddGPSE", "AddMetaPaths", "AddRandomMetaPaths", "BaseTransform", "ComposeFilters", "Delaunay", "FaceToEdge"),
    *("GenerateMeshNormals", "GridSampling", "KNNGraph", "NodePropertySplit", "PointPairFeatures", "RadiusGraph"),
    *("RootedRWSubgraph", "SamplePoints", "ToSLIC"),
}

ARGUMENTS: dict[str, dict[str, Any]] = {
    "AddLaplacianEigenvectorPE": {"k": 2},
    "AddRandomWalkPE": {"walk_length": 2},
    "Compose": {"transforms": [T.AddSelfLoops(), T.Constant()]},
    "FeaturePropagation": {"missing_mask": torch.zeros(4, 3, dtype=torch.bool)},
    "FixedPoints": {"num": 4, "replace": False},
    "IndexToMask": {"attrs": []},
    "LinearTransformation": {"matrix": torch.eye(3)},
    "MaskToIndex": {"attrs": []},
    "OneHotDegree": {"max_degree": 4},
    "Pad": {"max_num_nodes": 12},
    "RandomFlip": {"axis": 0},
    "RandomJitter": {"translate": 0.1},
    "RandomRotate": {"degrees": 10},
    "RandomScale": {"scales": (0.9, 1.1)},
    "RandomShear": {"shear": 0.1},
    "RemoveTrainingClasses": {"classes": [1]},
    "RootedEgoNets": {"num_hops": 1},
    "SIGN": {"K": 2},
    "SVDFeatureReduction": {"out_channels": 1},
    "ToDevice": {"device": "cpu"},
}


@pytest.mark.parametrize("name", sorted(set(T.__all__) - NOT_HERE))
def test_what_any_transform_yields_is_taken_or_refused_in_one_line(name: str) -> None:
    torch.manual_seed(0)
    data = Data(
        x=torch.rand(4, 3),
        edge_index=TRIANGLE_AND_TAIL,
        pos=torch.rand(4, 2 if name == "Polar" else 3),
        y=torch.tensor([0, 1, 0, 1]),
        train_mask=torch.tensor([True, True, False, False]),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = getattr(T, name)(**ARGUMENTS.get(name, {}))(data)
    if name == "ToDense":
        with pytest.raises(ValueError, match=r"^graph.edge_index is missing.*[^\n]$"):
            wis.sparsify(graph)
        return
    for one in graph if isinstance(graph, tuple) else [graph]:
        sparse = wis.sparsify(one, 0.0, directed=False, edge_attrs=[])
        assert type(sparse) is type(one)
        assert sparse.num_nodes == one.num_nodes
        columns = one.edge_index if "edge_index" in one else torch.empty((2, 0), dtype=torch.long)
        loops = columns[0] == columns[1]
        assert sparse.num_edges == int(loops.sum())
        if "edge_attr" in one:
            assert torch.equal(sparse.edge_attr, one.edge_attr[loops])


def test_loaders() -> None:
    graphs = [path(), tail(), path(), tail()]
    for batch in DataLoader(graphs, batch_size=2, follow_batch=["edge_attr"]):
        sparse = wis.Sparsify(0.5)(batch)
        assert [graph.num_edges for graph in sparse.to_data_list()] == [4, 4]
    torch.manual_seed(0)
    for part in RandomNodeLoader(path(), num_parts=2):
        assert wis.sparsify(part, 1.0).num_edges == part.num_edges
    stream = events()
    del stream.name  # the loader takes tensors only
    for part in TemporalDataLoader(stream, batch_size=3):
        assert wis.sparsify(part, num_edges=1).num_events < 3
    kept = [graph.num_edges for graph in DataLoader([wis.sparsify(graph) for graph in graphs], batch_size=4)]
    assert kept == [16]


@pytest.mark.parametrize(
    "graph",
    [DataLoader([path()]), torch.nn.Linear(2, 2), "graph.csv", None, 3, {0: [1]}, object(), {(0, 1)}, iter([(0, 1)])],
)
def test_a_type_that_is_not_served_is_told_which_are(graph: object) -> None:
    with pytest.raises(TypeError) as raised:
        wis.sparsify(graph)
    assert str(raised.value).startswith(f"graph must be {SERVED}, got ")
    assert "\n" not in str(raised.value)


def test_edge_types_without_weights_beside_others_are_told_of() -> None:
    graph = HeteroData({"a": {"num_nodes": 2}, "b": {"num_nodes": 2}})
    graph["a", "to", "b"].edge_index = torch.tensor([[0, 0, 1], [0, 1, 1]])
    graph["b", "rev_to", "a"].edge_index = torch.tensor([[0, 1, 1], [0, 0, 1]])
    graph["a", "to", "b"].edge_weight = torch.tensor([1.0, 2.0, 9.0])
    message = r"and graph\[\('b', 'rev_to', 'a'\)\] has none, as other edge types of the same graph have: .* weigh 1"
    with pytest.warns(UserWarning, match=message):
        wis.sparsify(graph, 0.5, method="threshold")
    graph["b", "rev_to", "a"].edge_weight = torch.tensor([1.0, 2.0, 9.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wis.sparsify(graph, 0.5, method="threshold")


def test_numbers_of_edges_that_may_be_meant_as_weights_are_told_of() -> None:
    edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    data = Data(edge_index=edge_index, edge_attr=torch.tensor([1.0, 1.0, 9.0, 9.0]), num_nodes=3)
    hetero = HeteroData({"a": {"num_nodes": 3}, ("a", "to", "a"): {"edge_index": edge_index}})
    hetero["a", "to", "a"].edge_attr = data.edge_attr[:, None]
    message = (
        r"edge_attr has one number an edge, which it does not take for one; .* set edge_weight = edge_attr.flatten()"
    )
    for graph, name in ((data, "graph."), (Batch.from_data_list([data]), "graph."), (hetero, r"graph\[.*\]\.")):
        with pytest.warns(UserWarning, match="method 'spectral' reads edge weights, and " + name + message):
            wis.sparsify(graph, 0.5, method="spectral", seed=0)
    ring = nx.cycle_graph(5)
    nx.set_edge_attributes(ring, {edge: i for i, edge in enumerate(ring.edges)}, "weight")
    with pytest.warns(UserWarning, match=r"graph\.weight has one number .* set edge_weight = weight\.flatten\(\)"):
        wis.sparsify(from_networkx(ring), 0.5, method="spectral", seed=0)
    with pytest.warns(UserWarning, match=r"graph\.edge_weights has one number"):
        wis.sparsify(Data(edge_index=edge_index, edge_weights=torch.ones(4), num_nodes=3), method="spectral", seed=0)
    weighted = Data(edge_index=edge_index, edge_attr=data.edge_attr, edge_weight=data.edge_attr, num_nodes=3)
    of_vertices = Data(edge_index=edge_index, weight=torch.ones(3), num_nodes=3)
    features = Data(edge_index=edge_index, edge_attr=torch.ones(4, 2), num_nodes=3)
    kinds = Data(edge_index=edge_index, edge_attr=torch.tensor([0, 0, 1, 1]), num_nodes=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for graph in (weighted, features, kinds, of_vertices):
            wis.sparsify(graph, 0.5, method="spectral", seed=0)
        wis.sparsify(data, 0.5, method="random", seed=0)
