from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

import wis

TAIL = [("a", "b"), ("a", "c"), ("b", "c"), ("c", "d")]


def graph(kind: Any = nx.Graph) -> Any:
    made = kind()
    for vertex in "abcd":
        made.add_node(vertex, colour=f"colour of {vertex}", size=3)
    for u, v in TAIL:
        made.add_edge(u, v, weight=2.5, kind=f"{u}{v}")
    return made


@pytest.mark.parametrize("suffix", [".graphml", ".gml", ".gexf", ".json"])
@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph])
def test_attributes_of_vertices_and_edges_survive(tmp_path: Path, suffix: str, kind: Any) -> None:
    writers = {".graphml": nx.write_graphml, ".gml": nx.write_gml, ".gexf": nx.write_gexf}
    path = tmp_path / f"in{suffix}"
    if suffix == ".json":
        path.write_text(json.dumps(nx.node_link_data(graph(kind), edges="edges")))
    else:
        writers[suffix](graph(kind), path)
    read = wis.read_graph(path)
    assert read.is_directed() == (kind is nx.DiGraph)
    wis.write_graph(wis.sparsify(read, 0.5), tmp_path / f"out{suffix}")
    sparse = wis.read_graph(tmp_path / f"out{suffix}")
    assert type(sparse) is kind
    assert {name: sparse.nodes[name]["colour"] for name in sparse} == {v: f"colour of {v}" for v in "abcd"}
    assert {sparse.nodes[name]["size"] for name in sparse} == {3}
    expected = wis.sparsify(graph(kind), 0.5)
    assert set(sparse.edges) == set(expected.edges)
    assert [(e["kind"], e["weight"]) for *_, e in sparse.edges(data=True)] == [(u + v, 2.5) for u, v in sparse.edges]


def test_node_link_data_keep_their_key(tmp_path: Path) -> None:
    for key in ("links", "edges"):
        (tmp_path / "in.json").write_text(json.dumps(nx.node_link_data(graph(nx.MultiGraph), edges=key)))
        wis.write_graph(wis.sparsify(wis.read_graph(tmp_path / "in.json"), 0.5), tmp_path / "out.json")
        stored = json.loads((tmp_path / "out.json").read_text())
        assert [edge["kind"] for edge in stored[key]] == ["ab", "cd"]
        assert len(stored["nodes"]) == 4


def test_pajek_says_what_it_cannot_hold(tmp_path: Path) -> None:
    nx.write_pajek(nx.MultiGraph(nx.path_graph(["a", "b", "c"])), tmp_path / "in.net")
    wis.write_graph(wis.sparsify(wis.read_graph(tmp_path / "in.net"), num_edges=1), tmp_path / "out.net")
    expected = wis.sparsify(nx.path_graph(["a", "b", "c"]), num_edges=1)
    assert list(nx.read_pajek(tmp_path / "out.net").edges()) == list(expected.edges())
    with pytest.warns(UserWarning, match=r"out\.net: pajek does not hold all attributes"):
        wis.write_graph(graph(), tmp_path / "out.net")


def test_an_adjacency_list(tmp_path: Path) -> None:
    (tmp_path / "in.adjlist").write_text("# a comment\na b c\nb c\nc d\n")
    wis.write_graph(wis.sparsify(wis.read_graph(tmp_path / "in.adjlist"), 0.5), tmp_path / "out.adjlist")
    assert set(nx.read_adjlist(tmp_path / "out.adjlist").edges()) == {("a", "b"), ("c", "d")}


def test_gml_without_labels(tmp_path: Path) -> None:
    (tmp_path / "in.gml").write_text("graph [ node [ id 5 ] node [ id 7 ] edge [ source 5 target 7 ] ]")
    assert list(wis.read_graph(tmp_path / "in.gml").edges()) == [(5, 7)]


@pytest.mark.parametrize("suffix", [".graphml", ".gml", ".gexf", ".net", ".json"])
@pytest.mark.parametrize("content", [b"", b"0,1\n", b"<graphml", b'{"nodes": []}', b"\xff\x00", b"[" * 100_000])
def test_damaged_files_are_named(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"in{suffix}"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"in\{suffix} is no readable (graphml|gml|gexf|pajek|json) file: "):
        wis.read_graph(path)


def test_only_graphs_are_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="graph must be a NetworkX graph to be written as gml, got list"):
        wis.write_graph([1], tmp_path / "out.gml")
    held = nx.Graph([("a", "b")], what=object())
    with pytest.raises(ValueError, match=r"out\.json: json cannot hold this graph: "):
        wis.write_graph(held, tmp_path / "out.json")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "in.gml").write_text("graph [ ]")
    with pytest.raises(TypeError, match="source is for tables with one edge a row, not for gml; leave it out"):
        wis.read_graph(tmp_path / "in.gml", source="a", target="b")
