"""GraphML and GEXF, with what NetworkX leaves out of a file without a word: refused, or put in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree


def read(path: Path, kind: str) -> Any:
    """Read a GraphML or GEXF file as a NetworkX graph, whose vertices and edges have the defaults of the file.

    Raises
    ------
    ValueError
        If it has several graphs, a vertex twice, or an edge to a vertex that is not there.
    """
    import networkx as nx

    root = ElementTree.parse(path).getroot()
    _check(root)
    num_edges = sum(1 for _ in _all(root, "edge"))
    for_all = _defaults_for_all(root) if kind == "graphml" else {}
    del root  # NetworkX makes its own
    if kind == "gexf":
        graph = nx.read_gexf(path)
        _check_number(graph, num_edges)
        for _, attributes in graph.nodes(data=True):
            if attributes.get("label", "") is None:  # a vertex without a label, which would be called None when written
                del attributes["label"]
        if graph.graph.get("mode") != "dynamic":  # values of a dynamic attribute have times
            _put_in(graph, graph.graph.get("node_default", {}), graph.graph.get("edge_default", {}))
        return graph
    graph = nx.read_graphml(path)
    _check_number(graph, num_edges)
    _put_in(
        graph,
        {**for_all, **graph.graph.get("node_default", {})},
        {**for_all, **graph.graph.get("edge_default", {})},
    )
    return graph


def _defaults_for_all(root: Any) -> dict[str, Any]:
    """The defaults of keys for vertices and edges alike, which NetworkX forgets."""
    import networkx as nx

    if not any(key.get("for", "all") == "all" for key in _all(root, "key")):
        return {}
    keys, defaults = nx.GraphMLReader().find_graphml_keys(root)
    return {keys[key]["name"]: value for key, value in defaults.items() if keys[key]["for"] in (None, "all")}


def _check(root: Any) -> None:
    # A group of yEd is a part of the graph around it.
    outside = (element for element in root.iter() if element.get("yfiles.foldertype") != "group")
    num_graphs = sum(_name(child) == "graph" for element in outside for child in element)
    if num_graphs > 1:
        raise ValueError(
            f"it has {num_graphs} graphs, nested ones included, and one is read; put each into a file of its own"
        )
    vertices: set[str | None] = set()
    for node in _all(root, "node"):
        if node.get("id") in vertices:
            raise ValueError(f"two vertices have the id {node.get('id')!r:.60}; make the ids different")
        vertices.add(node.get("id"))
    for number, edge in enumerate(_all(root, "edge"), 1):
        for end in ("source", "target"):
            if edge.get(end) not in vertices:
                raise ValueError(
                    f"the {end} of edge {number} is {edge.get(end)!r:.60}, which is not among the vertices; "
                    "list it there"
                )


def _check_number(graph: Any, num_edges: int) -> None:
    if graph.number_of_edges() < num_edges:
        raise ValueError(
            f"it has {num_edges} edges, and {graph.number_of_edges()} are left, as some join the same vertices under "
            "the same id; make the ids of edges different"
        )


def _all(root: Any, name: str) -> Iterator[Any]:
    return (element for element in root.iter() if _name(element) == name)


def _name(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _put_in(graph: Any, of_vertices: dict[str, Any], of_edges: dict[str, Any]) -> None:
    """Give vertices and edges the defaults of attributes that they leave out."""
    for _, attributes in graph.nodes(data=True):
        attributes.update({name: value for name, value in of_vertices.items() if name not in attributes})
    for *_, attributes in graph.edges(data=True):
        attributes.update({name: value for name, value in of_edges.items() if name not in attributes})
