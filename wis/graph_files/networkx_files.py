"""Formats that NetworkX reads and writes: GraphML, GML, GEXF, Pajek, adjacency lists and node-link JSON."""

from __future__ import annotations

import html
import json
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from wis.extras import needed_for
from wis.files import replace_file
from wis.graph_files import pajek, xml_graphs
from wis.notices import tell

_LINK_KEYS = ("links", "edges")
_OWN_KEYS = ("nodes", "directed", "multigraph", "graph")

# Of GML: a text, or a comment, or the digits of a number that has an exponent and no point.
_GML_PARTS = re.compile(r'("[^"]*")|(#.*)|(?<![\w.+-])([+-]?\d+)(?=[eE][+-]?\d+(?![\w.]))')

# GML of NetworkX has numbers from here on as texts.
_LARGE = 1 << 31


def read(path: Path, kind: str) -> Any:
    """Read a NetworkX graph from a file of one of these formats; vertices and edges have their attributes.

    Raises
    ------
    ValueError
        If it is not of this format; the message names the file and the cause.
    """
    with needed_for(f"reading {path}"):
        import networkx  # noqa: F401

    try:
        return _READERS[kind](path)
    except OSError as error:
        if error.errno is not None:
            raise
        raise _unreadable(path, kind, error) from error
    except Exception as error:  # its readers raise whatever their parsers do
        raise _unreadable(path, kind, error) from error


def write(graph: Any, path: Path, kind: str) -> None:
    """Write a NetworkX graph, whole or not at all.

    Raises
    ------
    TypeError
        If it is no NetworkX graph.
    ValueError
        If the format cannot hold an attribute.
    """
    with needed_for(f"writing {path}"):
        import networkx as nx

    if not isinstance(graph, nx.Graph):
        raise TypeError(f"graph must be a NetworkX graph to be written as {kind}, got {type(graph).__name__}")
    with replace_file(path) as temporary, warnings.catch_warnings(record=True) as lost:
        warnings.simplefilter("always")
        try:
            _WRITERS[kind](graph, temporary)
        except (nx.NetworkXException, TypeError, ValueError, KeyError) as error:
            raise ValueError(f"{path}: {kind} cannot hold this graph: {error}") from error
    if lost:
        tell(f"{path}: {kind} does not hold all attributes of this graph: {lost[0].message}")


def _unreadable(path: Path, kind: str, error: Exception) -> ValueError:
    return ValueError(f"{path} is no readable {kind} file: {str(error) or type(error).__name__}")


def _read_graphml(path: Path) -> Any:
    return xml_graphs.read(path, "graphml")


def _read_gml(path: Path) -> Any:
    import networkx as nx

    lines = _gml_text(path).split("\n")
    try:
        return nx.parse_gml(lines)
    except nx.NetworkXError:
        graph = nx.parse_gml(lines, label="id")  # vertices without labels, or with the same
    setattr(graph, "called_by_id", True)  # noqa: B010  for the writer; an attribute of the object survives in the sparse graph
    return graph


def _gml_text(path: Path) -> str:
    """The text of a GML file as NetworkX has to have it.

    It reads ``1e-05``, which igraph writes, as the number 1 and an attribute ``e`` that is -5: a point is put in. It
    takes a quote in a comment for the beginning of a text, and not every text of several lines for one: comments are
    left out, and lines joined by a blank, as it does.
    """
    try:
        text = path.read_text(encoding="ascii")
    except UnicodeDecodeError as error:
        raise ValueError("it is not ASCII; write other letters as &#233; and the like") from error
    return _GML_PARTS.sub(_gml_part, text)


def _gml_part(part: re.Match[str]) -> str:
    quoted, _, digits = part.groups()
    return re.sub(r"\s*\n\s*", " ", quoted) if quoted else f"{digits}.0" if digits else ""


def _read_gexf(path: Path) -> Any:
    return xml_graphs.read(path, "gexf")


def _read_pajek(path: Path) -> Any:
    graph = pajek.read(path)
    if not graph:
        raise ValueError("it has no vertices")
    return graph


def _read_adjacency(path: Path) -> Any:
    import networkx as nx

    return nx.read_adjlist(path)


def _read_json(path: Path) -> Any:
    import networkx as nx

    try:
        stored = json.loads(path.read_bytes())
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    key = next((key for key in _LINK_KEYS if isinstance(stored, dict) and key in stored), None)
    if key is None or "nodes" not in stored:
        raise ValueError(f"expected an object with nodes and {' or '.join(_LINK_KEYS)}, as of networkx.node_link_data")
    if all(stored.get(key) for key in _LINK_KEYS):
        raise ValueError(f"it has both {' and '.join(_LINK_KEYS)}, and one is read; leave the other out")
    key = next((key for key in _LINK_KEYS if stored.get(key)), key)
    graph = nx.node_link_graph(stored, edges=key)
    _check_links(graph, stored["nodes"], stored[key])
    # For the writer; attributes of the object survive in the sparse graph.
    setattr(graph, "link_key", key)  # noqa: B010
    setattr(graph, "other_keys", {name: stored[name] for name in stored if name not in (*_LINK_KEYS, *_OWN_KEYS)})  # noqa: B010
    return graph


def _check_links(graph: Any, nodes: list[Any], links: list[Any]) -> None:
    """Raise ``ValueError`` if vertices or edges came together, or a link made a vertex."""
    ids = [_as_vertex(node.get("id", position)) for position, node in enumerate(nodes)]
    listed = set(ids)
    if len(listed) < len(ids):
        twice = Counter(ids).most_common(1)[0][0]
        raise ValueError(f"two nodes have the id {twice!r:.60}; make the ids different")
    ends = [_as_vertex(link[end]) for link in links for end in ("source", "target")]
    missing = next((number for number, end in enumerate(ends) if end not in listed), None)
    if missing is not None:
        are_positions = all(type(end) is int and 0 <= end < len(ids) for end in ends)
        hint = "the links look like positions in nodes: write the ids there, or " if are_positions else "add it, or "
        raise ValueError(
            f"link {missing // 2} (counted from 0) names the node {ends[missing]!r:.60}, which is not listed in nodes; "
            f"{hint}{'leave the ids out' if are_positions else 'drop the link'}"
        )
    if graph.number_of_edges() < len(links):
        raise ValueError(
            f"it has {len(links)} links, and {graph.number_of_edges()} are left, as some join the same nodes"
            + (' under the same "key"' if graph.is_multigraph() else ' and it says "multigraph": false; set it to true')
        )


def _as_vertex(value: Any) -> Any:
    """A list as the tuple that NetworkX makes of it."""
    return tuple(_as_vertex(part) for part in value) if isinstance(value, list) else value


def _write_graphml(graph: Any, path: Path) -> None:
    import networkx as nx

    # Ids of edges are attributes in a graph of NetworkX.
    ids = [attributes.get("id") for *_, attributes in graph.edges(data=True)]
    are_ids = None not in ids and len(set(ids)) == len(ids) and not graph.is_multigraph()
    nx.write_graphml(graph, path, edge_id_from_attribute="id" if ids and are_ids else None)


def _write_gml(graph: Any, path: Path) -> None:
    import networkx as nx

    lines: Iterable[str] = nx.generate_gml(_with_plain_numbers(graph), stringizer=str)
    if getattr(graph, "called_by_id", False):
        lines = _with_own_ids(lines, graph)
    path.write_bytes("".join(f"{line}\n" for line in lines).encode("ascii"))


class _Large(float):
    """An integer of any size as a float that shows its digits: NetworkX writes it into GML as a number, not a text."""

    _digits: str

    def __new__(cls, value: int) -> _Large:
        made = super().__new__(cls)
        made._digits = str(value)
        return made

    def __repr__(self) -> str:
        return self._digits

    __eq__ = object.__eq__
    __hash__ = object.__hash__  # of keys of parallel edges no two are the same


def _with_plain_numbers(graph: Any) -> Any:
    """The graph; if it has large integers or numbers of NumPy, a copy that has numbers in their place."""
    import networkx as nx

    edges = list(graph.edges(keys=True)) if graph.is_multigraph() else list(graph.edges())
    vertices = list(graph.nodes(data=True))
    records = [graph.graph, *(attributes for _, attributes in vertices)]
    records += [part for edge in edges for part in (graph.get_edge_data(*edge), *edge[2:])]
    if all(_plain(record) is record for record in records):
        return graph
    kinds = {(False, False): nx.Graph, (True, False): nx.DiGraph, (False, True): nx.MultiGraph}
    copy: Any = kinds.get((graph.is_directed(), graph.is_multigraph()), nx.MultiDiGraph)()
    copy.graph.update(_plain(graph.graph))
    copy.add_nodes_from((vertex, _plain(attributes)) for vertex, attributes in vertices)
    for edge in edges:
        own = (*edge[:2], *map(_plain, edge[2:]))
        copy.add_edge(*own)
        copy.get_edge_data(*own).update(_plain(graph.get_edge_data(*edge)))
    return copy


def _plain(value: Any) -> Any:
    """A value with the numbers in it that GML of NetworkX holds as such; the value itself where it has them already."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int) and not -_LARGE <= value < _LARGE:
        return _Large(value)
    if isinstance(value, dict):
        items = {key: _plain(item) for key, item in value.items()}
        return items if any(items[key] is not item for key, item in value.items()) else value
    if isinstance(value, list | tuple):
        parts = [_plain(part) for part in value] if isinstance(value, list) else tuple(map(_plain, value))
        return parts if any(new is not old for new, old in zip(parts, value, strict=True)) else value
    return value


def _with_own_ids(lines: Iterable[str], graph: Any) -> Iterator[str]:
    """The lines of a GML file with the ids and labels that it was read with, for those that NetworkX gives."""
    vertices = list(graph)
    block, vertex = "", None
    for line in lines:
        word, _, value = line.strip().partition(" ")
        if line.startswith("  ") and line[2:] in ("node [", "edge ["):
            block = word
        elif not line.startswith("    ") or line.startswith("     "):
            pass  # of the graph, or inside a value
        elif (block, word) == ("node", "id"):
            vertex = vertices[int(value)]
            line = f"    id {_gml_value(vertex)}"
        elif (block, word) == ("node", "label"):
            if "label" not in graph.nodes[vertex]:
                continue
            line = f"    label {_gml_value(graph.nodes[vertex]['label'])}"
        elif block == "edge" and word in ("source", "target"):
            line = f"    {word} {_gml_value(vertices[int(value)])}"
        yield line


def _gml_value(value: Any) -> str:
    if isinstance(value, int | float):
        return str(value)
    return '"' + html.escape(str(value)).encode("ascii", "xmlcharrefreplace").decode() + '"'


def _write_gexf(graph: Any, path: Path) -> None:
    import networkx as nx

    nx.write_gexf(graph, path)


def _write_pajek(graph: Any, path: Path) -> None:
    import networkx as nx

    nx.write_pajek(graph, path)


def _write_adjacency(graph: Any, path: Path) -> None:
    import networkx as nx

    for tail, head, attributes in graph.edges(data=True):
        if "weight" in attributes:
            raise ValueError(f"an adjacency list has no weights, as that of the edge from {tail!r} to {head!r}")
    records = (record for *_, record in (*graph.nodes(data=True), *graph.edges(data=True)))
    if lost := next(filter(None, records), None):
        warnings.warn(f"an adjacency list has none, as {lost}", stacklevel=1)
    nx.write_adjlist(graph, path)


def _write_json(graph: Any, path: Path) -> None:
    import networkx as nx

    stored = nx.node_link_data(graph, edges=getattr(graph, "link_key", _LINK_KEYS[0]))
    stored.update(getattr(graph, "other_keys", {}))
    path.write_text(json.dumps(stored) + "\n")


_READERS: dict[str, Callable[[Path], Any]] = {
    "graphml": _read_graphml,
    "gml": _read_gml,
    "gexf": _read_gexf,
    "pajek": _read_pajek,
    "adjlist": _read_adjacency,
    "json": _read_json,
}
_WRITERS: dict[str, Callable[[Any, Path], None]] = {
    "graphml": _write_graphml,
    "gml": _write_gml,
    "gexf": _write_gexf,
    "pajek": _write_pajek,
    "adjlist": _write_adjacency,
    "json": _write_json,
}
