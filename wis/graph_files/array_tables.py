"""Edge lists as NumPy arrays: an ``edge_index`` in an ``.npy``, or in an ``.npz`` with other arrays.

The two rows of an ``edge_index`` lie one after the other in its file, so that blocks of edges are read in two places.
"""

from __future__ import annotations

import abc
import contextlib
import os
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from wis.checks import check_count
from wis.files import replace_file
from wis.graph_files.edge_tables import Block, EdgeTable, LoadedTable, Rows
from wis.graphs.edge_list import check_columns
from wis.progress import track

_BLOCK_ROWS = 1 << 18


class _ArrayTable(EdgeTable):
    """An array of integers, ``[2, E]`` or ``[E, 2]``, that is never in memory as a whole."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with readable(path), self._open() as stream:
            self._shape, by_columns, self._dtype = _read_header(stream)
        if self._dtype.kind not in "iu":
            raise ValueError(f"{path}: the edges must have an integer dtype, got {self._dtype}")
        if len(self._shape) != 2 or 2 not in self._shape:
            raise ValueError(f"{path} must hold an array of shape [2, E] or [E, 2], got {list(self._shape)}")
        self._in_rows = self._shape[0] != 2
        self._num_edges = self._shape[0 if self._in_rows else 1]
        self._ends_apart = self._in_rows == by_columns

    @abc.abstractmethod
    def _open(self) -> contextlib.AbstractContextManager[IO[bytes]]:
        """The stored array, header first."""

    def _blocks(self, what: str) -> Iterator[Block]:
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
                yield Block(tail, head, start)
                advance(count)

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
            stay, factor = rows.look_up(block.tail, block.head)
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

    def _copy(self, out: Path, rows: Rows) -> None:
        if rows.is_weighted:
            raise TypeError(f"{self.path}: this method returns edge weights, which an .npy file cannot carry; use .npz")
        ends, _, _ = self._follow(rows)
        with replace_file(out) as temporary:
            np.save(temporary, ends if self._in_rows else ends.T, allow_pickle=False)


def write_npy(graph: Any, path: Path) -> None:
    """Write an ``edge_index``, integer ``[2, E]``, whole or not at all."""
    if not isinstance(graph, np.ndarray):
        raise TypeError(f"graph must be a NumPy edge_index to be written as .npy, got {type(graph).__name__}")
    check_columns(graph, None, "graph (an edge_index)")
    with replace_file(path) as temporary:
        np.save(temporary, graph, allow_pickle=False)


class NpzTable(_ArrayTable):
    """An array ``edge_index`` ``[2, E]`` in an ``.npz`` file; ``edge_…`` arrays with ``E`` entries follow it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        if self._in_rows:
            raise ValueError(f"{path}: edge_index must have shape [2, E], got {list(self._shape)}")
        with readable(path), np.load(path, allow_pickle=False) as stored:
            if "num_nodes" in stored.files:
                self._num_nodes = check_count("num_nodes", stored["num_nodes"].reshape(-1).tolist()[0])

    @contextlib.contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        with zipfile.ZipFile(self.path) as archive, archive.open("edge_index.npy") as stream:
            yield stream

    def load_pairs(self, num_nodes: int | None = None, directed: bool | None = None) -> LoadedTable:
        """Read the pairs, after a look at the weights and attributes."""
        with readable(self.path), np.load(self.path, allow_pickle=False) as stored:
            for name in {"edge_weight", "edge_attr"} & set(stored.files):
                self._check_attribute(name, stored[name])
        return super().load_pairs(num_nodes, directed)

    def _check_attribute(self, name: str, values: np.ndarray) -> None:
        if values.shape[:1] != (self._num_edges,):
            raise ValueError(
                f"{name} must have one entry for each of the {self._num_edges} edges, got shape {list(values.shape)}"
            )
        if name == "edge_weight" and values.dtype.kind == "f" and np.isnan(values).any():
            raise ValueError(f"{name} is NaN at position {int(np.isnan(values).argmax())}")

    def _copy(self, out: Path, rows: Rows) -> None:
        ends, stays, factors = self._follow(rows)
        arrays: dict[str, Any] = {}
        with readable(self.path), np.load(self.path, allow_pickle=False) as stored:
            for name in stored.files:
                array = ends.T if name == "edge_index" else stored[name]
                follows = name.startswith("edge_") and array.ndim and len(array) == self._num_edges
                arrays[name] = array[stays] if follows and name != "edge_index" else array
        if rows.is_weighted:
            arrays["edge_weight"] = arrays.get("edge_weight", 1.0) * factors
        with replace_file(out) as temporary:
            np.savez_compressed(temporary, **arrays)


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


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Put the file's name before the message of an error about its content."""
    try:
        yield
    except (ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        message = str(error)
        if "pickle" in message or "magic" in message:  # NumPy takes whatever it does not know for a pickle
            message = "it is not a NumPy file, or holds Python objects, which are never loaded"
        raise ValueError(f"{path}: {message}") from error
