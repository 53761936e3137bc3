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

Tables are undirected unless asked otherwise: a pair may stand there in either direction or in both. They are read and
written in blocks, so that the memory taken is that of the pairs and not that of the file. Nothing is unpickled.
"""

from __future__ import annotations

import contextlib
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from experiments import edge_tables
from wis.files import check_place, replace_file
from wis.graphs import EdgeList, LoadedGraph, check_count, load_graph


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
    if kind in (".csv", ".tsv"):
        return edge_tables.TextTable(path, num_nodes)
    if kind == ".parquet":
        return edge_tables.ParquetTable(path, num_nodes)
    if kind == ".npy":
        return _NumpyFile(path, num_nodes)
    return _NpzFile(path, num_nodes) if kind == ".npz" else _TorchFile(path, num_nodes)


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


class _NumpyFile:
    """An ``edge_index`` in a ``.npy`` file."""

    data = None

    def __init__(self, path: Path, num_nodes: int | None) -> None:
        self.path = path
        with _naming(path):
            self._array = np.load(path, allow_pickle=False)
        if self._array.ndim != 2 or 2 not in self._array.shape:
            raise ValueError(f"{path} must hold an array of shape [2, E] or [E, 2], got {list(self._array.shape)}")
        self._in_rows = self._array.shape[0] != 2
        self._columns = self._array.T if self._in_rows else self._array
        self._num_nodes = num_nodes
        self._loaded: LoadedGraph | None = None

    def edges(self, directed: bool = False) -> EdgeList:
        with _naming(self.path):
            self._loaded = load_graph(self._columns, self._num_nodes, directed)
        return self._loaded.edges

    def write(self, out: str | os.PathLike[str], kept: np.ndarray, weights: np.ndarray | None = None) -> None:
        assert self._loaded is not None
        if weights is not None:
            raise TypeError(f"{self.path}: this method returns edge weights, which an .npy file cannot carry; use .npz")
        columns = self._loaded.keep_pairs(kept)
        with replace_file(out) as temporary:
            np.save(temporary, columns.T if self._in_rows else columns, allow_pickle=False)


class _NpzFile:
    """A SciPy sparse matrix, or an ``edge_index`` with other arrays, in an ``.npz`` file."""

    data = None

    def __init__(self, path: Path, num_nodes: int | None) -> None:
        self.path = path
        with _naming(path), np.load(path, allow_pickle=False) as stored:
            names = set(stored.files)
            self._is_matrix = "edge_index" not in names
            if self._is_matrix and not {"format", "shape", "data"} <= names:
                raise ValueError(f"it must hold a SciPy sparse matrix or an array edge_index, got {sorted(names)}")
            self._arrays = {} if self._is_matrix else {name: stored[name] for name in stored.files}
            if num_nodes is None and "num_nodes" in self._arrays:
                num_nodes = check_count("num_nodes", self._arrays["num_nodes"].reshape(-1).tolist()[0])
        self._num_nodes = num_nodes
        self._loaded: LoadedGraph | None = None

    def edges(self, directed: bool = False) -> EdgeList:
        with _naming(self.path):
            if self._is_matrix:
                import scipy.sparse

                matrix = scipy.sparse.load_npz(self.path)
                self._loaded = load_graph(matrix, self._num_nodes, directed or None)
            else:
                self._loaded = load_graph(self._arrays["edge_index"], self._num_nodes, directed)
                self._check_attributes()
        return self._loaded.edges

    def _check_attributes(self) -> None:
        num_columns = self._arrays["edge_index"].shape[1]
        for name in ("edge_weight", "edge_attr"):
            shape = self._arrays.get(name, self._arrays["edge_index"][0]).shape
            if shape[:1] != (num_columns,):
                raise ValueError(
                    f"{name} must have one entry for each of the {num_columns} edges, got shape {list(shape)}"
                )
        weight = self._arrays.get("edge_weight")
        if weight is not None and weight.dtype.kind == "f" and np.isnan(weight).any():
            raise ValueError(f"edge_weight is NaN at position {int(np.isnan(weight).argmax())}")

    def write(self, out: str | os.PathLike[str], kept: np.ndarray, weights: np.ndarray | None = None) -> None:
        assert self._loaded is not None
        if self._is_matrix:
            import scipy.sparse

            matrix = self._loaded.keep_pairs(kept, weights)
            with replace_file(out) as temporary:
                scipy.sparse.save_npz(temporary, matrix)
            return
        pair = self._loaded.edges.pair_of_columns(self._loaded.columns)
        stays = np.append(kept, True)[pair]
        arrays = _follow(self._arrays, stays)
        if weights is not None:
            factors = np.append(weights, 1.0)[pair][stays]
            arrays["edge_weight"] = arrays.get("edge_weight", 1.0) * factors
        with replace_file(out) as temporary:
            np.savez_compressed(temporary, **arrays)  # type: ignore[arg-type]


def _follow(arrays: Mapping[str, np.ndarray], stays: np.ndarray) -> dict[str, np.ndarray]:
    """Restrict ``edge_index``, and the ``edge_`` arrays with one entry an edge, to the columns that stay."""
    kept = dict(arrays)
    for name, array in arrays.items():
        if name == "edge_index":
            kept[name] = array[:, stays]
        elif name.startswith("edge_") and array.ndim and len(array) == len(stays):
            kept[name] = array[stays]
    return kept


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


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put the file's name before the message of an error about its content."""
    try:
        yield
    except (ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        message = str(error).replace("Pass directed=True", "Give --directed").partition(", or directed=False")[0]
        if "pickle" in message:  # NumPy takes whatever it does not know for a pickle, and offers to load it
            message = "it is not a NumPy file, or holds Python objects, which are never loaded"
        raise ValueError(f"{path}: {message}") from error
