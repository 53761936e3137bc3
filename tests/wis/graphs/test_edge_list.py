"""Reading graphs of every supported type, and building the same type back."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data, HeteroData

import wis
from wis.graphs.edge_list import EdgeList, check_weights, pairs_both_ways
from wis.graphs.load import load_any, load_graph

# Pairs {0,1} (twice forward), {1,2}, {0,3}; a self-loop on 2; both directions of each.
COLUMNS = np.array([[1, 0, 2, 0, 1, 2, 3, 0, 1, 0], [0, 1, 2, 1, 2, 1, 0, 3, 0, 1]])


def test_pairs_are_canonical() -> None:
    edges = load_graph(COLUMNS).edges
    assert edges.pairs.tolist() == [[0, 0, 1], [1, 3, 2]]
    assert (edges.num_nodes, edges.num_pairs, edges.directed) == (4, 3, False)
    assert edges.pairs.dtype == np.int64
    assert not edges.pairs.flags.writeable


def test_directed_pairs_are_ordered() -> None:
    edges = load_graph(np.array([[2, 0, 1, 0], [0, 1, 0, 1]]), directed=True).edges
    assert edges.pairs.tolist() == [[0, 1, 2], [1, 0, 0]]
    assert edges.directed


@pytest.mark.parametrize(
    ("rows", "both"),
    [
        ([], 0),
        ([(0, 1), (1, 2), (2, 2)], 0),
        ([(0, 1), (0, 1), (1, 2)], 0),
        ([(1, 0), (2, 1)], 0),
        ([(0, 1), (1, 0), (1, 2), (2, 1), (3, 3)], 2),
        ([(0, 1), (1, 0), (0, 1), (2, 1)], 1),
        ([(0, 1), (1, 0), (0, 1), (2, 1), (2, 1), (1, 2), (0, 2)], 2),
    ],
)
def test_pairs_of_both_directions_are_counted(rows: list[tuple[int, int]], both: int) -> None:
    columns = np.array(rows, dtype=np.int32).reshape(-1, 2).T
    assert pairs_both_ways(columns, EdgeList.from_columns(columns, 4)) == both


def test_degrees_count_the_pairs_at_each_vertex() -> None:
    assert EdgeList(5, np.array([[0, 0, 1], [1, 3, 2]])).degrees().tolist() == [2, 2, 1, 1, 0]
    assert EdgeList(3, np.array([[0, 1], [1, 0]]), directed=True).degrees().tolist() == [2, 2, 0]


def test_an_asymmetric_edge_index_names_the_way_out() -> None:
    with pytest.raises(ValueError, match=r"vertices 0 and 1 only one direction.*directed=True.*directed=False"):
        load_graph(np.array([[0, 1, 2], [1, 2, 1]]))


def test_undirected_reading_of_one_way_edges() -> None:
    loaded = load_graph(np.array([[0, 2, 1], [1, 1, 2]]), directed=False)
    assert loaded.edges.pairs.tolist() == [[0, 1], [1, 2]]
    sparse = loaded.keep_pairs(np.array([False, True]))
    assert sparse.tolist() == [[2, 1], [1, 2]]


@given(
    num_nodes=st.integers(1, 8),
    directed=st.booleans(),
    data=st.data(),
)
def test_every_column_follows_its_pair(num_nodes: int, directed: bool, data: st.DataObject) -> None:
    vertex = st.integers(0, num_nodes - 1)
    drawn = data.draw(st.lists(st.tuples(vertex, vertex), max_size=30))
    columns = np.array(drawn, dtype=np.int64).reshape(-1, 2).T
    loaded = load_graph(columns, num_nodes=num_nodes, directed=directed)
    names = [tuple(pair) if directed else tuple(sorted(pair)) for pair in drawn]
    pairs = sorted({name for name in names if name[0] != name[1]})
    assert [tuple(pair) for pair in loaded.edges.pairs.T.tolist()] == pairs
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs))), dtype=bool)
    stays = {pair for pair, keep in zip(pairs, kept, strict=True) if keep}
    expected = [pair for pair, name in zip(drawn, names, strict=True) if name[0] == name[1] or name in stays]
    assert [tuple(pair) for pair in loaded.keep_pairs(kept).T.tolist()] == expected


def test_data_keeps_its_attributes_in_order() -> None:
    data = Data(
        x=torch.arange(4.0)[:, None],
        y=torch.tensor([0, 1, 0, 1]),
        edge_index=torch.from_numpy(COLUMNS),
        edge_attr=torch.arange(20.0).reshape(10, 2),
        edge_weight=torch.arange(10.0),
        edge_names=[f"e{i}" for i in range(10)],
        train_mask=torch.tensor([True, False, True, False]),
    )
    before = data.clone()
    sparse = load_graph(data).keep_pairs(np.array([True, False, False]))
    kept = [0, 1, 2, 3, 8, 9]
    assert sparse.edge_index.tolist() == COLUMNS[:, kept].tolist()
    assert sparse.edge_weight.tolist() == kept
    assert torch.equal(sparse.edge_attr, before.edge_attr[kept])
    assert sparse.edge_names == [f"e{i}" for i in kept]
    assert torch.equal(sparse.x, data.x)
    assert torch.equal(sparse.train_mask, data.train_mask)
    assert type(sparse) is Data
    assert data.to_dict().keys() == before.to_dict().keys()
    assert torch.equal(data.edge_index, before.edge_index)


def test_data_without_features_keeps_its_vertices() -> None:
    data = Data(edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), num_nodes=5)
    assert load_graph(data).keep_pairs(np.array([True, False])).num_nodes == 5
    bare = Data(edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
    assert load_graph(bare).keep_pairs(np.array([True, False])).num_nodes == 3


def test_node_attributes_as_long_as_the_edge_list_stay() -> None:
    data = Data(x=torch.ones(4, 1), edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), num_nodes=4)
    sparse = load_graph(data).keep_pairs(np.array([False, True]))
    assert sparse.x.shape == (4, 1)


def test_weights_multiply_edge_weight() -> None:
    edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    kept, factors = np.array([True, True]), np.array([2.0, 0.5])
    plain = load_graph(Data(edge_index=edge_index, num_nodes=3)).keep_pairs(kept, factors)
    assert plain.edge_weight.tolist() == [2, 2, 0.5, 0.5]
    weighted = Data(edge_index=edge_index, edge_weight=torch.tensor([1.0, 1.0, 4.0, 4.0]), num_nodes=3)
    assert load_graph(weighted).keep_pairs(kept, factors).edge_weight.tolist() == [2, 2, 2, 2]
    with pytest.raises(TypeError, match="edge_index cannot carry"):
        load_graph(edge_index).keep_pairs(kept, factors)


def test_weights_multiply_whole_and_wide_weights() -> None:
    edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    kept, factors = np.array([True, True]), np.array([2.5, 0.5])
    whole = Data(edge_index=edge_index, edge_weight=torch.tensor([1, 1, 3, 3]), num_nodes=3)
    assert load_graph(whole).keep_pairs(kept, factors).edge_weight.tolist() == [2.5, 2.5, 1.5, 1.5]
    wide = Data(edge_index=edge_index, edge_weight=torch.ones(4, 1, dtype=torch.float64), num_nodes=3)
    sparse = load_graph(wide).keep_pairs(kept, factors)
    assert sparse.edge_weight.tolist() == [[2.5], [2.5], [0.5], [0.5]]
    assert sparse.edge_weight.dtype == torch.float64
    unstated = nx.Graph([(0, 1, {"weight": None}), (1, 2, {})])
    weights = load_graph(unstated).keep_pairs(kept, factors).edges(data="weight")
    assert list(weights) == [(0, 1, 2.5), (1, 2, 0.5)]


@pytest.mark.parametrize("name", ["edge_weight", "edge_attr"])
def test_edge_attributes_of_another_length_are_refused(name: str) -> None:
    data = Data(edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), num_nodes=3, **{name: torch.ones(3, 2)})
    with pytest.raises(ValueError, match=rf"graph.{name} must have one entry for each of the 4 columns.*got.*\[3, 2\]"):
        load_graph(data)


def test_a_batch_can_be_taken_apart_again() -> None:
    path = Data(x=torch.ones(3, 1), edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), edge_attr=torch.arange(4))
    batch = Batch.from_data_list([path, path, path])
    loaded = load_any(batch)
    assert [part.edges.pairs.tolist() for part in loaded.parts] == [[[0, 1], [1, 2]]] * 3
    kept = [[True, False], [False, False], [True, True]]
    parts = [part.keep_pairs(np.array(stays)) for part, stays in zip(loaded.parts, kept, strict=True)]
    sparse = loaded.combine(parts).to_data_list()
    assert [graph.edge_attr.tolist() for graph in sparse] == [[0, 1], [], [0, 1, 2, 3]]
    assert sparse[2].edge_index.tolist() == path.edge_index.tolist()
    assert [graph.num_nodes for graph in sparse] == [3, 3, 3]
    assert batch.to_data_list()[1].edge_attr.tolist() == [0, 1, 2, 3]


def test_unsigned_indices_work() -> None:
    sparse = load_graph(np.array([[0, 1, 1, 2], [1, 0, 2, 1]], dtype=np.uint64)).keep_pairs(np.array([False, True]))
    assert sparse.tolist() == [[1, 2], [2, 1]]
    assert sparse.dtype == np.uint64


BAD_WEIGHTS = [
    (nx.Graph([(0, 1), (2, 3, {"weight": "heavy"})]), TypeError, r"edge from 2 to 3 \(position 1\) is 'heavy'"),
    (nx.Graph([(0, 1, {"weight": float("nan")})]), ValueError, r"edge from 0 to 1 \(position 0\) is nan"),
    (sp.csr_matrix(np.array([[0, -2.0], [-2.0, 0]])), ValueError, r"edge from 0 to 1 \(position 0\) is -2.0"),
    (
        Data(edge_index=torch.tensor([[0, 1], [1, 0]]), edge_weight=torch.tensor([1.0, torch.inf])),
        ValueError,
        r"edge from 1 to 0 \(position 1\) is inf",
    ),
    (
        Data(edge_index=torch.tensor([[0, 1], [1, 0]]), edge_weight=torch.ones(2, 2)),
        TypeError,
        r"must be one number an edge, got \[2, 2\]",
    ),
    (
        Data(edge_index=torch.tensor([[0, 1], [1, 0]]), edge_weight=np.array([1.0, -2.0], dtype=object)),
        ValueError,
        r"from 1 to 0 \(position 1\) is -2.0",
    ),
    (Data(edge_index=torch.tensor([[0, 1], [1, 0]]), edge_weight=[np.nan, 1]), ValueError, r"\(position 0\) is nan"),
]


@pytest.mark.parametrize(("graph", "error", "message"), BAD_WEIGHTS)
def test_bad_weights_are_named_where_they_are_read_only(graph: object, error: type[Exception], message: str) -> None:
    loaded = load_graph(graph)
    with pytest.raises(error, match=message):
        loaded.weighted_edges()


@pytest.mark.parametrize("kind", [list, tuple, lambda values: np.array(values, dtype=object)])
def test_weights_are_numbers_in_whatever_they_are_held(kind: Any) -> None:
    edge_index = torch.tensor([[0, 1, 1, 2, 2, 0], [1, 0, 2, 1, 0, 2]])
    weights = [5.0, 5, 1, 1, 3, 3]
    graph = Data(edge_index=edge_index, edge_weight=kind(weights), num_nodes=3)
    np.testing.assert_array_equal(load_graph(graph).weighted_edges().weights, [5, 3, 1])
    scaled = load_graph(graph).keep_pairs(np.ones(3, dtype=bool), np.array([2.0, 3.0, 4.0])).edge_weight
    assert type(scaled) is type(graph.edge_weight)
    np.testing.assert_allclose(np.asarray(scaled), np.array(weights) * [2, 2, 4, 4, 3, 3])


@pytest.mark.parametrize("graph", [sp.csr_array((3, 3)), sp.eye_array(3)])
def test_weights_of_no_pair(graph: Any) -> None:
    assert load_graph(graph).weighted_edges().weights.dtype == np.float64
    assert wis.sparsify(graph, method="threshold").shape == (3, 3)


def test_huge_numbers_of_vertices_take_no_memory() -> None:
    far = 2_000_000_000
    columns = torch.tensor([[far, 1, 1, 3, 2, 3], [1, far, 3, 1, 3, 2]])
    near = torch.where(columns == far, 4, columns)
    for method in ("wis", "random", "dspar", "jaccard"):
        kept = wis.sparsify(columns, num_edges=2, method=method, seed=3)
        assert torch.equal(torch.where(kept == far, 4, kept), wis.sparsify(near, num_edges=2, method=method, seed=3))
        order = wis.removal_order(columns, method, seed=3)
        assert (order.num_nodes, order.edges.max()) == (far + 1, far)
        assert torch.equal(order.apply(columns, num_edges=2), kept)


def test_factors_need_numbers_to_multiply() -> None:
    loaded = load_graph(BAD_WEIGHTS[0][0])
    with pytest.raises(TypeError, match="is 'heavy'; this method uses edge weights, which must be numbers"):
        loaded.keep_pairs(np.ones(2, dtype=bool), np.ones(2))
    assert loaded.keep_pairs(np.array([False, True])).edges[2, 3] == {"weight": "heavy"}


@pytest.mark.parametrize(
    "weights",
    [
        [[1.0, 2.0, 3.0]] * 4,
        [[1.0]] * 4,
        [[1.0], [1.0, 2.0], [], [3.0]],
        [np.ones(3)] * 4,
        [torch.ones(3)] * 4,
        [torch.tensor(float(i)) for i in range(4)],
        [pd.NA] * 4,
        [1.0, pd.NA, 2.0, 3.0],
        ["a", "b", "c", "d"],
        [{"a": 1}] * 4,
    ],
)
def test_weights_that_are_no_numbers_are_left_alone_by_what_does_not_read_them(weights: list[Any]) -> None:
    graph = nx.Graph([(i, i + 1, {"weight": weight}) for i, weight in enumerate(weights)])
    assert load_graph(graph).has_different_weights
    with pytest.warns(UserWarning, match="does not read edge weights"):
        sparse = wis.sparsify(graph, 0.5, method="random", seed=0)
    assert sparse.number_of_edges() == 2
    assert all(sparse.edges[edge]["weight"] is graph.edges[edge]["weight"] for edge in sparse.edges)
    with pytest.raises(TypeError, match=r"the weight of the edge from 0 to 1 \(position 0\)|position 1\) is <NA>"):
        wis.sparsify(graph, 0.5, method="threshold")
    igraph_graph = pytest.importorskip("igraph").Graph([(i, i + 1) for i in range(4)], edge_attrs={"weight": weights})
    with pytest.warns(UserWarning, match="does not read edge weights"):
        assert wis.sparsify(igraph_graph, 0.5, method="random", seed=0).ecount() == 2


def test_the_same_weights_as_objects_are_the_same() -> None:
    graph = Data(edge_index=torch.tensor([[0, 1], [1, 0]]), edge_weight=np.array([2.0, 2], dtype=object))
    assert not load_graph(graph).has_different_weights
    graph.edge_weight[1] = 3
    assert load_graph(graph).has_different_weights


def test_the_mean_of_the_largest_weights_is_one_of_them() -> None:
    columns = np.array([[0, 1, 1, 2], [1, 0, 2, 1]])
    edges = EdgeList.from_columns(columns, 3)
    weighted = edges.weighted(columns, np.array([1e308, 1.6e308, 5e-324, 5e-324]))
    assert weighted.weights is not None
    assert weighted.weights.tolist() == [1.3e308, 5e-324]
    with pytest.raises(ValueError, match=r"edges between 0 and 1 add up to more than float64 holds \(1.8e308\)"):
        edges.weighted(columns[:, [0, 0, 2]], np.array([1e308, 1e308, 1.0]))


def test_weights_of_pairs() -> None:
    """Copies of one direction add up, the two directions are averaged, and a loop counts for nothing."""
    columns = np.array([[0, 1, 0, 2, 1, 3, 3], [1, 0, 1, 1, 2, 3, 0]])
    weights = np.array([1.0, 2.0, 3.0, 5.0, 7.0, np.nan, 11.0])
    check_weights(columns, weights)
    assert EdgeList.from_columns(columns, 4).weighted(columns, weights).weights.tolist() == [3.0, 11.0, 6.0]
    directed = EdgeList.from_columns(columns, 4, directed=True).weighted(columns, weights)
    assert directed.pairs.tolist() == [[0, 1, 1, 2, 3], [1, 0, 2, 1, 0]]
    assert directed.weights.tolist() == [4.0, 2.0, 7.0, 5.0, 11.0]


@pytest.mark.parametrize(
    "graph",
    [
        nx.Graph([(0, 1, {"weight": 2}), (1, 2)]),
        sp.coo_array(([2.0, 2, 1, 1], ([0, 1, 1, 2], [1, 0, 2, 1])), shape=(3, 3)),
        Data(
            edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]),
            edge_weight=torch.tensor([[2.0], [2], [1], [1]], dtype=torch.bfloat16),
        ),
    ],
)
def test_every_kind_of_graph_has_its_weights(graph: object) -> None:
    loaded = load_graph(graph)
    assert loaded.has_different_weights
    assert loaded.edges.weights is None
    assert loaded.weighted_edges().weights.tolist() == [2.0, 1.0]


def test_networkx_keeps_labels_attributes_and_type() -> None:
    graph = nx.Graph(name="toy")
    graph.add_node("z", colour="red")
    graph.add_edge("a", "b", weight=2.0)
    graph.add_edge("b", "c", note="x")
    graph.add_edge("c", "c")
    loaded = load_graph(graph)
    assert loaded.edges.pairs.tolist() == [[1, 2], [2, 3]]
    sparse = loaded.keep_pairs(np.array([False, True]), np.array([1.0, 3.0]))
    assert type(sparse) is nx.Graph
    assert sorted(map(sorted, sparse.edges)) == [["b", "c"], ["c", "c"]]
    assert sparse.edges["b", "c"] == {"note": "x", "weight": 3.0}
    assert sparse.nodes["z"] == {"colour": "red"}
    assert sparse.graph == {"name": "toy"}
    assert graph.number_of_edges() == 3


def test_networkx_multigraph_copies_follow_their_pair() -> None:
    graph = nx.MultiGraph([(0, 1), (0, 1), (1, 2)])
    sparse = load_graph(graph).keep_pairs(np.array([True, False]))
    assert sorted(sparse.edges(keys=True)) == [(0, 1, 0), (0, 1, 1)]


def test_networkx_says_itself_whether_it_is_directed() -> None:
    graph = nx.DiGraph([(0, 1), (1, 0), (2, 1)])
    assert load_graph(graph).edges.pairs.tolist() == [[0, 1, 2], [1, 0, 1]]
    assert load_graph(graph, directed=False).edges.pairs.tolist() == [[0, 1], [1, 2]]
    with pytest.raises(ValueError, match="undirected NetworkX"):
        load_graph(nx.path_graph(3), directed=True)


@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csc_array, sp.coo_matrix, sp.lil_matrix])
def test_scipy_comes_back_in_its_format(kind: type) -> None:
    dense = np.array([[5, 1, 0], [1, 0, 2], [0, 2, 0]], dtype=np.float32)
    matrix = kind(dense)
    sparse = load_graph(matrix).keep_pairs(np.array([True, False]))
    assert type(sparse) is kind
    assert sparse.dtype == np.float32
    assert sparse.toarray().tolist() == [[5, 1, 0], [1, 0, 0], [0, 0, 0]]
    assert (matrix.toarray() == dense).all()


@pytest.mark.parametrize(
    ("graph", "arguments", "error", "message"),
    [
        (torch.zeros(3, 4, dtype=torch.long), {}, ValueError, r"shape \[2, E\], got \[3, 4\]"),
        (torch.zeros(2, 4), {}, TypeError, "integer dtype, got float32"),
        (torch.tensor([[0, -1], [-1, 0]]), {}, ValueError, "negative vertex -1"),
        (torch.tensor([[0, 7], [7, 0]]), {"num_nodes": 5}, ValueError, "vertex 7, but num_nodes=5 allows only 0 to 4"),
        (torch.tensor([[0, 1], [1, 0]]), {"num_nodes": 2.5}, TypeError, "num_nodes must be an integer, got 2.5"),
        (torch.tensor([[0, 1], [1, 0]]), {"num_nodes": -1}, ValueError, "num_nodes must not be negative"),
        (torch.tensor([[0, 1], [1, 0]]), {"directed": "yes"}, TypeError, "directed must be None, True or False"),
        (torch.ones(2, 3).to_sparse(), {}, ValueError, r"must be square, got shape \[2, 3\]"),
        (sp.csr_matrix((2, 3)), {}, ValueError, r"must be square, got shape \(2, 3\)"),
        (HeteroData(), {"num_nodes": 3}, ValueError, "HeteroData states its numbers of vertices"),
        (Data(x=torch.ones(2, 1)), {}, ValueError, "edge_index is missing"),
        ("graph.csv", {}, TypeError, "graph must be a PyG Data.*got builtins.str"),
        (None, {}, TypeError, "graph must be a PyG Data"),
    ],
)
def test_bad_input_is_named(graph: object, arguments: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        load_graph(graph, **arguments)


@pytest.mark.parametrize(
    ("graph", "num_nodes"),
    [
        (np.empty((2, 0), dtype=np.int64), 0),
        (torch.empty((2, 0), dtype=torch.long), 0),
        (Data(edge_index=torch.empty((2, 0), dtype=torch.long), num_nodes=3), 3),
        (nx.empty_graph(1), 1),
        (nx.Graph(), 0),
        (sp.csr_matrix((0, 0)), 0),
        (np.array([[0, 1], [0, 1]]), 2),
    ],
)
def test_graphs_without_pairs(graph: object, num_nodes: int) -> None:
    loaded = load_graph(graph)
    assert (loaded.edges.num_nodes, loaded.edges.num_pairs) == (num_nodes, 0)
    assert type(loaded.keep_pairs(np.zeros(0, dtype=bool))) is type(graph)


def test_fingerprint_is_of_the_graph_not_of_its_storage() -> None:
    one = load_graph(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])).edges
    same = load_graph(nx.path_graph(3)).edges
    assert one.fingerprint() == same.fingerprint()
    assert one.fingerprint() != EdgeList(4, one.pairs).fingerprint()
    assert one.fingerprint() != EdgeList(3, one.pairs, directed=True).fingerprint()


def test_an_edge_list_cannot_be_written() -> None:
    pairs = np.array([[0], [1]])
    edges = EdgeList(2, pairs)
    with pytest.raises(ValueError, match="read-only"):
        edges.pairs[0, 0] = 1
    assert pairs.flags.writeable


@pytest.mark.parametrize(
    ("columns", "num_nodes", "error", "message"),
    [
        ([[0, 5], [1, 0]], 3, ValueError, "columns has vertex 5, but num_nodes=3 allows only 0 to 2"),
        ([[0, -1], [1, 0]], 3, ValueError, "columns has the negative vertex -1"),
        ([[0.0], [1.0]], 3, TypeError, "columns must have an integer dtype, got float64"),
        ([[0, 1]], 3, ValueError, r"columns must have shape \[2, E\], got \[1, 2\]"),
        ([[0], [1]], 2.5, TypeError, "num_nodes must be an integer, got 2.5"),
        ([[0], [1]], None, TypeError, "num_nodes must be an integer, got None"),
    ],
)
def test_columns_out_of_range_are_no_other_pair(columns, num_nodes, error, message) -> None:
    with pytest.raises(error, match=message):
        EdgeList.from_columns(np.array(columns), num_nodes)
