"""One order for every budget, saved and loaded."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

import wis
from wis.graphs.load import load_graph


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


def test_another_graph_is_named_as_such_whatever_tells_it() -> None:
    """No argument is named that nobody gave."""
    order = wis.removal_order(torch.tensor([[0, 1, 0, 2], [1, 0, 2, 0]]))
    larger = torch.tensor([[0, 5], [5, 0]])
    for other in (larger, [("a", "b"), ("b", "a")]):
        with pytest.raises(ValueError, match="graph is not the one that this order was made from: the order is for 3"):
            order.apply(other)
    with pytest.raises(ValueError, match="graph is not the one that this order was made from"):
        order.column_mask(larger)
    with pytest.raises(TypeError, match="must have an integer dtype, got float32"):
        order.apply(larger.float())


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


def test_no_damaged_byte_gives_another_order(tmp_path: Path) -> None:
    path = tmp_path / "order.npz"
    small = wis.removal_order(nx.path_graph(4), "random", seed=3)
    small.save(path)
    whole, right, read = path.read_bytes(), small.edges.tolist(), []
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        with contextlib.suppress(ValueError):
            read.append(wis.RemovalOrder.load(path).edges.tolist())
    assert all(edges == right for edges in read)  # where the byte is of a date, for example
    assert 0 < len(read) < len(whole) / 2


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


def test_writing_into_the_edges_does_not_change_the_order(order: wis.RemovalOrder) -> None:
    before = order.edges
    order.edges[:] = 0
    assert torch.equal(order.edges, before)
    assert order.fingerprint == wis.removal_order(nx.karate_club_graph(), "random", seed=3).fingerprint


def test_masks_and_positions_of_columns(order: wis.RemovalOrder) -> None:
    columns = torch.tensor(
        [(5, 5), *nx.karate_club_graph().edges, *((v, u) for u, v in nx.karate_club_graph().edges)]
    ).T
    mask = order.column_mask(columns, keep=0.25)
    assert (mask.dtype, mask.shape) == (torch.bool, (157,))
    assert torch.equal(columns[:, mask], order.apply(columns, keep=0.25))
    assert order.kept_columns(columns, num_edges=1).tolist() == sorted(
        [0] + [i for i in range(157) if set(columns[:, i].tolist()) == set(order.edges[:, -1].tolist())]
    )
    weights = torch.arange(157.0)
    data = Data(edge_index=columns, edge_weight=weights, num_nodes=34)
    assert torch.equal(order.apply(data, keep=0.25).edge_weight, weights[order.column_mask(data, keep=0.25)])
    assert order.column_mask(columns.numpy(), num_edges=78).all()
    with pytest.raises(ValueError, match="not the one that this order was made from"):
        order.column_mask(columns[:, :40])


def edges_of(graph: nx.Graph) -> set[frozenset]:
    return {frozenset(edge) for edge in graph.edges}


@pytest.mark.parametrize("rename", [lambda v: v, lambda v: f"v{v}", lambda v: (v, "x")])
@pytest.mark.parametrize("saved", [False, True])
def test_vertices_are_found_by_their_labels(rename: Any, saved: bool, tmp_path: Path) -> None:
    graph = nx.relabel_nodes(nx.karate_club_graph(), {v: rename(v) for v in range(34)})
    turned = nx.Graph()
    turned.add_nodes_from(reversed(list(graph)))
    turned.add_edges_from(graph.edges)
    order = wis.removal_order(graph, depth=3)
    if saved:
        order.save(tmp_path / "order.npz")
        order = wis.RemovalOrder.load(tmp_path / "order.npz")
    expected = edges_of(order.apply(graph, keep=0.5))
    assert len(expected) == 39
    assert edges_of(order.apply(turned, keep=0.5)) == expected
    other = nx.relabel_nodes(turned, {rename(0): "somebody"})
    with pytest.raises(ValueError, match="graph is not the one that this order was made from"):
        order.apply(other)


def test_numbers_as_labels_are_the_numbers_of_other_types() -> None:
    graph = nx.Graph([(3, 2), (2, 1), (1, 0), (0, 2)])
    assert list(graph) == [3, 2, 1, 0]
    columns = torch.tensor([*graph.edges, *((v, u) for u, v in graph.edges)]).T
    by_number = wis.removal_order(columns)
    assert edges_of(by_number.apply(graph, num_edges=2)) == {frozenset(e) for e in by_number.edges[:, -2:].T.tolist()}
    by_label = wis.removal_order(graph)
    kept = {frozenset(pair) for pair in by_label.apply(columns, num_edges=2).T.tolist()}
    assert kept == edges_of(by_label.apply(graph, num_edges=2))


def test_numbers_of_numpy_as_labels_are_numbers() -> None:
    graph = nx.Graph([(3, 2), (2, 1), (1, 0), (0, 2)])
    same = nx.Graph()
    same.add_edges_from(np.array([(1, 0), (0, 2), (3, 2), (2, 1)]))
    assert {type(node) for node in same} == {np.int64}
    for one, other in ((graph, same), (same, graph)):
        order = wis.removal_order(one)
        assert edges_of(order.apply(other, num_edges=2)) == edges_of(order.apply(one, num_edges=2))
    columns = torch.tensor([*graph.edges, *((v, u) for u, v in graph.edges)]).T
    assert edges_of(wis.removal_order(columns).apply(same, num_edges=2)) == edges_of(
        wis.removal_order(columns).apply(graph, num_edges=2)
    )


def test_numbers_as_texts_in_another_order_are_not_guessed() -> None:
    order = wis.removal_order(torch.tensor([[0, 1, 0, 2, 1, 2], [1, 0, 2, 0, 2, 1]]))
    graph = nx.Graph([("2", "0"), ("2", "1"), ("0", "1")])
    with pytest.raises(ValueError, match=r"'0', '1', …, in another order: have numbers in both, as networkx.relabel"):
        order.apply(graph)
    assert order.apply(nx.Graph([("0", "1"), ("1", "2"), ("0", "2")]), num_edges=1).number_of_edges() == 1
    assert order.apply(nx.Graph([("c", "a"), ("a", "b"), ("b", "c")]), num_edges=1).number_of_edges() == 1


def test_what_differs_is_said() -> None:
    path = np.array([[0, 1], [1, 2]])
    order = wis.removal_order(path, num_nodes=5, directed=False)
    with pytest.raises(ValueError, match=r"5 vertices and 2 pairs, graph has 3 and 2; read it by num_nodes=5 if only"):
        order.kept_pairs(load_graph(path, directed=False).edges, 1)
    with pytest.raises(ValueError, match="the order is for undirected pairs, and graph was read as directed"):
        order.kept_pairs(load_graph(path, 5, directed=True).edges, 1)


def test_columns_are_told_whatever_follows_the_edges() -> None:
    ring = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
    data = Data(edge_index=torch.cat([ring, ring.flip(0)], dim=1), num_nodes=8, time=torch.arange(8))
    order = wis.removal_order(data, depth=2, edge_attrs=[])
    with pytest.raises(ValueError, match=r"pass edge_attrs=\['time'\]"):
        order.apply(data)
    assert order.column_mask(data).sum() == 4
    assert wis.walk_index(data, [0], 2) > 0
    assert wis.closed_walks(data, 2).tolist() == [3, 3, 3, 3, 0, 0, 0, 0]
    assert wis.DropEdges(edge_attrs=["time"])(data).time.shape == (4,)


def test_a_directed_order_is_found_by_labels() -> None:
    graph = nx.DiGraph([("b", "a"), ("a", "c"), ("c", "b"), ("c", "a")])
    turned = nx.DiGraph()
    turned.add_nodes_from("cab")
    turned.add_edges_from(graph.edges)
    order = wis.removal_order(graph)
    assert set(order.apply(turned, num_edges=2).edges) == set(order.apply(graph, num_edges=2).edges)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("format", 2, "its format is 2, and this version of wis reads format 1"),
        ("format", None, "its format must be of type int, got None"),
        ("num_nodes", -3, "num_nodes must not be negative"),
        ("num_nodes", 34.5, "its num_nodes must be of type int, got 34.5"),
        ("num_nodes", 10, "columns has vertex 33, but num_nodes=10"),
        ("num_nodes", 35, "damaged: its edges do not match its fingerprint"),
        ("directed", 1, "its directed must be of type bool, got 1"),
        ("directed", True, "do not match its fingerprint"),
        ("method", ["wis"], "its method must be of type str"),
        ("options", "depth", "its options must be of type dict"),
        ("seed", "x", "its seed must be of type int"),
        ("seed", -1, "seed must not be negative"),
        ("fingerprint", None, "its fingerprint must be of type str"),
        ("labels", ["a"], "its labels must be 34 strings"),
    ],
)
def test_every_field_of_a_saved_order_is_checked(
    order: wis.RemovalOrder, tmp_path: Path, field: str, value: Any, message: str
) -> None:
    path = tmp_path / "a.npz"
    order.save(path)
    with np.load(path) as archive:
        edges, facts = archive["edges"].copy(), json.loads(str(archive["header"]))
    np.savez(path, edges=edges, header=np.array(json.dumps({**facts, field: value})))
    with pytest.raises(ValueError, match=message):
        wis.RemovalOrder.load(path)
    if field != "labels":
        del facts[field]
        np.savez(path, edges=edges, header=np.array(json.dumps(facts)))
        with pytest.raises(ValueError, match=f"its header has no field {field}"):
            wis.RemovalOrder.load(path)


@pytest.mark.parametrize(
    "edges", [np.zeros((2, 2), dtype=int), np.array([[0, 1], [1, 0]]), np.array([[0.0], [1]]), np.array([0, 1])]
)
def test_edges_of_a_saved_order_are_checked(order: wis.RemovalOrder, tmp_path: Path, edges: np.ndarray) -> None:
    path = tmp_path / "a.npz"
    order.save(path)
    with np.load(path) as archive:
        header = archive["header"]
    np.savez(path, edges=edges, header=header)
    with pytest.raises(ValueError, match=r"a\.npz is not a removal order written by save\(\)"):
        wis.RemovalOrder.load(path)
    np.savez(path, edges=edges, header=np.array("[]"))
    with pytest.raises(ValueError, match="its header must be a JSON object, got list"):
        wis.RemovalOrder.load(path)
