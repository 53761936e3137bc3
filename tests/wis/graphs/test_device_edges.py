"""Graphs that stay on their device: the torch code, run on tensors of the CPU, against the NumPy code."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data

import wis
from tests.strategies import every_family
from wis import machine
from wis.engine import walk_counts as counts
from wis.engine.walk_counts import check_overflow
from wis.graphs import device_edges, torch_graphs
from wis.graphs.device_edges import DeviceEdgeList
from wis.graphs.edge_list import EdgeList
from wis.graphs.load import load_any, load_graph
from wis.graphs.parts import LoadedParts


@st.composite
def columns_of_graphs(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    """Columns with self-loops and repeats, now and then symmetric, and a number of vertices."""
    num_nodes = draw(st.integers(1, 9))
    vertex = st.integers(0, num_nodes - 1)
    columns = np.array(draw(st.lists(st.tuples(vertex, vertex), max_size=30)), dtype=np.int64).reshape(-1, 2).T
    if draw(st.booleans()):
        columns = np.concatenate([columns, columns[::-1]], axis=1)
    return columns, num_nodes


def outcome(build, *arguments):
    """What a call returns, or the message of its error."""
    try:
        return build(*arguments)
    except ValueError as error:
        return str(error)


@given(columns_of_graphs(), st.sampled_from([None, False, True]))
@settings(deadline=None)
def test_pairs_are_those_of_numpy(graph: tuple[np.ndarray, int], directed: bool | None) -> None:
    columns, num_nodes = graph
    expected = outcome(EdgeList.from_columns, columns, num_nodes, directed)
    edges = outcome(DeviceEdgeList.from_tensor, torch.from_numpy(columns.copy()), num_nodes, directed)
    if isinstance(expected, str):
        assert edges == expected
        return
    assert (edges.num_nodes, edges.num_pairs, edges.directed) == (num_nodes, expected.num_pairs, bool(directed))
    assert "pairs" not in vars(edges)  # nothing has come to the host so far
    np.testing.assert_array_equal(edges.pairs, expected.pairs)
    assert edges.pairs.dtype == np.int64
    assert not edges.pairs.flags.writeable
    assert edges.pairs is edges.pairs
    assert edges.fingerprint() == expected.fingerprint()
    found = edges.pair_of_columns(torch.from_numpy(columns.copy()))
    np.testing.assert_array_equal(found.numpy(), expected.pair_of_columns(columns))
    np.testing.assert_array_equal(edges.pair_of_columns(columns), expected.pair_of_columns(columns))


@given(columns_of_graphs(), st.sampled_from([False, True]), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_every_kind_of_graph_is_built_as_on_the_host(graph: tuple[np.ndarray, int], directed: bool, random) -> None:
    columns, num_nodes = graph
    edge_index = torch.from_numpy(columns.copy())
    size = edge_index.shape[1]
    data = Data(
        x=torch.zeros(num_nodes, 1),
        edge_index=edge_index,
        edge_weight=torch.arange(size),
        edge_attr=torch.arange(2.0 * size).reshape(size, 2),
    )
    batch = Batch.from_data_list([data, data])
    data.edge_names = [f"e{i}" for i in range(size)]
    for given_graph in (edge_index, edge_index.int(), data, batch):
        on_host = load_any(given_graph, directed=directed)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch_graphs, "_stays", lambda columns: True)
            patch.setattr(device_edges, "_CHUNK", 4)
            on_device = load_any(given_graph, directed=directed)
            assert isinstance(given_graph, Batch) or isinstance(on_device.edges, DeviceEdgeList)
            chosen = [choose(part, given_graph, random) for part in parts(on_host)]
            sparse = build(on_device, chosen)
        check_same(sparse, build(on_host, chosen))


def parts(loaded):
    return loaded.parts if isinstance(loaded, LoadedParts) else [loaded]


def choose(part, graph, random):
    kept = np.array([random.random() < 0.5 for _ in range(part.edges.num_pairs)], dtype=bool)
    return kept, None if isinstance(graph, torch.Tensor) else np.arange(len(kept)) + 0.5


def build(loaded, chosen):
    sparse = [part.keep_pairs(kept, weights) for part, (kept, weights) in zip(parts(loaded), chosen, strict=True)]
    return loaded.combine(sparse) if isinstance(loaded, LoadedParts) else sparse[0]


def check_same(graph: object, expected: object) -> None:
    assert type(graph) is type(expected)
    if isinstance(graph, torch.Tensor):
        assert graph.dtype == expected.dtype
        assert torch.equal(graph, expected)
        return
    assert graph.keys() == expected.keys()
    for key in graph.keys():  # noqa: SIM118
        if isinstance(graph[key], torch.Tensor):
            check_same(graph[key], expected[key])
        else:
            assert graph[key] == expected[key]
    if isinstance(graph, Batch):
        for one, other in zip(graph.to_data_list(), expected.to_data_list(), strict=True):
            check_same(one, other)


@pytest.mark.parametrize(
    ("columns", "num_nodes", "error", "message"),
    [
        (torch.zeros(3, 4, dtype=torch.long), None, ValueError, r"shape \[2, E\], got \[3, 4\]"),
        (torch.zeros(2, 4), None, TypeError, "integer dtype, got float32"),
        (torch.zeros(2, 4, dtype=torch.bool), None, TypeError, "integer dtype, got bool"),
        (torch.tensor([[0, -1], [-1, 0]]), None, ValueError, "negative vertex -1"),
        (torch.tensor([[0, 7], [7, 0]]), 5, ValueError, "vertex 7, but num_nodes=5 allows only 0 to 4"),
        (torch.tensor([[0, 1, 2], [1, 2, 1]]), None, ValueError, "between vertices 0 and 1 only one direction"),
        (torch.tensor([[0, 1 << 40], [1 << 40, 0]]), None, ValueError, "num_nodes must be at most 3037000499"),
    ],
)
def test_bad_columns_are_named_alike(columns, num_nodes, error, message, monkeypatch) -> None:
    for stays in (False, True):
        monkeypatch.setattr(torch_graphs, "_stays", lambda columns, stays=stays: stays)
        with pytest.raises(error, match=message):
            load_graph(columns, num_nodes)


@pytest.mark.parametrize(("columns", "num_nodes"), [([[], []], 0), ([[], []], 3), ([[1], [1]], 2)])
def test_graphs_without_pairs(columns, num_nodes, monkeypatch) -> None:
    monkeypatch.setattr(torch_graphs, "_stays", lambda columns: True)
    loaded = load_graph(torch.tensor(columns, dtype=torch.long), num_nodes)
    assert (loaded.edges.num_nodes, loaded.edges.num_pairs) == (num_nodes, 0)
    assert loaded.keep_pairs(np.zeros(0, dtype=bool)).tolist() == columns


def test_the_cpu_engine_works_on_them(monkeypatch) -> None:
    columns = torch.tensor([[0, 1, 0, 2, 1, 2, 2, 3], [1, 0, 2, 0, 2, 1, 3, 2]])
    expected = wis.removal_order(columns)
    monkeypatch.setattr(torch_graphs, "_stays", lambda columns: True)
    order = wis.removal_order(columns)
    assert torch.equal(order.edges, expected.edges)
    assert torch.equal(order.apply(columns, keep=0.5), expected.apply(columns, keep=0.5))


@pytest.mark.parametrize("directed", [False, True])
def test_walks_that_bound_the_counts(directed: bool) -> None:
    for edges in every_family((7,), directed):
        on_device = DeviceEdgeList(edges.num_nodes, torch.from_numpy(edges.pairs.copy()), directed)
        for length in (1, 2, 5):
            assert on_device.most_walks(length) == counts.walks_by_length(edges, length)[:, length].max()


def test_overflow_is_found_without_copying_the_pairs() -> None:
    clique = EdgeList.from_columns(np.array(np.triu_indices(60, 1)), 60)
    on_device = DeviceEdgeList(60, torch.from_numpy(clique.pairs.copy()))
    check_overflow(on_device, 11)
    assert "pairs" not in vars(on_device)
    with pytest.raises(OverflowError, match="depth=13 is too large"):
        check_overflow(on_device, 13)


def test_memory(monkeypatch) -> None:
    monkeypatch.setattr(machine, "free_bytes", lambda device: 100)
    with pytest.raises(MemoryError, match=r"needs 0\.0 GiB of GPU memory, 0\.0 GiB are free; use device='cpu'"):
        DeviceEdgeList.from_tensor(torch.tensor([[0, 1, 2], [1, 2, 0]]), 3)
