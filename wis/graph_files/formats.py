"""Graphs in files: read one, and write the sparse graph in the same format.

============================  =================================  =====================================================
suffix                        what the file holds                what :func:`read_graph` returns
============================  =================================  =====================================================
``.csv .tsv`` (also ``.gz``)  one edge a row, the endpoints in   :class:`~wis.graph_files.edge_tables.EdgeTable`; the
                              the first two columns              header, lines with ``#`` before it and all other
                                                                 columns follow
``.parquet``                  the same, as a table               ``EdgeTable``
``.npy``                      integers ``[2, E]`` or ``[E, 2]``  ``EdgeTable``
``.npz``                      an array ``edge_index`` ``[2, E]`` ``EdgeTable``; ``edge_…`` arrays of length ``E``
                              and others                         follow
``.npz``                      a matrix by                        SciPy sparse matrix or array
                              ``scipy.sparse.save_npz``
``.pt``                       a PyG ``Data`` or an               ``Data`` or tensor; loaded with ``weights_only=True``
                              ``edge_index`` tensor
============================  =================================  =====================================================

An edge table is read and written in blocks, so that the memory taken is that of the pairs and not that of the file;
matrices and ``.pt`` files are in memory as a whole. Vertices are numbered from 0; the numbers in a table may have gaps,
up to 3,037,000,498. Nothing is unpickled.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wis.graph_files import array_tables, matrices, parquet_tables, text_tables, torch_files
from wis.graph_files.edge_tables import EdgeTable


def read_graph(path: str | os.PathLike[str]) -> Any:
    """Read a graph from a file; its suffix says what it is.

    Parameters
    ----------
    path
        A ``.csv``, ``.tsv`` (or these with ``.gz``), ``.parquet``, ``.npy``, ``.npz`` or ``.pt`` file.

    Returns
    -------
    EdgeTable, SciPy sparse matrix or array, PyG Data, or torch.Tensor
        What the file holds, for :func:`wis.sparsify`, :func:`wis.removal_order` and :func:`write_graph`. A table with
        one edge a row is an :class:`~wis.graph_files.edge_tables.EdgeTable`, whose columns are in ``.edge_index``; its
        rows are read when they are needed, and stay in the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the suffix is unknown, or the content is not a graph; the message says where and what is allowed.
    ImportError
        If a library that the format needs is not installed; the message names the command that brings it.
    """
    path = Path(path)
    kind = format_of(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    return _READERS[kind](path)


def write_graph(graph: Any, path: str | os.PathLike[str]) -> None:
    """Write a graph, whole or not at all; formats are not converted.

    Parameters
    ----------
    graph
        An edge table from :func:`read_graph`, or what :func:`wis.sparsify` made of one: its rows are copied as they
        are. A SciPy sparse matrix (``.npz``), a NumPy ``edge_index`` ``[2, E]`` (``.npy``), a PyG ``Data`` or an
        ``edge_index`` tensor (``.pt``).
    path
        The file to write. For an edge table it may be the file that the table was read from.

    Raises
    ------
    TypeError
        If a file with this suffix cannot hold such a graph.
    ValueError
        If the suffix is unknown or that of another format, or the file of an edge table was changed meanwhile.
    FileNotFoundError, IsADirectoryError, PermissionError
        If the folder does not exist or cannot be written, or ``path`` is one.
    """
    path = Path(path)
    kind = format_of(path)
    if isinstance(graph, EdgeTable):
        expected = format_of(graph.path)
        if kind != expected:
            raise ValueError(f"path must end in {expected} like {graph.path}, got {path}; formats are not converted")
        graph.write(path)
    elif kind in _WRITERS:
        _WRITERS[kind](graph, path)
    else:
        raise TypeError(
            f"graph must be an edge table from wis.read_graph to be written as {kind}, got {type(graph).__name__}"
        )


def format_of(path: Path, argument: str = "path") -> str:
    """The suffix that says the format, in lower case and without ``.gz``.

    Raises
    ------
    ValueError
        If no format has this suffix; the message calls the path by ``argument``.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = suffixes[-1:] == [".gz"]
    kind = "".join(suffixes[-2:-1] if packed else suffixes[-1:])
    if kind not in ((".csv", ".tsv") if packed else _READERS):
        raise ValueError(
            f"{argument} {path}: the suffix must be .csv, .tsv (or these with .gz), .parquet, .npy, .npz or .pt"
        )
    return kind


def _read_npz(path: Path) -> Any:
    names = set(array_tables.stored_names(path))
    if "edge_index" in names:
        return array_tables.NpzTable(path)
    if {"format", "shape", "data"} <= names:
        return matrices.read(path)
    raise ValueError(f"{path}: it must hold a SciPy sparse matrix or an array edge_index, got {sorted(names)}")


_READERS: dict[str, Callable[[Path], Any]] = {
    ".csv": text_tables.TextTable,
    ".tsv": text_tables.TextTable,
    ".parquet": parquet_tables.ParquetTable,
    ".npy": array_tables.NpyTable,
    ".npz": _read_npz,
    ".pt": torch_files.read,
}
_WRITERS: dict[str, Callable[[Any, Path], None]] = {
    ".npy": array_tables.write_npy,
    ".npz": matrices.write,
    ".pt": torch_files.write,
}
