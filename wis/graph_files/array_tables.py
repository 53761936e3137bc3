"""Edge lists as NumPy arrays: an ``edge_index`` in an ``.npy``, or in an ``.npz`` with other arrays.

The two rows of an ``edge_index`` lie one after the other in its file, so that blocks of edges are read in two places.
"""

from __future__ import annotations

import abc
import contextlib
import os
import struct
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from wis.checks import check_count
from wis.files import DAMAGED_NPZ, replace_file
from wis.graph_files.columns import TableOptions
from wis.graph_files.edge_tables import Block, EdgeTable, LoadedTable, Rows
from wis.graphs.edge_attributes import check_are_there, check_edge_attrs, fitting_levels, follows_edges
from wis.graphs.edge_list import check_columns, check_weights
from wis.progress import track

_BLOCK_ROWS = 1 << 18

# Names of an array of weights; the first is given to one that was not there.
_WEIGHTS = ("edge_weight", "weight")


class _ArrayTable(EdgeTable):
    """An array of integers, ``[2, E]`` or ``[E, 2]``, that is never in memory as a whole."""

    def __init__(self, path: Path, options: TableOptions) -> None:
        refuse_columns(path, options)
        super().__init__(path, named=options.names, bipartite=bool(options.bipartite))
        with readable(path), self._open() as stream:
            self._shape, by_columns, self._dtype = _read_header(stream)
        if len(self._shape) != 2 or 2 not in self._shape:
            is_square = len(self._shape) == 2 and self._shape[0] == self._shape[1]
            hint = "; save a matrix by scipy.sparse.save_npz, as scipy.sparse.csr_array(matrix)" if is_square else ""
            raise ValueError(f"{path} must hold an array of shape [2, E] or [E, 2], got {list(self._shape)}{hint}")
        if self._dtype.kind not in "iu":
            hint = "; save it .astype('int64')" if self._dtype.kind == "f" else ""
            raise ValueError(f"{path}: the edges must have an integer dtype, got {self._dtype}{hint}")
        self._in_rows = self._shape[0] != 2
        self._num_edges = self._shape[0 if self._in_rows else 1]
        self._ends_apart = self._in_rows == by_columns
        if self._num_bytes() < 2 * self._num_edges * self._dtype.itemsize:
            raise ValueError(f"{path}: it is cut short: it claims {self._num_edges} edges")

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return self._num_edges

    @abc.abstractmethod
    def _open(self) -> contextlib.AbstractContextManager[IO[bytes]]:
        """The stored array, header first."""

    @abc.abstractmethod
    def _num_bytes(self) -> int:
        """How long it is, unpacked."""

    def _blocks(self, what: str, *, weights: bool = False) -> Iterator[Block]:
        values = self._stored_weights() if weights else None
        with (
            readable(self.path),
            self._open() as tails,
            self._open() as heads,
            track(self._num_edges, f"{what} {self.path.name}", enabled=self._is_large) as advance,
        ):
            for stream in (tails, heads):
                _read_header(stream)
            if self._ends_apart:
                heads.seek(self._num_edges * self._dtype.itemsize, os.SEEK_CUR)
            for start in range(0, self._num_edges, _BLOCK_ROWS):
                count = min(_BLOCK_ROWS, self._num_edges - start)
                if self._ends_apart:
                    tail, head = self._read(tails, count), self._read(heads, count)
                else:
                    tail, head = self._read(tails, 2 * count).reshape(-1, 2).T
                yield Block(tail, head, start, None if values is None else values[start : start + count])
                advance(count)

    def _stored_weights(self) -> np.ndarray | None:
        """The weights of all edges, if they are there."""
        return None

    def _read(self, stream: IO[bytes], count: int) -> np.ndarray:
        raw = stream.read(count * self._dtype.itemsize)
        if len(raw) < count * self._dtype.itemsize:
            raise EOFError("it is cut short")
        return np.frombuffer(raw, dtype=self._dtype)

    def _position(self, block: Block, row: int) -> str:
        return f"{self.path}, edge {block.content + row} (counted from 0)"

    def _follow(self, rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The edges that stay ``[kept, 2]``, which these are, bool ``[E]``, and the factors of their weights."""
        ends = np.empty((self._num_edges, 2), dtype=self._dtype)  # memory never touched is never used
        stays = np.empty(self._num_edges, dtype=bool)
        factors = []
        end = 0
        for block in self._blocks("writing"):
            numbered = self._number(block)
            stay, factor = rows.look_up(numbered.tail, numbered.head)
            stays[block.content : block.content + len(stay)] = stay
            start, end = end, end + int(np.count_nonzero(stay))
            ends[start:end, 0] = block.tail[stay]
            ends[start:end, 1] = block.head[stay]
            factors.append(np.empty(0) if factor is None else factor)
        return ends[:end], stays, np.concatenate([*factors, np.empty(0)])


class NpyTable(_ArrayTable):
    """An ``edge_index`` in an ``.npy`` file."""

    def _open(self) -> contextlib.AbstractContextManager[IO[bytes]]:
        return self.path.open("rb")

    def _num_bytes(self) -> int:
        return self.path.stat().st_size

    def _copy(self, out: Path, rows: Rows) -> None:
        if rows.is_weighted:
            raise TypeError(f"{self.path}: this method returns edge weights, which an .npy file cannot carry; use .npz")
        with replace_file(out) as temporary, temporary.open("wb") as file:
            _write_header(file, self._dtype, 0, in_rows=self._in_rows)
            count = 0
            for block in self._blocks("writing"):
                numbered = self._number(block)
                stays, _ = rows.look_up(numbered.tail, numbered.head)
                ends = np.empty((np.count_nonzero(stays), 2), dtype=self._dtype)
                ends[:, 0], ends[:, 1] = block.tail[stays], block.head[stays]
                file.write(ends.data)
                count += len(ends)
            file.seek(0)
            _write_header(file, self._dtype, count, in_rows=self._in_rows)


def write_npy(graph: Any, path: Path) -> None:
    """Write an ``edge_index``, integer ``[2, E]``, whole or not at all."""
    if not isinstance(graph, np.ndarray):
        raise TypeError(f"graph must be a NumPy edge_index to be written as .npy, got {type(graph).__name__}")
    check_columns(graph, None, "graph (an edge_index)")
    with replace_file(path) as temporary, temporary.open("wb") as file:
        np.save(file, graph, allow_pickle=False)


class NpzTable(_ArrayTable):
    """An array ``edge_index`` ``[2, E]`` in an ``.npz`` file; other arrays follow it as in graphs of PyG."""

    def __init__(self, path: Path, options: TableOptions, edge_attrs: Collection[str] | None = None) -> None:
        super().__init__(path, options)
        if self._in_rows:
            raise ValueError(f"{path}: edge_index must have shape [2, E], got {list(self._shape)}")
        self._edge_attrs = check_edge_attrs(edge_attrs)
        with readable(path), np.load(path, allow_pickle=False) as stored:
            check_are_there(self._edge_attrs, stored.files)
            self._weight = next((name for name in _WEIGHTS if name in stored.files), None)
            if "num_nodes" in stored.files:
                self._num_nodes = _count("num_nodes", stored["num_nodes"])
        self.has_weights = self._weight is not None

    def _stored_weights(self) -> np.ndarray | None:
        with readable(self.path), np.load(self.path, allow_pickle=False) as stored:
            weights = stored[self._weight]
        # One number an edge in a column of its own, as graphs of PyG have it.
        return weights.reshape(-1) if weights.ndim == 2 and weights.shape[1] == 1 else weights

    @contextlib.contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        with zipfile.ZipFile(self.path) as archive, archive.open("edge_index.npy") as stream:
            yield stream

    def _num_bytes(self) -> int:
        with zipfile.ZipFile(self.path) as archive:
            return archive.getinfo("edge_index.npy").file_size

    def load_pairs(self, num_nodes: int | None = None, directed: bool | None = None) -> LoadedTable:
        """Read the pairs, after a look at the other arrays."""
        loaded = super().load_pairs(num_nodes, directed)
        with readable(self.path), np.load(self.path, allow_pickle=False) as stored:
            for name in sorted({"edge_weight", "edge_attr", self._weight or ""} & set(stored.files)):
                self._check_length(name, stored[name].shape)
            self._following(stored, loaded.edges.num_nodes)
        return loaded

    def _check_length(self, name: str, shape: tuple[int, ...]) -> None:
        if shape[:1] != (self._num_edges,):
            raise ValueError(
                f"{name} must have one entry for each of the {self._num_edges} edges, got shape {list(shape)}"
            )

    def _following(self, stored: Any, num_nodes: int) -> set[str]:
        """Names of the arrays that follow the edges."""
        found = {self._weight} if self._weight else set()
        for name in stored.files:
            if name == "edge_index":
                continue
            array = stored[name]
            if not isinstance(array, np.ndarray):
                raise ValueError(f"its member {name!r} is no array; an .npz file holds .npy files only")
            if array.ndim == 0 or name == self._weight:
                continue
            fits = fitting_levels(len(array), num_nodes, self._num_edges)
            is_text = array.dtype.kind in "US"
            if follows_edges(name, fits, stored.files, self._edge_attrs, is_text=is_text):
                found.add(name)
        return found

    def _copy(self, out: Path, rows: Rows) -> None:
        ends, stays, factors = self._follow(rows)
        arrays: dict[str, Any] = {}
        with readable(self.path), np.load(self.path, allow_pickle=False) as stored:
            following = self._following(stored, rows.num_nodes)
            for name in stored.files:
                if name == "edge_index":
                    arrays[name] = ends.T
                else:
                    arrays[name] = stored[name][stays] if name in following else _recounted(name, stored[name], stays)
        if rows.is_weighted:
            name = self._weight or _WEIGHTS[0]
            old = np.asarray(arrays.get(name, np.ones(len(factors))))
            check_weights(ends.T, old, positive=False)
            arrays[name] = old * factors.reshape(-1, *[1] * (old.ndim - 1))
        with replace_file(out) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)


def stored_names(path: Path) -> list[str]:
    """Names of the arrays in an ``.npz`` file."""
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: it is not a NumPy file, or cut short")
    with readable(path), np.load(path, allow_pickle=False) as stored:
        return list(stored.files)


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether it is stored column by column, and dtype; the numbers follow in the stream."""
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    return np.lib.format.read_array_header_2_0(stream)


def _write_header(stream: IO[bytes], dtype: np.dtype[Any], num_edges: int, *, in_rows: bool) -> None:
    """The header of edges that follow one after the other; its length is the same for every number of them."""
    shape = (num_edges, 2) if in_rows else (2, num_edges)
    facts = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": not in_rows, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, facts)


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Put the file's name before the message of an error about its content."""
    try:
        yield
    except MemoryError as error:
        raise MemoryError(f"{path}: what it claims to hold does not fit into memory: {error}") from error
    except (*DAMAGED_NPZ, AttributeError, OverflowError, struct.error) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # about the file, not about what is in it
        message = str(error)
        if "pickle" in message or "magic" in message:  # NumPy takes whatever it does not know for a pickle
            message = "it is not a NumPy file, or holds Python objects, which are never loaded"
        elif isinstance(error, (KeyError, IndexError, AttributeError, NotImplementedError)):
            message = f"it is damaged, or not what its names say: {message}"
        raise ValueError(message if message.startswith(str(path)) else f"{path}: {message}") from error


def _recounted(name: str, array: np.ndarray, stays: np.ndarray) -> np.ndarray:
    """Numbers of edges that were stored, counted again: ``num_edges``, and PyG's loaders' edges a hop; others as is."""
    if array.dtype.kind not in "iu":
        return array
    if name == "num_edges" and array.size == 1:
        return np.full_like(array, np.count_nonzero(stays))
    if name == "num_sampled_edges" and array.ndim == 1 and (array >= 0).all() and array.sum() == len(stays):
        hops = np.split(stays, np.cumsum(array)[:-1])
        return np.array([np.count_nonzero(hop) for hop in hops], dtype=array.dtype)
    return array


def _count(name: str, values: Any) -> int:
    """A number that is stored alone in an array."""
    if not isinstance(values, np.ndarray) or values.size != 1:
        raise ValueError(f"{name} must be one number, got {list(np.shape(values))} numbers")
    return check_count(name, values.reshape(-1).tolist()[0])


def refuse_columns(path: Path, options: TableOptions) -> None:
    """Raise ``TypeError`` if columns are asked for in a file that has none."""
    for argument in ("source", "target", "weight", "header"):
        if getattr(options, argument) is not None:
            raise TypeError(f"{path}: {argument} is for tables with columns (text, Parquet); leave it out")
