"""What every registered method promises, each promise tried on every method that makes it.

Methods that learn are left out where they would have to train; they have tests of their own.
"""

from __future__ import annotations

import itertools
import warnings

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

import wis
from tests.strategies import edge_list
from wis.calls import choose_pairs, rank_pairs
from wis.graphs.edge_list import EdgeList
from wis.registry import Method

METHODS = [method for method in wis.methods() if not method.learns]
RANKS = [method for method in METHODS if method.kind == "rank"]
SELECTIONS = [method for method in METHODS if method.kind == "select"]


def by_name(methods):
    return pytest.mark.parametrize("method", methods, ids=[method.name for method in methods])


def weigh(edges: EdgeList) -> EdgeList:
    """The same pairs with weights, some of them equal."""
    weights = np.random.default_rng(0).choice([0.2, 1.0, 1.5, 4.0, 30.0], edges.num_pairs)
    return EdgeList(edges.num_nodes, edges.pairs, edges.directed, weights)


def suited(method: Method, edges: EdgeList) -> EdgeList:
    """The graph, with weights for the methods that are nothing without."""
    return weigh(edges) if method.name in ("disparity", "threshold") else edges


def from_networkx(graph: nx.Graph) -> EdgeList:
    return edge_list(len(graph), np.array(graph.edges, dtype=np.int64).reshape(-1, 2).T)


def _patchwork() -> nx.Graph:
    """Two clustered components joined to nothing, one of them with a bridge to a cycle, and isolated vertices."""
    graph = nx.disjoint_union(nx.powerlaw_cluster_graph(30, 3, 0.6, seed=3), nx.cycle_graph(6))
    graph.add_edge(2, 31)
    graph = nx.disjoint_union(graph, nx.gnm_random_graph(12, 25, seed=4))
    graph = nx.disjoint_union(graph, nx.path_graph(2))
    graph.add_nodes_from(range(len(graph), len(graph) + 3))
    return graph


GRAPHS = {
    "patchwork": from_networkx(_patchwork()),
    "tree": from_networkx(nx.random_labeled_tree(25, seed=1)),
    "clique": from_networkx(nx.complete_graph(9)),
    "star": from_networkx(nx.star_graph(12)),
    "one edge": edge_list(2, [[0], [1]]),
    "one edge far away": edge_list(9, [[7], [8]]),
    "self-loops only": edge_list(3, [[0, 1], [0, 1]]),
    "one vertex": edge_list(1, [[], []]),
    "no vertex": edge_list(0, [[], []]),
    "no edges": edge_list(6, [[], []]),
}
PATCHWORK = GRAPHS["patchwork"]

on_every_graph = pytest.mark.parametrize("edges", GRAPHS.values(), ids=GRAPHS)


@by_name(METHODS)
def test_says_what_it_is(method):
    assert method.summary
    assert not method.summary.endswith(".")
    assert method.source
    assert method.kind in ("rank", "select")
    assert "cpu" in method.devices


@by_name(RANKS)
@on_every_graph
def test_order_is_a_permutation(method, edges):
    order = rank_pairs(method, suited(method, edges), {}, seed=0, device="cpu")
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(edges.num_pairs))


@by_name(METHODS)
@on_every_graph
def test_every_budget_is_exact(method, edges):
    for share in (0.0, 0.1, 0.5, 0.77, 1.0):
        num_keep = round(share * edges.num_pairs)
        kept, weights = choose_pairs(method, suited(method, edges), num_keep, {}, seed=0, device="cpu")
        assert kept.dtype == bool
        assert kept.sum() == num_keep
        if weights is not None:
            assert weights.shape == kept.shape
            assert np.isfinite(weights).all()
            assert (weights[kept] > 0).all()


@by_name(RANKS)
def test_smaller_budgets_lie_in_larger_ones(method):
    edges = suited(method, PATCHWORK)
    kept = [choose_pairs(method, edges, size, {}, seed=0, device="cpu")[0] for size in range(edges.num_pairs + 1)]
    for smaller, larger in itertools.pairwise(kept):
        assert not (smaller & ~larger).any()


@by_name(SELECTIONS)
def test_selections_have_no_order(method):
    with pytest.raises(TypeError, match="no removal order"):
        wis.removal_order(PATCHWORK.pairs, method.name, num_nodes=PATCHWORK.num_nodes, directed=False)


@by_name(METHODS)
def test_a_seed_fixes_the_result(method):
    edges, num_keep = suited(method, PATCHWORK), PATCHWORK.num_pairs // 2
    results = [choose_pairs(method, edges, num_keep, {}, seed=seed, device="cpu") for seed in (1, 1, 2, 3, 4)]
    assert np.array_equal(results[0][0], results[1][0])
    if results[0][1] is not None:
        assert np.array_equal(results[0][1], results[1][1])
    # A method that says it uses no seed must not, and one that says it does must.
    differs = any(not np.array_equal(results[0][0], other[0]) for other in results[2:])
    assert differs == method.uses_seed({})


@by_name(METHODS)
def test_global_random_state_is_left_alone(method):
    np.random.seed(7)  # noqa: NPY002 - the state that must not be used
    torch.manual_seed(7)
    choose_pairs(method, suited(method, PATCHWORK), 20, {}, seed=0, device="cpu")
    assert np.random.random() == pytest.approx(0.07630828937395717)  # noqa: NPY002
    assert torch.equal(torch.rand(2), torch.rand(2, generator=torch.Generator().manual_seed(7)))


def _data() -> Data:
    """The patchwork with both directions of each pair, some copies, self-loops, and attributes that name the pair."""
    u, v = torch.from_numpy(PATCHWORK.pairs.copy())
    loops = torch.tensor([[0, 5], [0, 5]])
    columns = torch.cat([torch.stack([u, v]), torch.stack([v, u]), torch.stack([u, v])[:, :9], loops], dim=1)
    columns = columns[:, torch.randperm(columns.shape[1], generator=torch.Generator().manual_seed(0))]
    low, high = columns.min(dim=0).values, columns.max(dim=0).values
    name = low * PATCHWORK.num_nodes + high
    return Data(
        edge_index=columns,
        edge_attr=torch.stack([name, -name], dim=1).double(),
        edge_weight=torch.full((columns.shape[1],), 2.0),
        x=torch.arange(PATCHWORK.num_nodes)[:, None].float(),
        num_nodes=PATCHWORK.num_nodes,
    )


@by_name(METHODS)
@pytest.mark.parametrize("keep", [0.0, 0.4, 1.0])
def test_result_is_symmetric_and_attributes_follow(method, keep):
    data = _data()
    before = data.clone()
    sparse = wis.sparsify(data, keep, method=method.name, seed=0, device="cpu")
    u, v = sparse.edge_index
    name = torch.minimum(u, v) * PATCHWORK.num_nodes + torch.maximum(u, v)
    assert torch.equal(sparse.edge_attr, torch.stack([name, -name], dim=1).double())
    pairs = {tuple(sorted(pair)) for pair in sparse.edge_index.T.tolist() if pair[0] != pair[1]}
    assert len(pairs) == round(keep * PATCHWORK.num_pairs)
    columns = sorted(map(tuple, before.edge_index.T.tolist()))
    expected = [pair for pair in columns if pair[0] == pair[1] or tuple(sorted(pair)) in pairs]
    assert sorted(map(tuple, sparse.edge_index.T.tolist())) == expected
    assert torch.equal(sparse.x, data.x)
    assert sparse.num_nodes == data.num_nodes
    for key in before.keys():  # noqa: SIM118
        assert before[key] is data[key] or torch.equal(torch.as_tensor(before[key]), torch.as_tensor(data[key]))
    weights_of_pairs = {}
    for pair, weight in zip(name.tolist(), sparse.edge_weight.tolist(), strict=True):
        assert weights_of_pairs.setdefault(pair, weight) == weight
        assert weight > 0


@by_name(RANKS)
def test_order_and_sparsify_agree(method):
    data = _data()
    order = wis.removal_order(data, method.name, seed=3, device="cpu")
    once = wis.sparsify(data, 0.6, method=method.name, seed=3, device="cpu")
    assert torch.equal(order.apply(data, keep=0.6).edge_index, once.edge_index)


@by_name(METHODS)
def test_directed_works_or_is_refused_with_the_way_out(method):
    edges = suited(method, edge_list(6, [[0, 1, 2, 3, 4, 0], [1, 2, 0, 0, 3, 3]], directed=True))
    try:
        kept, _ = choose_pairs(method, edges, 3, {}, seed=0, device="cpu")
    except ValueError:
        with pytest.raises(ValueError, match="directed=False"):
            choose_pairs(method, edges, 3, {}, seed=0, device="cpu")
    else:
        assert kept.sum() == 3


@by_name(METHODS)
def test_unknown_option_is_named(method):
    with pytest.raises(ValueError, match="no option 'colour'"):
        wis.sparsify(_data(), 0.5, method=method.name, colour="red")


@by_name([method for method in METHODS if method.reads_weights])
@on_every_graph
def test_the_unit_of_weights_does_not_matter(method, edges):
    weighted, num_keep = weigh(edges), edges.num_pairs // 2
    options = {"score": "threshold"} if method.name == "local" else {}
    in_grams = EdgeList(edges.num_nodes, edges.pairs, weights=weighted.weights * 1024)
    kept, factors = choose_pairs(method, weighted, num_keep, options, seed=0, device="cpu")
    again, again_factors = choose_pairs(method, in_grams, num_keep, options, seed=0, device="cpu")
    assert np.array_equal(kept, again)
    assert kept.sum() == num_keep
    if factors is not None:
        assert np.allclose(factors, again_factors)


@by_name(METHODS)
def test_weights_matter_where_a_method_says_so_and_only_there(method):
    weights = weigh(PATCHWORK).weights
    options = {"score": "threshold"} if method.name == "local" else {}
    orders = [weights, weights[::-1], np.roll(weights, 7)]
    results = [
        choose_pairs(method, EdgeList(PATCHWORK.num_nodes, PATCHWORK.pairs, weights=w), 40, options, seed=0)
        for w in orders
    ]
    if method.reads_weights:
        assert any(not np.array_equal(results[0][0], other) for other, _ in results[1:])
    else:
        without = choose_pairs(method, PATCHWORK, 40, options, seed=0)
        assert all(np.array_equal(without[0], kept) for kept, _ in results)


@by_name(METHODS)
def test_a_forest_can_go_last(method):
    edges = suited(method, PATCHWORK)
    graph = nx.Graph(edges.pairs.T.tolist())
    size = len(graph) - nx.number_connected_components(graph)
    for num_keep in (0, size // 2, size, size + 5, edges.num_pairs - 3, edges.num_pairs):
        kept, weights = choose_pairs(method, edges, num_keep, {"keep_connected": True}, seed=0, device="cpu")
        assert kept.sum() == num_keep
        sparse = nx.Graph(edges.pairs[:, kept].T.tolist())
        rank = len(sparse) - nx.number_connected_components(sparse)
        assert rank == min(num_keep, size)
        if weights is not None:
            assert ((weights > 0) == kept).all()


@by_name(METHODS)
def test_no_warnings(method):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        choose_pairs(method, suited(method, PATCHWORK), 25, {}, seed=0, device="cpu")
