"""Formats that NetworkX reads and writes: GraphML, GML, GEXF, Pajek, adjacency lists and node-link JSON."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wis.extras import needed_for
from wis.files import replace_file
from wis.notices import tell

_LINK_KEYS = ("links", "edges")


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
    import networkx as nx

    return nx.read_graphml(path)


def _read_gml(path: Path) -> Any:
    import networkx as nx

    try:
        return nx.read_gml(path)
    except nx.NetworkXError:
        return nx.read_gml(path, label="id")  # vertices without labels


def _read_gexf(path: Path) -> Any:
    import networkx as nx

    return nx.read_gexf(path)


def _read_pajek(path: Path) -> Any:
    import networkx as nx

    graph = nx.read_pajek(path)
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
    graph = nx.node_link_graph(stored, edges=key)
    setattr(graph, "link_key", key)  # noqa: B010  for the writer; an attribute of the object survives in the sparse graph
    return graph


def _write_graphml(graph: Any, path: Path) -> None:
    import networkx as nx

    nx.write_graphml(graph, path)


def _write_gml(graph: Any, path: Path) -> None:
    import networkx as nx

    nx.write_gml(graph, path, stringizer=str)


def _write_gexf(graph: Any, path: Path) -> None:
    import networkx as nx

    nx.write_gexf(graph, path)


def _write_pajek(graph: Any, path: Path) -> None:
    import networkx as nx

    nx.write_pajek(graph, path)


def _write_adjacency(graph: Any, path: Path) -> None:
    import networkx as nx

    nx.write_adjlist(graph, path)


def _write_json(graph: Any, path: Path) -> None:
    import networkx as nx

    stored = nx.node_link_data(graph, edges=getattr(graph, "link_key", _LINK_KEYS[0]))
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
