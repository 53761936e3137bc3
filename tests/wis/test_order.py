"""One order for every budget, saved and loaded."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

import wis


@pytest.fixture
def order() -> wis.RemovalOrder:
    return wis.removal_order(nx.karate_club_graph(), "random", seed=3)


def test_edges_are_all_pairs_once(order: wis.RemovalOrder) -> None:
    assert order.edges.dtype == torch.int64
    assert order.edges.shape == (2, 78)
    assert (order.edges[0] < order.edges[1]).all()
    assert {tuple(sorted(e)) for e in nx.karate_club_graph().edges} == {tuple(e) for e in order.edges.T.tolist()}


def test_masks_are_nested_and_exact(order: wis.RemovalOrder) -> None:
    before = torch.ones(78, dtype=torch.bool)
    for keep in (1.0, 0.8, 0.5, 0.33, 0.0):
        mask = order.keep_mask(keep)
        assert int(mask.sum()) == round(keep * 78)
        assert not (mask & ~before).any()
        before = mask
    assert order.keep_mask(num_edges=2).tolist() == [False] * 76 + [True] * 2


def test_apply_keeps_the_last_pairs(order: wis.RemovalOrder) -> None:
    sparse = order.apply(nx.karate_club_graph(), num_edges=10)
    assert {tuple(sorted(e)) for e in sparse.edges} == {tuple(e) for e in order.edges[:, -10:].T.tolist()}


def test_apply_takes_the_same_graph_in_another_form(order: wis.RemovalOrder) -> None:
    graph = nx.karate_club_graph()
    edge_index = torch.tensor([*graph.edges, *((v, u) for u, v in graph.edges)]).T
    assert order.apply(edge_index, keep=0.5).shape == (2, 78)
    sparse = order.apply(Data(edge_index=edge_index, num_nodes=34, edge_attr=torch.arange(156)), keep=0.25)
    assert sparse.num_edges == 2 * round(0.25 * 78) == len(sparse.edge_attr)


def test_apply_refuses_another_graph(order: wis.RemovalOrder) -> None:
    with pytest.raises(ValueError, match="not the one.*34 vertices and 78 pairs, graph has 5 and 4"):
        order.apply(nx.path_graph(5))
    other = nx.karate_club_graph()
    other.remove_edge(0, 1)
    other.add_edge(14, 16)
    with pytest.raises(ValueError, match="their endpoints differ"):
        order.apply(other)


@pytest.mark.parametrize("directed", [False, True])
def test_save_and_load(tmp_path: Path, directed: bool) -> None:
    edge_index = np.array([[0, 1, 1, 2, 2, 0], [1, 0, 2, 1, 0, 2]])
    order = wis.removal_order(edge_index, "random", seed=7, num_nodes=5, directed=directed)
    order.save(tmp_path / "order.npz")
    loaded = wis.RemovalOrder.load(tmp_path / "order.npz")
    assert torch.equal(loaded.edges, order.edges)
    assert (loaded.num_nodes, loaded.directed, loaded.method, loaded.options, loaded.seed, loaded.fingerprint) == (
        5,
        directed,
        "random",
        {},
        7,
        order.fingerprint,
    )
    assert [path.name for path in tmp_path.iterdir()] == ["order.npz"]


def test_options_are_saved(tmp_path: Path) -> None:
    order = wis.removal_order(nx.path_graph(4), depth=2, targets=torch.tensor([0, 1]))
    order.save(tmp_path / "order.npz")
    assert wis.RemovalOrder.load(tmp_path / "order.npz").options == {"depth": 2, "targets": [0, 1]}


def test_save_names_a_bad_path(order: wis.RemovalOrder, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must end in \.npz"):
        order.save(tmp_path / "order.txt")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        order.save(tmp_path / "nowhere" / "order.npz")


def test_load_refuses_other_files(order: wis.RemovalOrder, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, edges=np.zeros((2, 0), dtype=int))
    with pytest.raises(ValueError, match="is not a removal order"):
        wis.RemovalOrder.load(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"is not a removal order written by save\(\), or it is cut short$"):
        wis.RemovalOrder.load(path)
    order.save(path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match="is not a removal order"):
        wis.RemovalOrder.load(path)
    with pytest.raises(FileNotFoundError):
        wis.RemovalOrder.load(tmp_path / "absent.npz")


def test_load_refuses_an_altered_order(order: wis.RemovalOrder, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    order.save(path)
    with np.load(path) as archive:
        edges, header = archive["edges"].copy(), archive["header"]
    edges[:, 0] = (14, 16)
    np.savez(path, edges=edges, header=header)
    with pytest.raises(ValueError, match="damaged"):
        wis.RemovalOrder.load(path)


def test_repr(order: wis.RemovalOrder) -> None:
    assert repr(order) == "RemovalOrder(method='random', num_nodes=34, pairs=78)"
    assert len(order) == 78
