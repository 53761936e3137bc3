from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
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
    reweighted = wis.sparsify(wis.read_graph(tmp_path / "in.adjlist"), 0.5, method="dspar-reweighted", seed=0)
    with pytest.raises(ValueError, match=r"lost\.adjlist: adjlist cannot hold .* an adjacency list has no weights"):
        wis.write_graph(reweighted, tmp_path / "lost.adjlist")
    assert not (tmp_path / "lost.adjlist").exists()
    with pytest.warns(
        UserWarning, match=r"out\.adjlist: adjlist does not hold all attributes of .*: .* as {'since': 9}"
    ):
        wis.write_graph(nx.Graph([("a", "b", {"since": 9})]), tmp_path / "out.adjlist")


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


def readable(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def round_trip(path: Path, text: str, **options: Any) -> Any:
    """The sparse graph of a file, written and read again."""
    out = path.with_name(f"out{path.suffix}")
    wis.write_graph(wis.sparsify(wis.read_graph(readable(path, text)), **options), out)
    return wis.read_graph(out)


VERTICES = '*Vertices 3\n1 "John" 0.1 0.2 0.5\n2 "New York"\n3 O\'Neil\n'


@pytest.mark.parametrize(
    ("sections", "directed", "edges"),
    [
        ("*Arcs\n*Edges\n1 2\n2 3\n", False, ["12", "23"]),
        ("*Edges\n1 2\n2 3\n*Arcs\n", False, ["12", "23"]),
        ("*Edges\n*Arcs\n1 2\n3 2\n", True, ["12", "32"]),
        ("*Arcs\n1 2\n% a comment\n\n*Arcs\n3 2\n", True, ["12", "32"]),
        ("*Arcslist\n1 2 3\n2 3\n", True, ["12", "13", "23"]),
        ("*Edgeslist\n1 2 3\n", False, ["12", "13"]),
        ("*Matrix\n0 1 0\n\n0 0 1\n0 0 0\n", True, ["12", "23"]),
        ("", True, []),
    ],
)
@pytest.mark.parametrize("mark", ["", "\ufeff% by hand\n"])
def test_sections_of_pajek(tmp_path: Path, sections: str, directed: bool, edges: list[str], mark: str) -> None:
    number = {"John": "1", "New York": "2", "O'Neil": "3"}
    for read in (
        wis.read_graph(readable(tmp_path / "in.net", mark + VERTICES + sections)),
        round_trip(tmp_path / "in.net", mark + VERTICES + sections, keep=1.0),
    ):
        assert list(read) == list(number)
        assert read.is_directed() == directed
        assert sorted(number[u] + number[v] for u, v in read.edges()) == edges


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("*Vertices 2\n1 John\n2 John\n*Edges\n1 2\n", "the vertices 1 and 2 are both called 'John', and .*different"),
        (VERTICES + "*Arcs\n1 2\n*Edges\n2 3\n", r"it has \*Arcs in line 5 and \*Edges in line 7, .* as two arcs"),
        (VERTICES + "*Edges\n1 2\n*Arcs\n2 3\n", r"it has \*Edges in line 5 and \*Arcs in line 7"),
        (VERTICES + "*Edges :1 a\n1 2\n*Edges :2 b\n2 3\n", "line 5 and line 7 are two relations; keep one"),
        (VERTICES + "*Edges\n1 2\n*Partition x\n1\n", r"line 7: the section \*Partition is not read here"),
        (VERTICES + VERTICES, r"line 5: the section \*Vertices is not read here; keep one network"),
        ("*Edges\n1 2\n" + VERTICES, r"line 1: the section \*Edges is not read here"),
        (VERTICES + "*Edges\n1 4\n", "line 6: it names the vertex '4', which is not among the"),
        (VERTICES + "*Edges\n1\n", "line 6: an edge has two ends, got '1'"),
        (VERTICES + "*Edges\n1 2 c Blue\n", "line 6: the third value of an edge is its weight, a number, got 'c'"),
        ("*Vertices 3 1\n", "two modes are not read as such, leave the second number out"),
        ("*Vertices 3\n1 a\n1 b\n", "line 3: vertex 1 is listed twice"),
        ("*Vertices 3\n4 a\n", "line 2: vertices are numbered from 1 to 3, got '4'"),
        ("*Vertices 3000000000\n1 a\n", "line 1: it claims 3000000000 vertices and lists 1"),
        ('*Vertices 1\n1 "a\n', "line 2: a quote is not closed"),
        ("1 2\n", r"line 1: expected a section like \*Vertices, got '1 2'"),
    ],
)
def test_what_a_graph_cannot_have_of_pajek_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"in\.net is no readable pajek file: .*{message}"):
        wis.read_graph(readable(tmp_path / "in.net", text))


def test_pajek_may_leave_labels_out(tmp_path: Path) -> None:
    assert list(wis.read_graph(readable(tmp_path / "in.net", "*Vertices 2\n*Edges\n1 2\n")).edges()) == [("1", "2")]
    text = "*Vertices 3\n3 'a b'\n1\n*Edges\n1 3 2.5 l \"x y\"\n"
    sparse = round_trip(tmp_path / "in.net", text, keep=1.0)
    assert list(sparse) == ["1", "2", "a b"]
    assert list(sparse.edges(data=True)) == [("1", "a b", {"weight": 2.5, "l": "x y"})]


GRAPHML = """<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="d0" for="{0}" attr.name="weight" attr.type="double"><default>2.0</default></key>
<key id="d1" for="node" attr.name="colour" attr.type="string"><default>red</default></key>
<graph edgedefault="undirected"><node id="a"/><node id="b"><data key="d1">blue</data></node><node id="{1}"/>
<edge id="e0" source="a" target="b"><data key="d0">1.5</data></edge><edge id="e1" source="b" target="c"/>
<edge id="{2}" source="a" target="b"><data key="d0">5</data></edge></graph>{3}</graphml>"""
GEXF = """<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2"><graph defaultedgetype="undirected">
<attributes class="edge"><attribute id="0" title="weight" type="double"><default>2.0</default></attribute></attributes>
<nodes><node id="a" label="A"/><node id="b"/><node id="{0}"/></nodes>
<edges><edge id="0" source="a" target="b" weight="1.5"/><edge id="1" source="b" target="c"/></edges></graph></gexf>"""


@pytest.mark.parametrize("scope", ["edge", "all"])
def test_defaults_of_graphml_hold(tmp_path: Path, scope: str) -> None:
    text = GRAPHML.format(scope, "c", "e2", "")
    sparse = round_trip(tmp_path / "in.graphml", text, num_edges=1, method="threshold")
    assert [weight for *_, weight in sparse.edges(data="weight")] == [1.5, 5.0]
    sparse = round_trip(tmp_path / "in.graphml", text, keep=1.0)
    assert sorted(sparse.edges(data="weight")) == [("a", "b", 1.5), ("a", "b", 5.0), ("b", "c", 2.0)]
    assert dict(sparse.nodes(data="colour")) == {"a": "red", "b": "blue", "c": "red"}


def test_a_group_of_yed_is_a_part_of_its_graph(tmp_path: Path) -> None:
    group = '<node id="g" yfiles.foldertype="group"><graph id="g:"><node id="d"/></graph></node>'
    text = GRAPHML.format("edge", "c", "e2", "").replace('<node id="a"/>', f'<node id="a"/>{group}')
    assert set(wis.read_graph(readable(tmp_path / "in.graphml", text))) == set("abcdg")
    with pytest.raises(ValueError, match="it has 2 graphs, nested ones included"):
        wis.read_graph(readable(tmp_path / "in.graphml", text.replace(' yfiles.foldertype="group"', "")))


def test_ids_of_graphml_edges_stay(tmp_path: Path) -> None:
    text = GRAPHML.format("edge", "c", "e2", "").replace(
        'id="e2" source="a" target="b"', 'id="e2" source="a" target="c"'
    )
    sparse = round_trip(tmp_path / "in.graphml", text, num_edges=2, method="threshold")
    assert sorted(sparse.edges(data=True)) == [
        ("a", "c", {"weight": 5.0, "id": "e2"}),
        ("b", "c", {"weight": 2.0, "id": "e1"}),
    ]
    assert '<edge source="a" target="c" id="e2">' in (tmp_path / "out.graphml").read_text()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (("edge", "d", "e2", ""), "the target of edge 2 is 'c', which is not among the vertices"),
        (("edge", "a", "e2", ""), "two vertices have the id 'a'; make the ids different"),
        (("edge", "c", "e0", ""), "it has 3 edges, and 2 are left, .* make the ids of edges different"),
        (("edge", "c", "e2", "<graph/>"), "it has 2 graphs, nested ones included, and one is read"),
    ],
)
def test_what_a_graph_cannot_have_of_graphml_is_named(
    tmp_path: Path, changed: tuple[str, str, str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=rf"in\.graphml is no readable graphml file: {message}"):
        wis.read_graph(readable(tmp_path / "in.graphml", GRAPHML.format(*changed)))


def test_gexf_has_its_defaults_and_no_vertex_called_none(tmp_path: Path) -> None:
    sparse = round_trip(tmp_path / "in.gexf", GEXF.format("c"), num_edges=1, method="threshold")
    assert list(sparse.edges(data="weight")) == [("b", "c", 2.0)]
    assert dict(sparse.nodes(data="label")) == {"a": "A", "b": "b", "c": "c"}
    with pytest.raises(ValueError, match="the target of edge 2 is 'c', which is not among the vertices"):
        wis.read_graph(readable(tmp_path / "in.gexf", GEXF.format("d")))


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (
            {"nodes": [{"id": "a"}, {"id": "b"}], "links": [{"source": 0, "target": 1}]},
            r"link 0 \(counted from 0\) names the node 0, which is not listed in nodes; the links look like positions",
        ),
        (
            {"nodes": [{"id": "a"}], "links": [{"source": "a", "target": "a"}, {"source": "a", "target": "z"}]},
            r"link 1 \(counted from 0\) names the node 'z', which is not listed in nodes; add it, or drop the link",
        ),
        ({"nodes": [{"id": "a"}, {"id": "a"}], "links": []}, "two nodes have the id 'a'; make the ids different"),
        (
            {"nodes": [{}, {}], "multigraph": False, "links": [{"source": 0, "target": 1}, {"source": 1, "target": 0}]},
            'it has 2 links, and 1 are left, as some join the same nodes and it says "multigraph": false',
        ),
        (
            {"nodes": [{}, {}], "links": 2 * [{"source": 0, "target": 1, "key": 0}]},
            'it has 2 links, and 1 are left, as some join the same nodes under the same "key"',
        ),
        (
            {"nodes": [{}, {}], "links": [{"source": 0, "target": 1}], "edges": [{"source": 0, "target": 1}]},
            "it has both links and edges, and one is read; leave the other out",
        ),
    ],
)
def test_links_that_would_change_the_graph_are_named(tmp_path: Path, stored: Any, message: str) -> None:
    with pytest.raises(ValueError, match=rf"in\.json is no readable json file: {message}"):
        wis.read_graph(readable(tmp_path / "in.json", json.dumps(stored)))


def test_nodes_without_ids_are_linked_by_position_and_other_keys_stay(tmp_path: Path) -> None:
    stored = {"title": "club", "nodes": [{"name": "a"}, {"name": "b"}], "links": [{"source": 0, "target": 1}]}
    sparse = round_trip(tmp_path / "in.json", json.dumps({**stored, "edges": []}), keep=1.0)
    assert list(sparse.edges()) == [(0, 1)]
    assert json.loads((tmp_path / "out.json").read_text())["title"] == "club"
    pairs = {"nodes": [{"id": [0, [1]]}, {"id": [2, 3]}], "edges": [{"source": [2, 3], "target": [2, 3]}]}
    assert list(wis.read_graph(readable(tmp_path / "in.json", json.dumps(pairs)))) == [(0, (1,)), (2, 3)]


@pytest.mark.parametrize("label", ['"A"', "7"])
def test_gml_with_the_same_label_twice_keeps_labels_and_ids(tmp_path: Path, label: str) -> None:
    text = (
        f'graph [ node [ id 10 label {label} at [ id 3 ] ] node [ id 20 label "B&amp;&#233;" ] '
        f"node [ id 30 label {label} ] "
        'edge [ source 10 target 30 id 5 label "q" ] edge [ source 20 target 30 ] ]'
    )
    read = wis.read_graph(readable(tmp_path / "in.gml", text))
    sparse = round_trip(tmp_path / "in.gml", text, keep=1.0)
    assert dict(sparse.nodes(data=True)) == dict(read.nodes(data=True))
    assert list(sparse.nodes(data="label")) == [(10, json.loads(label)), (20, "B&é"), (30, json.loads(label))]
    assert list(sparse.edges(data=True)) == [(10, 30, {"id": 5, "label": "q"}), (20, 30, {})]


def test_gml_without_labels_keeps_its_ids(tmp_path: Path) -> None:
    text = "graph [ node [ id 5 ] node [ id 7 ] edge [ source 5 target 7 ] ]"
    assert list(round_trip(tmp_path / "in.gml", text, keep=1.0).edges()) == [(5, 7)]


@pytest.mark.parametrize("labels", [("1e5 a", "b # c"), ("1e5 a", "1e5 a")])
def test_gml_numbers_without_a_point_are_whole(tmp_path: Path, labels: tuple[str, str]) -> None:
    """igraph writes 1e-05, which NetworkX takes for the number 1 and an attribute e."""
    text = (
        f'# 5" of\ngraph [ node [ id 0 label "{labels[0]}" size -3e-4 ]\r\n'
        f'node [ id 1 label "{labels[1]}" size 1e+20 ]\r\n'
        'node [ id 2 label "c" note "at 1e5\nor 2e5" ] # "1e5"\n'
        "edge [ source 0 target 1 weight 1e-05 ] edge [ source 1 target 2 weight 1.5e-3 times 7 ]"
        "edge [ source 0 target 2 weight 2E5 inner [ at +4e2 ] ] ]"
    )
    for graph in (
        wis.read_graph(readable(tmp_path / "in.gml", text)),
        round_trip(tmp_path / "in.gml", text, keep=1.0),
    ):
        assert [size for _, size in graph.nodes(data="size")] == [-3e-4, 1e20, None]
        assert [note for _, note in graph.nodes(data="note")] == [None, None, "at 1e5 or 2e5"]
        assert [edge for *_, edge in graph.edges(data=True)] == [
            {"weight": 1e-05},
            {"weight": 2e5, "inner": {"at": 400.0}},
            {"weight": 1.5e-3, "times": 7},
        ]


def test_gml_of_igraph_has_its_weights(tmp_path: Path) -> None:
    igraph = pytest.importorskip("igraph")
    graph = igraph.Graph([(0, 1), (1, 2), (2, 3), (3, 0)], edge_attrs={"weight": [1e-5, 0.5, 2e-7, 3e20]})
    graph.write_gml(str(tmp_path / "in.gml"))
    read = wis.read_graph(tmp_path / "in.gml")
    assert sorted(weight for *_, weight in read.edges(data="weight")) == [2e-7, 1e-5, 0.5, 3e20]
    assert all(set(edge) == {"weight"} for *_, edge in read.edges(data=True))
    kept = wis.sparsify(read, num_edges=1, method="threshold")
    assert [weight for *_, weight in kept.edges(data="weight")] == [3e20]


def test_gml_is_ascii(tmp_path: Path) -> None:
    (tmp_path / "in.gml").write_text('graph [ node [ id 0 label "\u00e9" ] ]', encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"in\.gml is no readable gml file: it is not ASCII; write other letters as &#233"
    ):
        wis.read_graph(tmp_path / "in.gml")


@pytest.mark.parametrize("label", ["b", "a"])
def test_large_integers_of_gml_stay_numbers(tmp_path: Path, label: str) -> None:
    text = (
        'graph [ number 9000000000 node [ id 0 label "a" stamp 2147483648 ] '
        f'node [ id 1 label "{label}" text "3000000000" '
        "inner [ low -2147483649 least -2147483648 ] ] "
        f"edge [ source 0 target 1 time 1700000000000 size 2147483647 many 1 many {10**400} ] ]"
    )
    graph = round_trip(tmp_path / "in.gml", text, keep=1.0)
    assert graph.graph == {"number": 9000000000}
    of_vertices = [{**attributes, "label": None} for _, attributes in graph.nodes(data=True)]
    assert of_vertices == [
        {"stamp": 2147483648, "label": None},
        {"text": "3000000000", "inner": {"low": -2147483649, "least": -2147483648}, "label": None},
    ]
    assert [edge for *_, edge in graph.edges(data=True)] == [
        {"time": 1700000000000, "size": 2147483647, "many": [1, 10**400]}
    ]


def test_large_keys_and_numbers_of_numpy_in_gml(tmp_path: Path) -> None:
    made = nx.MultiDiGraph()
    for key in (3000000000, 3000000001):
        made.add_edge("a", "b", key=key, weight=np.float64(0.1), count=np.int64(3), parts=(np.int64(4), 1 << 40))
    before = [dict(attributes) for *_, attributes in made.edges(data=True)]
    wis.write_graph(made, tmp_path / "out.gml")
    read = wis.read_graph(tmp_path / "out.gml")
    assert list(read.edges(keys=True, data=True)) == [
        ("a", "b", key, {"weight": 0.1, "count": 3, "parts": [4, 1 << 40]}) for key in (3000000000, 3000000001)
    ]
    assert [dict(attributes) for *_, attributes in made.edges(data=True)] == before
