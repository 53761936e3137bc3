"""The public functions, as a new user calls them."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch_geometric.data import Data

import wis
from tests import naive
from wis.calls import check_call


def karate_columns() -> np.ndarray:
    edges = np.array(nx.karate_club_graph().edges).T
    return np.concatenate([edges, edges[::-1]], axis=1)


@pytest.mark.parametrize("method", ["wis", "random", "spectral"])
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.5, 1.0])
def test_budget_is_exact_and_symmetric(method: str, keep: float) -> None:
    sparse = wis.sparsify(torch.from_numpy(karate_columns()), keep, method=method, seed=0)
    pairs = {tuple(pair) for pair in sparse.T.tolist()}
    assert len(pairs) == 2 * round(keep * 78) == sparse.shape[1]
    assert {(v, u) for u, v in pairs} == pairs


def test_half_is_kept_by_default() -> None:
    assert wis.sparsify(nx.karate_club_graph()).number_of_edges() == 39


def test_sparsify_agrees_with_the_order() -> None:
    graph = nx.karate_club_graph()
    order = wis.removal_order(graph, depth=3)
    for num_edges in (0, 1, 20, 77, 78):
        sparse = wis.sparsify(graph, num_edges=num_edges, depth=3)
        assert sorted(sparse.edges) == sorted(order.apply(graph, num_edges=num_edges).edges)


def test_types_agree() -> None:
    columns = karate_columns()
    adjacency = sp.coo_array((np.ones(156), columns), shape=(34, 34)).tocsr()
    as_tensor = wis.sparsify(torch.from_numpy(columns), 0.4)
    as_data = wis.sparsify(Data(edge_index=torch.from_numpy(columns), num_nodes=34), 0.4)
    as_scipy = wis.sparsify(adjacency, 0.4)
    as_networkx = wis.sparsify(nx.Graph(list(columns.T.tolist())), 0.4)
    expected = {tuple(pair) for pair in as_tensor.T.tolist()}
    assert {tuple(pair) for pair in as_data.edge_index.T.tolist()} == expected
    assert set(zip(*(a.tolist() for a in as_scipy.nonzero()), strict=True)) == expected
    # NetworkX numbers vertices by first appearance, so only the size is the same.
    assert as_networkx.number_of_edges() == len(expected) // 2


def test_self_loops_always_stay() -> None:
    edge_index = torch.tensor([[0, 0, 1, 1], [0, 1, 0, 1]])
    assert wis.sparsify(edge_index, 0.0).tolist() == [[0, 1], [0, 1]]


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize(
    ("edge_index", "num_nodes"),
    [
        (torch.empty((2, 0), dtype=torch.long), 0),
        (torch.empty((2, 0), dtype=torch.long), 1),
        (torch.tensor([[0], [0]]), 3),
    ],
)
def test_graphs_without_pairs(edge_index: torch.Tensor, num_nodes: int, depth: int) -> None:
    assert torch.equal(wis.sparsify(edge_index, 0.5, depth=depth, num_nodes=num_nodes), edge_index)
    assert wis.removal_order(edge_index, depth=depth, num_nodes=num_nodes).edges.shape == (2, 0)
    assert wis.closed_walks(edge_index, depth, num_nodes=num_nodes).tolist() == [0] * num_nodes


def test_the_seed_decides() -> None:
    graph = nx.karate_club_graph()
    first, same, other = (wis.removal_order(graph, "random", seed=seed).edges for seed in (1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"keep": 0.5, "num_edges": 3}, ValueError, "not both"),
        ({"keep": 2}, ValueError, "keep must be from 0 to 1"),
        ({"depth": 1}, ValueError, "depth"),
        ({"depth": 2.5}, TypeError, "depth"),
        ({"method": "magic"}, ValueError, "unknown method 'magic'"),
        ({"seed": -1}, ValueError, "seed must not be negative"),
        ({"seed": "one"}, TypeError, "seed must be an integer"),
        ({"device": "tpu"}, ValueError, "device must be one of 'auto', 'cpu', 'cuda', got 'tpu'"),
        ({"method": "random", "device": "cuda"}, ValueError, "'random' runs on the CPU only"),
        ({"num_nodes": 3}, ValueError, "vertex 33, but num_nodes=3"),
    ],
)
def test_bad_arguments_are_named(arguments: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        wis.sparsify(karate_columns(), **arguments)


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu"), torch.device("cpu", 0), "cpu:0", "auto"])
def test_devices_in_every_form(device: object) -> None:
    expected = wis.sparsify(karate_columns(), 0.3)
    assert (wis.sparsify(karate_columns(), 0.3, device=device) == expected).all()
    assert len(wis.removal_order(karate_columns(), "spectral", seed=0, device=device)) == 78
    assert wis.Sparsify(0.5, device=device)(Data(edge_index=torch.tensor([[0, 1], [1, 0]]))).num_edges == 0


@pytest.mark.parametrize("device", ["cuda:x", "auto:0", "mps", torch.device("meta"), None, 3])
def test_other_devices_are_refused(device: object) -> None:
    with pytest.raises(ValueError, match="device must be one of 'auto', 'cpu', 'cuda', got"):
        wis.sparsify(karate_columns(), device=device)


def test_the_number_of_a_gpu_must_be_that_of_the_current_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    assert check_call("wis", {}, torch.device("cuda:1")).name == check_call("wis", {}, "cuda").name == "wis"
    with pytest.raises(
        ValueError, match=r"'cuda:0' is not the current GPU, cuda:1; choose it by torch.cuda.set_device"
    ):
        check_call("wis", {}, torch.device("cuda:0"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_is_a_promise() -> None:
    with pytest.raises(RuntimeError, match=r"device='cuda' was asked for, but this PyTorch"):
        wis.sparsify(karate_columns(), device="cuda")
    with pytest.raises(RuntimeError, match=r"device='cuda' was asked for"):
        wis.sparsify(karate_columns(), device=torch.device("cuda:0"))


def test_methods_that_learn_ask_for_data() -> None:
    with pytest.raises(TypeError, match="'ugs' learns from features, labels and masks"):
        wis.sparsify(karate_columns(), method="ugs", seed=0)


@pytest.mark.parametrize("target", [None, 3])
def test_walk_index_is_the_definition(target: int | None) -> None:
    graph = nx.karate_club_graph()
    pairs = np.array(graph.edges).T
    for depth in (2, 3, 5):
        for subset in ([0], [1, 2, 33], range(34)):
            expected = naive.walk_index(34, pairs, subset, depth, target)
            assert wis.walk_index(graph, subset, depth, target) == expected


@pytest.mark.parametrize("kind", [int, str])
def test_vertices_told_by_their_numbers_are_not_those_of_other_numbers(kind: type) -> None:
    """A graph made of its edges has its vertices in the order in which they came up: number 0 is the one called 2."""
    graph = nx.Graph([(kind(u), kind(v)) for u, v in [(2, 1), (1, 0), (0, 3), (3, 4), (4, 0)]])
    asked = {
        "targets": lambda graph, vertex: wis.sparsify(graph, num_edges=3, targets=[vertex]),
        "partitions": lambda graph, vertex: wis.removal_order(graph, partitions=[[vertex]]),
        "subset": lambda graph, vertex: wis.walk_index(graph, [vertex], 3, vertex),
        "data": lambda graph, vertex: wis.sparsify(graph, method="ugs", data=Data(num_nodes=5)),
    }
    for name, ask in asked.items():
        with pytest.raises(
            ValueError, match=f"{name} tells vertices by their numbers.* number 0 of graph is called '?2"
        ):
            ask(graph, 0)
    scored = {"method": "local", "score": "wis:depth=2,targets=[0]"}
    with pytest.raises(ValueError, match="targets tells vertices by their numbers"):
        wis.sparsify(graph, **scored)
    inorder = nx.Graph()
    inorder.add_nodes_from(map(kind, range(5)))
    inorder.add_edges_from(graph.edges)
    columns = np.array([[2, 1, 0, 3, 4], [1, 0, 3, 4, 0]])
    for vertex in range(5):
        sparse = wis.sparsify(columns, num_edges=3, targets=[vertex], directed=False)
        kept = {frozenset((kind(u), kind(v))) for u, v in sparse.T.tolist()}
        assert {frozenset(edge) for edge in asked["targets"](inorder, vertex).edges} == kept
        expected = naive.walk_index(5, columns, [vertex], 3, vertex)
        assert asked["subset"](inorder, vertex) == expected
    assert wis.sparsify(graph, **scored | {"score": "wis:depth=2"}).number_of_edges() == 2  # asks for no vertex


def test_closed_walks_are_walk_indices_of_single_vertices() -> None:
    graph = nx.karate_club_graph()
    for depth in (2, 3, 4):
        values = wis.closed_walks(graph, depth)
        assert values.dtype == torch.int64
        assert values.tolist() == [wis.walk_index(graph, [t], depth, t) for t in graph]
    with pytest.raises(TypeError, match="closed_walks.*unexpected keyword argument 'number'"):
        wis.closed_walks(graph, 2, number=3)  # type: ignore[call-arg]
