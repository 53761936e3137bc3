"""Graphs in files: read one, and write the sparse graph in the same format; ``docs/files.md`` has the table.

A table with one edge a row is read and written in blocks, so that the memory taken is that of the pairs and not that of
the file; all else is in memory as a whole. Nothing is unpickled.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import fields
from pathlib import Path
from typing import Any

from wis.graph_files import (
    array_tables,
    matrices,
    matrix_market,
    networkx_files,
    parquet_tables,
    text_tables,
    torch_files,
)
from wis.graph_files.columns import TableOptions
from wis.graph_files.edge_tables import EdgeTable

# Formats, and the suffixes that say them.
FORMATS = {
    "csv": (".csv",),
    "tsv": (".tsv",),
    "list": (".txt", ".edges", ".el", ".edgelist"),
    "parquet": (".parquet", ".pq"),
    "npy": (".npy",),
    "npz": (".npz",),
    "mtx": (".mtx",),
    "pt": (".pt",),
    "graphml": (".graphml",),
    "gml": (".gml",),
    "gexf": (".gexf",),
    "pajek": (".net", ".paj"),
    "adjlist": (".adjlist",),
    "json": (".json",),
}
_SEPARATORS = {"csv": b",", "tsv": b"\t", "list": None}
_PACKED = (*_SEPARATORS, "mtx")
_NETWORKX = ("graphml", "gml", "gexf", "pajek", "adjlist", "json")

# How KONECT calls its lists: out.name.
_KONECT_PREFIX = "out."


def read_graph(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    source: str | int | None = None,
    target: str | int | None = None,
    weight: str | int | None = None,
    bipartite: bool | None = None,
    header: bool | None = None,
    names: bool = False,
    edge_attrs: Collection[str] | None = None,
) -> Any:
    """Read a graph from a file; its suffix says what it is.

    Parameters
    ----------
    path
        A file of a format in the table of ``docs/files.md``.
    format
        A name of :data:`FORMATS`, where the suffix does not say it.
    source, target, weight
        Columns of a table: names, or numbers from 0 where there is no header. By default those that are named so, as
        source and target, src and dst, from and to; a warning says which were taken where names leave it open.
    bipartite
        Whether the same vertex in both columns of a table is two vertices. None: as a KONECT list says itself, else no.
    header
        Whether the first row of a text table names the columns. None: look at it.
    names
        Whether vertices of a table are names even where they look like numbers.
    edge_attrs
        Arrays of an ``.npz`` that follow the edges where name and length leave it open, as in :func:`wis.sparsify`; for
        graphs of PyG give it there.

    Returns
    -------
    EdgeTable, MarketMatrix, SciPy sparse matrix or array, graph of PyG or NetworkX, list of graphs, or torch.Tensor
        What the file holds, for :func:`wis.sparsify`, :func:`wis.removal_order` and :func:`write_graph`. A table with
        one edge a row is an :class:`~wis.graph_files.edge_tables.EdgeTable`, whose columns are in ``.edge_index``; its
        rows are read when they are needed, and stay in the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the suffix is unknown, or the content is not a graph, or leaves open what to read; the message says where and
        what is allowed.
    TypeError
        If an argument is not for files of this format.
    ImportError
        If a library that the format needs is not installed; the message names the command that brings it.
    """
    path = Path(path)
    kind = format_of(path, format)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    options = TableOptions(source, target, weight, bipartite, header, names)
    if edge_attrs is not None and kind != "npz":
        raise TypeError(f"{path}: edge_attrs is for .npz files here; of other graphs pass it to wis.sparsify")
    if kind in _SEPARATORS:
        return text_tables.TextTable(path, options, _SEPARATORS[kind])
    if kind == "parquet":
        return parquet_tables.ParquetTable(path, options)
    if kind == "npy":
        return array_tables.NpyTable(path, options)
    if kind == "npz" and _is_edge_index(path):
        return array_tables.NpzTable(path, options, edge_attrs)
    _refuse_options(path, kind, options)
    if kind in _NETWORKX:
        return networkx_files.read(path, kind)
    return {"npz": matrices.read, "mtx": matrix_market.read, "pt": torch_files.read}[kind](path)


def write_graph(graph: Any, path: str | os.PathLike[str], *, format: str | None = None) -> None:
    """Write a graph, whole or not at all; formats are not converted.

    Parameters
    ----------
    graph
        What :func:`read_graph` gave, or :func:`wis.sparsify` made of it: the rows of an edge table are copied as they
        are. Also any SciPy sparse matrix (``.npz``, ``.mtx``), a NumPy ``edge_index`` ``[2, E]`` (``.npy``), a graph of
        PyG or an ``edge_index`` tensor (``.pt``), a NetworkX graph (``.graphml``, ``.gml``, ``.gexf``, ``.net``,
        ``.adjlist``, ``.json``).
    path
        The file to write. For an edge table it may be the file that the table was read from.
    format
        As in :func:`read_graph`.

    Raises
    ------
    TypeError
        If a file of this format cannot hold such a graph.
    ValueError
        If the suffix is unknown or that of another format, or the file of an edge table was changed meanwhile.
    FileNotFoundError, IsADirectoryError, PermissionError
        If the folder does not exist or cannot be written, or ``path`` is one or read-only.
    """
    path = Path(path)
    kind = format_of(path, format)
    if isinstance(graph, EdgeTable):
        check_same_format(graph.path, path, format)
        graph.write(path)
    elif kind in _NETWORKX:
        networkx_files.write(graph, path, kind)
    elif kind in _WRITERS:
        _WRITERS[kind](graph, path)
    else:
        raise TypeError(
            f"graph must be an edge table from wis.read_graph to be written as .{kind}, got {type(graph).__name__}"
        )


def check_same_format(path: Path, out: Path, format: str | None = None, argument: str = "path") -> None:
    """Raise ``ValueError`` if the suffixes of the file read and the file to write say different formats."""
    expected = format_of(path, format)
    if format is None and format_of(out, argument=argument) != expected:
        suffixes = " or ".join(FORMATS[expected])
        raise ValueError(f"{argument} must end in {suffixes} like {path}, got {out}; formats are not converted")


def format_of(path: Path, format: str | None = None, argument: str = "path") -> str:
    """The format of a file, by its suffix without ``.gz`` unless it is given.

    Raises
    ------
    ValueError
        If no format has this suffix or name; the message calls the path by ``argument``.
    """
    if format is not None:
        if format not in FORMATS:
            raise ValueError(f"format must be one of {', '.join(FORMATS)}, got {format!r}")
        return format
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = suffixes[-1:] == [".gz"]
    suffix = "".join(suffixes[-2:-1] if packed else suffixes[-1:])
    kind = next((kind for kind, known in FORMATS.items() if suffix in known), None)
    if kind is None and path.name.lower().startswith(_KONECT_PREFIX):
        return "list"
    if kind is None or (packed and kind not in _PACKED):
        known = ", ".join(suffix for suffixes in FORMATS.values() for suffix in suffixes)
        raise ValueError(
            f"{argument} {path}: the suffix must be one of {known} (text and .mtx also with .gz), or the name begin "
            f"with out.; rename the file, or pass format= one of {', '.join(FORMATS)}"
        )
    return kind


def _is_edge_index(path: Path) -> bool:
    """Whether an ``.npz`` holds an edge list, not a matrix."""
    names = set(array_tables.stored_names(path))
    if "edge_index" in names:
        return True
    if {"format", "shape", "data"} <= names:
        return False
    raise ValueError(f"{path}: it must hold a SciPy sparse matrix or an array edge_index, got {sorted(names)}")


def _refuse_options(path: Path, kind: str, options: TableOptions) -> None:
    for field in fields(options):
        if getattr(options, field.name) != field.default:
            raise TypeError(f"{path}: {field.name} is for tables with one edge a row, not for {kind}; leave it out")


_WRITERS = {
    "npy": array_tables.write_npy,
    "npz": matrices.write,
    "mtx": matrix_market.write,
    "pt": torch_files.write,
}
