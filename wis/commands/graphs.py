"""From the arguments of a command to the graph that a method ranks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wis.commands.messages import as_options
from wis.graph_files.columns import TableOptions
from wis.graphs.parts import LoadedParts

if TYPE_CHECKING:
    from wis.graphs.edge_list import LoadedGraph
    from wis.order import RemovalOrder
    from wis.registry import Method


def check_output(graph: Path, out: Path, format: str | None) -> None:
    """Check before the work begins that ``out`` can be written in the format of ``graph``."""
    from wis.files import check_place
    from wis.graph_files.open_graph import check_same_format, format_of

    check_place(out)
    if out.exists() and graph.exists() and out.samefile(graph):
        raise ValueError(f"--out is {graph} itself, whose edges would be lost; give another file")
    try:
        format_of(graph, format, "GRAPH")
        check_same_format(graph, out, format, "--out")
    except ValueError as error:
        raise ValueError(as_options(str(error))) from error


def load(
    graph: Path,
    format: str | None,
    columns: TableOptions,
    edge_attrs: str | None,
    num_nodes: int | None,
    directed: bool | None,
    homogeneous: bool,
    method: Method | RemovalOrder,
    options: Mapping[str, Any],
) -> LoadedGraph | LoadedParts:
    """Read the file, as a removal order was read or with what a method with these options learns from."""
    from wis.graph_files.open_graph import format_of, read_graph
    from wis.graphs.load import load_any
    from wis.order import RemovalOrder

    names = _names_in(edge_attrs)
    of_pyg = names if format_of(graph, format) == "pt" else None
    given = read_graph(graph, format=format, edge_attrs=None if of_pyg is names else names, **vars(columns))
    if isinstance(method, RemovalOrder):
        return method.read(given, edge_attrs=of_pyg)
    loaded = load_any(given, num_nodes, directed, edge_attrs=of_pyg, homogeneous=homogeneous)
    learner = method.learner(options)
    if learner and not isinstance(loaded, LoadedParts) and loaded.data is None:
        raise ValueError(
            f"method {learner!r} learns from features, labels and masks, which {graph} does not have; "
            "give a PyG Data in a .pt file"
        )
    return loaded


def open_table(
    graph: Path,
    format: str | None,
    columns: TableOptions,
    edge_attrs: str | None,
    method: Method,
    options: Mapping[str, Any],
    directed: bool | None,
    homogeneous: bool,
    device: str,
    max_memory: str,
) -> tuple[Any, int]:
    """The table to be ranked with its edges on disk, and the bytes of memory to stay below."""
    from wis.calls import warn_of_weights
    from wis.checks import check_bytes
    from wis.graph_files.open_graph import read_graph
    from wis.graph_files.streaming import check_streams

    if homogeneous:
        raise ValueError("--homogeneous is for .pt files, and --max-memory for .npy and .parquet; leave one out")
    memory = check_bytes("max_memory", max_memory)
    table = read_graph(graph, format=format, edge_attrs=_names_in(edge_attrs), **vars(columns))
    check_streams(table, method, options, directed=bool(directed), device=device)
    if table.has_different_weights:
        warn_of_weights(method.name)
    return table, memory


def _names_in(edge_attrs: str | None) -> list[str] | None:
    return None if edge_attrs is None else [name for name in edge_attrs.split(",") if name]


def the_only(loaded: LoadedGraph | LoadedParts) -> LoadedGraph:
    """The graph of a file that holds one; ``ValueError`` if it holds several."""
    if isinstance(loaded, LoadedParts):
        hint = "; give --homogeneous for all of them as one graph" if "edge type" in loaded.what else ""
        raise ValueError(f"it holds {loaded.what}, each with a budget of its own, and an order is for one graph{hint}")
    return loaded
