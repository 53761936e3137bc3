"""Graphs in files: read the pairs, write the file again with the rows that stay.

============================  ==========================================================================================
``.csv .tsv`` (also ``.gz``)  one edge a row, the endpoints in the first two columns; a header and lines starting with
                              ``#`` before it are kept, all other columns follow their row
``.parquet``                  the same, as a table
``.npy``                      integers ``[2, E]`` or ``[E, 2]``
``.npz``                      a SciPy sparse matrix (``scipy.sparse.save_npz``), or an array ``edge_index`` ``[2, E]``
                              with any ``edge_…`` arrays whose first dimension is ``E``
``.pt``                       a PyG ``Data`` or an ``edge_index`` tensor, loaded with ``weights_only=True``
============================  ==========================================================================================

Edge lists are undirected unless asked otherwise: a pair may stand there in either direction or in both. They are read
and written in blocks, so that the memory taken is that of the pairs and not that of the file; only matrices and ``.pt``
files are in memory as a whole. Vertices are numbered from 0; the numbers may have gaps (see :func:`close_gaps`), up to
3,037,000,498. Nothing is unpickled.
"""

from __future__ import annotations

import contextlib
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from wis.files import check_place, replace_file
from wis.graph_files import array_tables, parquet_tables, text_tables
from wis.graphs.edge_list import EdgeList, LoadedGraph
from wis.graphs.load import load_graph

# Numbers of vertices that are no burden, whether they have edges or not.
_FEW_NODES = 1 << 16


class GraphFile(Protocol):
    """A graph file that was opened: see :func:`open_graph`."""

    path: Path
    data: Any

    def edges(self, directed: bool = False) -> EdgeList:
        """Read the candidate pairs."""

    def write(self, out: str | os.PathLike[str], kept: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Write the graph with the pairs of the bool mask ``kept`` ``[m]``, weights times ``weights`` ``[m]``."""


def open_graph(path: str | os.PathLike[str], num_nodes: int | None = None) -> GraphFile:
    """Open a graph file; its suffix says what it is.

    Parameters
    ----------
    path
        The file.
    num_nodes
        Number of vertices, where some have no edge and the file cannot say so. Default: the largest index plus one.

    Returns
    -------
    GraphFile
        With ``.data`` (the PyG graph if it is one, else None), ``.edges(directed)`` and ``.write(out, kept, weights)``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the suffix is unknown, or the content is not a graph; the message says where and what is allowed.
    """
    path = Path(path)
    kind = _kind(path, "GRAPH")
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    return _OPENERS[kind](path, num_nodes)


def check_output(graph: GraphFile, out: str | os.PathLike[str]) -> None:
    """Check before the work begins that ``out`` can be written in the format of ``graph``.

    Raises
    ------
    ValueError
        If the suffix is that of another format.
    FileNotFoundError, IsADirectoryError, PermissionError
        If the folder does not exist or cannot be written, or ``out`` is one.
    """
    out = Path(out)
    check_place(out)
    expected = _kind(graph.path, "GRAPH")
    if _kind(out, "--out") != expected:
        raise ValueError(f"--out must end in {expected} like {graph.path}, got {out}; formats are not converted")


def close_gaps(edges: EdgeList) -> EdgeList:
    """Number the vertices that have an edge one after another, where most others have none.

    Methods keep arrays over all vertices from 0 to the largest one, which may be 10^9 in a file with ten rows. What
    they return are positions of pairs, and these are the same: the new numbers are in the order of the old ones.

    Returns
    -------
    EdgeList
        ``edges`` itself where there are at most four vertices a pair, or few. O(m log m) time.
    """
    if edges.num_nodes <= max(4 * edges.num_pairs, _FEW_NODES):
        return edges
    vertices = np.unique(edges.pairs)
    return EdgeList(len(vertices), np.searchsorted(vertices, edges.pairs), edges.directed)


def _kind(path: Path, argument: str) -> str:
    """The suffix that decides, without ``.gz``."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = suffixes[-1:] == [".gz"]
    kind = "".join(suffixes[-2:-1] if packed else suffixes[-1:])
    allowed = (".csv", ".tsv") if packed else (".csv", ".tsv", ".parquet", ".npy", ".npz", ".pt")
    if kind not in allowed:
        raise ValueError(
            f"{argument} {path}: the suffix must be .csv, .tsv (or these with .gz), .parquet, .npy, .npz or .pt"
        )
    return kind


def _open_npz(path: Path, num_nodes: int | None) -> GraphFile:
    names = set(array_tables.stored_names(path))
    if "edge_index" in names:
        return array_tables.NpzTable(path, num_nodes)
    if {"format", "shape", "data"} <= names:
        return _MatrixFile(path, num_nodes)
    raise ValueError(f"{path}: it must hold a SciPy sparse matrix or an array edge_index, got {sorted(names)}")


class _MatrixFile:
    """A SciPy sparse matrix in an ``.npz`` file."""

    data = None

    def __init__(self, path: Path, num_nodes: int | None) -> None:
        self.path = path
        self._num_nodes = num_nodes
        self._loaded: LoadedGraph | None = None

    def edges(self, directed: bool = False) -> EdgeList:
        import scipy.sparse

        with _naming(self.path):
            self._loaded = load_graph(scipy.sparse.load_npz(self.path), self._num_nodes, directed or None)
        return self._loaded.edges

    def write(self, out: str | os.PathLike[str], kept: np.ndarray, weights: np.ndarray | None = None) -> None:
        import scipy.sparse

        assert self._loaded is not None
        matrix = self._loaded.keep_pairs(kept, weights)
        with replace_file(out) as temporary:
            scipy.sparse.save_npz(temporary, matrix)


class _TorchFile:
    """A PyG ``Data`` or an ``edge_index`` tensor in a ``.pt`` file."""

    def __init__(self, path: Path, num_nodes: int | None) -> None:
        from torch_geometric.data import Data

        self.path = path
        self._graph = _load_torch_file(path)
        self.data = self._graph if isinstance(self._graph, Data) else None
        self._num_nodes = num_nodes
        self._loaded: LoadedGraph | None = None

    def edges(self, directed: bool = False) -> EdgeList:
        with _naming(self.path):
            self._loaded = load_graph(self._graph, self._num_nodes, directed or None)
        return self._loaded.edges

    def write(self, out: str | os.PathLike[str], kept: np.ndarray, weights: np.ndarray | None = None) -> None:
        import torch

        assert self._loaded is not None
        with _naming(self.path):
            sparse = self._loaded.keep_pairs(kept, weights)
        with replace_file(out) as temporary:
            torch.save(sparse, temporary)


def _load_torch_file(path: Path) -> Any:
    """Load with ``weights_only=True``; only tensors, plain values and PyG's own classes for a graph are let in."""
    import pickle

    import torch
    from torch_geometric.data import Data
    from torch_geometric.data.data import DataEdgeAttr, DataTensorAttr
    from torch_geometric.data.storage import EdgeStorage, GlobalStorage, NodeStorage

    allowed = [Data, DataEdgeAttr, DataTensorAttr, EdgeStorage, GlobalStorage, NodeStorage]
    try:
        with torch.serialization.safe_globals(allowed):
            graph = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError) as error:
        named = re.search(r"Unsupported global: GLOBAL (\S+)", str(error))
        reason = f"it would load {named[1]}" if named else "it is damaged or of another kind"
        raise ValueError(
            f"{path} cannot be loaded safely; it must be a PyG Data or an edge_index tensor, saved by torch.save: "
            f"{reason}"
        ) from error
    if not isinstance(graph, (Data, torch.Tensor)):
        raise ValueError(f"{path} must hold a PyG Data or an edge_index tensor, got {type(graph).__name__}")
    return graph


_OPENERS: dict[str, Callable[[Path, int | None], GraphFile]] = {
    ".csv": text_tables.TextTable,
    ".tsv": text_tables.TextTable,
    ".parquet": parquet_tables.ParquetTable,
    ".npy": array_tables.NpyTable,
    ".npz": _open_npz,
    ".pt": _TorchFile,
}


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put the file's name before the message of an error about its content."""
    try:
        yield
    except (ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        message = str(error).replace("Pass directed=True", "Give --directed").partition(", or directed=False")[0]
        raise ValueError(f"{path}: {message}") from error
