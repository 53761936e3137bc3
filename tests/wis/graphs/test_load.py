"""Graphs of libraries other than PyG, and what is checked before compiled code sees it."""

from __future__ import annotations

import collections
from typing import Any

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch_geometric.data import Data

import wis
from wis.graphs.load import load_graph
from wis.graphs.tables import find_ends

KARATE = sorted(nx.karate_club_graph().edges)


def kept_pairs(keep: float = 0.5) -> set[tuple[int, int]]:
    """The pairs of the karate club that stay, by an ``edge_index``."""
    columns = np.array(KARATE).T
    return {(u, v) for u, v in wis.sparsify(np.concatenate([columns, columns[::-1]], 1), keep).T.tolist() if u < v}


# Lists of pairs


@pytest.mark.parametrize("kind", [list, tuple])
def test_pairs_come_back_as_they_are(kind: type) -> None:
    sparse = wis.sparsify(kind(KARATE), 0.5, directed=False)
    assert type(sparse) is kind
    assert sparse == kind(pair for pair in KARATE if pair in kept_pairs())
    as_lists = wis.sparsify([list(pair) for pair in KARATE], 0.5, directed=False)
    assert as_lists == [list(pair) for pair in sparse]


def test_named_tuples() -> None:
    two = collections.namedtuple("Two", ["first", "second"])
    graphs = two(nx.Graph(KARATE), np.array([[0, 1], [1, 0]]))
    sparse = wis.sparsify(graphs, 0.5)
    assert type(sparse) is two
    assert sparse.first.number_of_edges() == 39
    assert sparse.second.shape == (2, 0)
    with pytest.raises(TypeError, match=r"graph is a Two, whose fields cannot be fewer; pass list\(graph\)"):
        wis.sparsify(two((0, 1), (1, 2)), directed=False)


def test_an_edge_index_that_is_a_matrix_of_numpy() -> None:
    columns = np.array([[0, 1, 1, 2], [1, 0, 2, 1]])
    sparse = wis.sparsify(np.asmatrix(columns), num_edges=1)
    assert type(sparse) is np.matrix
    assert sparse.tolist() == wis.sparsify(columns, num_edges=1).tolist()
    mask = wis.removal_order(columns).column_mask(np.asmatrix(columns), num_edges=1)
    assert mask.tolist() == wis.removal_order(columns).column_mask(columns, num_edges=1).tolist()


@pytest.mark.parametrize("kind", [sp.bsr_array, sp.bsr_matrix])
@pytest.mark.parametrize("blocks", [(1, 1), (3, 3), (2, 3)])
def test_the_size_of_blocks_stays(kind: Any, blocks: tuple[int, int]) -> None:
    dense = np.ones((6, 6)) - np.eye(6)
    sparse = wis.sparsify(kind(dense, blocksize=blocks), num_edges=4, method="random", seed=0)
    assert (type(sparse), sparse.blocksize) == (kind, blocks)
    expected = wis.sparsify(sp.csr_array(dense), num_edges=4, method="random", seed=0)
    assert np.array_equal(sparse.toarray(), expected.toarray())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_reweighted_matrix_keeps_the_type_of_its_values(dtype: type) -> None:
    matrix = sp.csr_array(np.ones((6, 6), dtype=dtype) - np.eye(6, dtype=dtype))
    sparse = wis.sparsify(matrix, num_edges=4, method="dspar-reweighted", seed=0)
    assert sparse.dtype == dtype
    whole = wis.sparsify(matrix.astype(np.int8), num_edges=4, method="dspar-reweighted", seed=0)
    assert whole.dtype == np.float64
    assert np.array_equal(sparse.toarray(), whole.toarray().astype(dtype))


def test_pairs_of_names() -> None:
    names = [(f"v{u:02}", f"v{v:02}") for u, v in KARATE]
    sparse = wis.sparsify(names, 0.5, directed=False)
    assert sparse == [(f"v{u:02}", f"v{v:02}") for u, v in KARATE if (u, v) in kept_pairs()]
    order = wis.removal_order(names, directed=False)
    assert order.apply(names[::-1], 0.5) == sparse[::-1]


@pytest.mark.parametrize(
    ("graph", "error", "message"),
    [
        ([(0, 1), (1, 2)], ValueError, r"not symmetric.*directed=True.*directed=False"),
        ([[0, 1, 2], [1, 2, 0]], TypeError, r"must hold pairs \(u, v\) or graphs, got \[0, 1, 2\] at position 0"),
        ([(0, 1.5), (1.5, 0)], TypeError, r"or names in both columns: edge 0 is \(0, 1.5\)"),
        ([(0, -1), (-1, 0)], ValueError, "negative vertex -1"),
        ([(0, 1), "ab"], TypeError, "got 'ab' at position 1"),
        ([(10**30, 1), (1, 10**30)], ValueError, "vertex number of more than 63 bits"),
    ],
)
def test_lists_that_are_no_pairs(graph: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        wis.sparsify(graph)


def test_empty_lists() -> None:
    assert wis.sparsify([]) == []
    assert wis.sparsify(()) == ()


# Tables


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_tables_keep_their_rows(library: str) -> None:
    frames = pytest.importorskip(library)
    columns = {"id": range(78), "Target": [v for _, v in KARATE], "Source": [u for u, _ in KARATE]}
    table = frames.DataFrame({name: list(values) for name, values in columns.items()})
    sparse = wis.sparsify(table, 0.5, directed=False)
    assert type(sparse) is type(table)
    assert [KARATE[i] for i in sparse["id"]] == [pair for pair in KARATE if pair in kept_pairs()]
    assert list(sparse.columns) == ["id", "Target", "Source"]
    assert len(table) == 78
    if library == "pandas":
        assert list(sparse.index) == list(sparse["id"])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_of_a_table_may_be_of_different_integers(library: str) -> None:
    frames = pytest.importorskip(library)
    for tail, head in [(np.int64, np.uint64), (np.uint64, np.int64), (np.uint64, np.uint8), (np.int8, np.uint16)]:
        table = frames.DataFrame({"u": np.array([0, 1, 2], dtype=tail), "v": np.array([1, 2, 0], dtype=head)})
        loaded = load_graph(table, directed=False)
        assert loaded.edges.pairs.tolist() == [[0, 0, 1], [1, 2, 2]]
        sparse = wis.sparsify(table, num_edges=1, directed=False)
        assert len(sparse) == 1
        assert [sparse[name].dtype for name in "uv"] == [table[name].dtype for name in "uv"]
    large = frames.DataFrame({"u": np.array([0, 1]), "v": np.array([1, 2**63 + 5], dtype=np.uint64)})
    with pytest.raises(ValueError, match=r"graph \(column v\) has vertex 9223372036854775813, of more than 63 bits"):
        wis.sparsify(large, directed=False)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_weights_and_names_in_tables(library: str) -> None:
    frames = pytest.importorskip(library)
    table = frames.DataFrame({"a": ["x", "y", "z"], "b": ["y", "z", "z"]})
    sparse = wis.sparsify(table, 1.0, method="spectral-reweighted", seed=0, directed=False)
    assert list(sparse["weight"]) == pytest.approx([1.0, 1.0, 1.0])
    weighted = frames.DataFrame({"u": [0, 1], "v": [1, 2], "weight": [2, 4]})
    assert load_graph(weighted, directed=False).weighted_edges().weights.tolist() == [2.0, 4.0]
    sparse = wis.sparsify(weighted, 1.0, method="spectral-reweighted", seed=0, directed=False)
    assert list(sparse["weight"]) == pytest.approx([2.0, 4.0])


def test_tables_without_ends() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"id": [0], "a": [1], "b": [2]})
    with pytest.raises(ValueError, match=r"columns \['id', 'a', 'b'\], none of them called source and target"):
        wis.sparsify(table)
    with pytest.raises(TypeError, match=r"graph \(columns u, v\) must hold integers, or names.*edge 0 is \(0.5, 1.5"):
        wis.sparsify(pandas.DataFrame({"u": [0.5], "v": [1.5]}))
    with pytest.raises(ValueError, match="not symmetric"):
        wis.sparsify(pandas.DataFrame({"u": [0], "v": [1]}))


def test_names_of_columns() -> None:
    assert find_ends(["weight", "dst", "src"]) == (2, 1)
    assert find_ends(["From", "To"]) == (0, 1)
    assert find_ends(["a", "b"]) is None


# Other libraries of graphs


def test_networkit_graphs() -> None:
    networkit = pytest.importorskip("networkit")
    graph = networkit.Graph(35, weighted=True)
    for u, v in KARATE:
        graph.addEdge(u, v, u + 2 * v)
    graph.addEdge(3, 3, 1.0)
    sparse = wis.sparsify(graph, 0.5)
    assert type(sparse) is networkit.Graph
    assert (sparse.numberOfNodes(), sparse.isWeighted()) == (35, True)
    found = {(min(u, v), max(u, v)): w for u, v, w in sparse.iterEdgesWeights()}
    assert found.keys() == kept_pairs() | {(3, 3)}
    assert all(weight == u + 2 * v for (u, v), weight in found.items() if u != v)
    assert graph.numberOfEdges() == 79
    directed = networkit.Graph(3, directed=True)
    directed.addEdge(0, 1)
    directed.addEdge(2, 1)
    assert wis.removal_order(directed).directed
    assert not wis.removal_order(directed, directed=False).directed
    assert not wis.sparsify(directed, 1.0).isWeighted()
    assert wis.sparsify(directed, 1.0, method="spectral-reweighted", seed=0, directed=False).isWeighted()
    with pytest.raises(ValueError, match="undirected NetworKit graph"):
        wis.sparsify(graph, directed=True)


def test_igraph_graphs() -> None:
    igraph = pytest.importorskip("igraph")
    graph = igraph.Graph(34, KARATE)
    graph.vs["name"] = [f"v{i}" for i in range(34)]
    graph.es["id"] = list(range(78))
    sparse = wis.sparsify(graph, 0.5)
    assert type(sparse) is igraph.Graph
    assert set(sparse.get_edgelist()) == kept_pairs()
    assert [KARATE[i] for i in sparse.es["id"]] == sparse.get_edgelist()
    assert sparse.vs["name"] == graph.vs["name"]
    assert graph.ecount() == 78
    turned = wis.removal_order(graph).apply(graph.permute_vertices(list(range(33, -1, -1))), 0.5)
    names = {tuple(sorted((turned.vs[u]["name"], turned.vs[v]["name"]))) for u, v in turned.get_edgelist()}
    assert names == {tuple(sorted((f"v{u}", f"v{v}"))) for u, v in kept_pairs()}
    weighted = wis.sparsify(graph, 1.0, method="spectral-reweighted", seed=0)
    assert len(weighted.es["weight"]) == 78
    with pytest.raises(ValueError, match="undirected igraph graph"):
        wis.sparsify(graph, directed=True)


def test_dgl_graphs() -> None:
    dgl = pytest.importorskip("dgl")
    columns = torch.tensor([*KARATE, *((v, u) for u, v in KARATE)]).T
    graph = dgl.graph((columns[0], columns[1]), num_nodes=35)
    graph.edata["id"], graph.ndata["x"] = torch.arange(156), torch.arange(35)
    sparse = wis.sparsify(graph, 0.5)
    assert torch.equal(columns[:, sparse.edata["id"]], torch.stack(sparse.edges()))
    assert sparse.num_edges() == 78
    assert torch.equal(sparse.ndata["x"], graph.ndata["x"])


class Ring(nx.Graph):
    """Its constructor makes edges of its own, and it does not let edges be added."""

    def __init__(self) -> None:
        super().__init__()
        self.size_of_ring = 4
        super().add_edges_from([(0, 1), (1, 2), (2, 3), (3, 0)])

    def add_edges_from(self, *arguments: Any, **attributes: Any) -> None:
        raise NotImplementedError


def test_a_networkx_class_whose_constructor_makes_edges() -> None:
    """networkx#7112"""
    ring = Ring()
    ring[0][1]["u_of_edge"] = 3
    sparse = wis.sparsify(ring, num_edges=1)
    assert type(sparse) is Ring
    assert (sparse.number_of_edges(), sparse.size_of_ring) == (1, 4)
    assert ring.number_of_edges() == 4
    assert wis.sparsify(ring, 1.0)[0][1] == {"u_of_edge": 3}


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
def test_networkx_copies_do_not_share(kind: type) -> None:
    graph = kind([(0, 1), (1, 2)], name="path")
    sparse = wis.sparsify(graph, 1.0)
    next(iter(sparse.edges(data=True)))[2]["new"] = 1
    sparse.nodes[0]["new"] = 1
    sparse.graph["name"] = "other"
    assert not any(attributes for *_, attributes in graph.edges(data=True))
    assert (graph.nodes[0], graph.graph) == ({}, {"name": "path"})


def test_networkx_views_and_frozen_graphs() -> None:
    view = nx.karate_club_graph().subgraph(range(10))
    sparse = wis.sparsify(view, 0.5)
    assert sparse.number_of_edges() == round(0.5 * view.number_of_edges())
    sparse.add_edge(0, 99)
    frozen = nx.freeze(nx.path_graph(4))
    sparse = wis.sparsify(frozen, 0.5)
    sparse.add_edge(0, 3)
    assert frozen.number_of_edges() == 3


# What is checked before compiled code sees it


MATRICES = [
    sp.csr_matrix((np.ones(4), np.array([1, 0, 2, 1]), np.array([0, 1, 3, 4])), shape=(3, 3)),
    sp.csc_array((np.ones(4), np.array([1, 0, 2, 1]), np.array([0, 1, 3, 4])), shape=(3, 3)),
]


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("indptr", [0, 3, 1, 4], "non-decreasing"),
        ("indptr", [0, 1, 3, 9], "is damaged"),
        ("indptr", [2, 1, 3, 4], "is damaged"),
        ("indices", [1, 0, 2, 1 << 30], "is damaged"),
        ("indices", [1, 0, -2, 1], "is damaged"),
        ("indptr", [0, 4], "is damaged"),
    ],
)
def test_a_damaged_matrix_is_refused(matrix: Any, name: str, values: list[int], message: str) -> None:
    matrix = matrix.copy()
    setattr(matrix, name, np.array(values, dtype=np.int32))
    with pytest.raises(ValueError, match=message):
        wis.sparsify(matrix)


def test_a_damaged_coordinate_matrix_is_refused() -> None:
    matrix = sp.coo_matrix((np.ones(2), ([0, 1], [1, 0])), shape=(2, 2))
    matrix.row = np.array([0, 7])
    with pytest.raises(ValueError, match="vertex 7, but num_nodes=2"):
        wis.sparsify(matrix)
    matrix.row = np.array([0])
    with pytest.raises(ValueError, match="is damaged: row, column and data"):
        wis.sparsify(matrix)


def test_checking_a_matrix_does_not_trim_it() -> None:
    matrix = MATRICES[0].copy()
    matrix.data, matrix.indices = np.ones(9), np.array([1, 0, 2, 1, 0, 0, 0, 0, 0], dtype=np.int32)
    assert wis.sparsify(matrix, num_edges=1).nnz == 2
    assert len(matrix.data) == len(matrix.indices) == 9


@pytest.mark.parametrize(
    "graph",
    [
        torch.zeros(2, 1, dtype=torch.long).expand(2, 2 * 10**12),
        torch.zeros(1, dtype=torch.int32).expand(2, 2 * 10**12),
        np.broadcast_to(np.int64(0), (2, 2 * 10**12)),
        Data(edge_index=torch.zeros(2, 1, dtype=torch.long).expand(2, 2 * 10**12), num_nodes=1),
        torch.sparse_coo_tensor(
            torch.zeros(2, 1, dtype=torch.long).expand(2, 2 * 10**12),
            torch.ones(1).expand(2 * 10**12),
            (3, 3),
            check_invariants=False,
        ),
    ],
    ids=["tensor", "int32", "array", "data", "matrix"],
)
def test_columns_that_are_not_there_are_refused_at_once(graph: Any) -> None:
    with pytest.raises(MemoryError, match=r"has 2000000000000 columns, which need 14901 GiB of memory"):
        wis.sparsify(graph)


def test_an_expanded_tensor_of_some_columns_is_fine() -> None:
    assert wis.sparsify(torch.zeros(2, 1, dtype=torch.long).expand(2, 5)).shape == (2, 5)


def test_what_fills_a_block_is_no_edge() -> None:
    dense = np.zeros((4, 4))
    dense[0, 1] = dense[1, 0] = dense[2, 3] = dense[3, 2] = 1
    matrix = sp.bsr_array(dense, blocksize=(2, 2))
    matrix.data[0, 0, 0] = 5  # a loop, beside a zero
    sparse = wis.sparsify(matrix, num_edges=1)
    assert len(wis.removal_order(matrix)) == 2
    assert (type(sparse), int((sparse.toarray() == 1).sum()), sparse.toarray()[0, 0]) == (sp.bsr_array, 2, 5)


def test_a_tensor_without_numbers_is_refused() -> None:
    with pytest.raises(TypeError, match="is on the device meta, which holds no numbers"):
        wis.sparsify(torch.empty((2, 4), dtype=torch.long, device="meta"))


# Shapes and types of an edge_index


@pytest.mark.parametrize("empty", [torch.tensor([[], []]), np.array([[], []]), torch.empty((2, 0), dtype=torch.bool)])
def test_an_empty_edge_index_of_any_type_is_an_empty_graph(empty: Any) -> None:
    sparse = wis.sparsify(empty, num_nodes=3)
    assert (type(sparse), tuple(sparse.shape), sparse.dtype) == (type(empty), (2, 0), empty.dtype)
    if isinstance(empty, torch.Tensor):
        assert wis.sparsify(Data(edge_index=empty, num_nodes=3)).num_edges == 0


@pytest.mark.parametrize("library", [np.array, torch.tensor])
def test_columns_lie_in_two_rows(library: Any) -> None:
    with pytest.raises(ValueError, match=r"must have shape \[2, E\], got \[3, 2\]; pass its transpose"):
        wis.sparsify(library([[0, 1], [1, 2], [2, 0]]))
    assert wis.sparsify(library([[0, 1], [1, 0]]), 1.0).tolist() == [[0, 1], [1, 0]]


def test_a_masked_array_is_refused() -> None:
    with pytest.raises(TypeError, match="is a masked array"):
        wis.sparsify(np.ma.array([[0, 1], [1, 0]], mask=[[0, 1], [0, 1]]))


ONE_WAY = [
    np.array([[0], [1]]),
    torch.tensor([[0], [1]]),
    Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2),
    sp.csr_matrix(([1.0], ([0], [1])), shape=(2, 2)),
    torch.sparse_coo_tensor(torch.tensor([[0], [1]]), torch.ones(1), (2, 2), check_invariants=True),
    [(0, 1)],
]


@pytest.mark.parametrize("graph", ONE_WAY, ids=lambda graph: type(graph).__name__)
def test_one_rule_for_asymmetric_input(graph: Any) -> None:
    with pytest.raises(ValueError, match=r"vertices 0 and 1 only one direction.*directed=True.*or directed=False"):
        wis.sparsify(graph)
    for directed in (False, True):
        assert len(wis.removal_order(graph, directed=directed)) == 1


def test_igraph_weights_of_any_kind() -> None:
    igraph = pytest.importorskip("igraph")
    graph = igraph.Graph([(0, 1), (1, 2), (0, 2)])
    graph.es["weight"] = ["a", "b", "c"]
    assert wis.sparsify(graph, num_edges=2).es["weight"] == [
        "abc"[i] for i in range(3) if graph.get_edgelist()[i] in wis.sparsify(graph, num_edges=2).get_edgelist()
    ]
    with pytest.raises(TypeError, match=r"from 0 to 1 \(position 0\) is 'a'"):
        wis.sparsify(graph, method="threshold")
    graph.es["weight"] = [1, 3, 2]
    assert wis.sparsify(graph, num_edges=1, method="threshold").get_edgelist() == [(1, 2)]


@pytest.mark.parametrize(
    ("ends", "row"),
    [
        ([0, 1, np.nan], r"edge 2 is \(nan, 1"),
        ([0.0, 1.0, 2.0], r"edge 0 is \(0.0, 1"),
        (["a", None, "b"], r"edge 1 is \((None|nan), "),
        (["a", "b", "c"], r"edge 0 is \('a', 1"),
    ],
)
def test_an_edge_of_a_table_without_a_vertex_is_named(ends: list[Any], row: str) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"source": pandas.Series(ends), "target": [1, 2, 1]})
    with pytest.raises(TypeError, match=rf"\(columns source, target\) must hold integers, or names.*{row}"):
        wis.sparsify(table, directed=False)
