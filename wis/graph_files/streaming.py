"""Edge tables that do not fit into memory: ranked and sparsified with the edges on disk.

A table is read once for its pairs, which are sorted on disk, each once; they are ranked in the memory that is allowed,
by 1-WIS in bands, by methods that score each pair in sorted runs; and the table is read twice more, once to find the
pair of every row and once to copy the rows that stay. What stays in memory beside is some bytes a vertex and two bits
an edge.
"""

from __future__ import annotations

import errno
import logging
import math
import shutil
import zipfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from wis.budget import pairs_to_keep
from wis.engine.degrees.bands import NODE_BYTES, remove_in_bands
from wis.files import replace_file
from wis.graph_files.array_tables import NpyTable
from wis.graph_files.edge_tables import EdgeTable, Rows, TooLargeError
from wis.graph_files.parquet_tables import ParquetTable
from wis.graph_files.scored_pairs import keys_by_score, remove_by_score
from wis.graphs.disk_arrays import write_array
from wis.graphs.pair_files import PairFile, collect_pairs, heads, tails
from wis.order import order_header
from wis.registry import SHARED_OPTIONS, Method, format_method, methods, own_options

# The method that is ranked in bands, and with which option; all others must have their defaults.
_1WIS, _DEPTH = "wis", {"depth": 2}

# Bytes of Python, its libraries, compiled code, and the blocks that are read and written.
_BASE_BYTES = 420 << 20

# The least that a band or a run has to have, so that there are not very many; of runs also, of bytes for a pair.
_LEAST_ROOM, _LEAST_PAIR_BYTES = 32 << 20, 1 / 2

# Bytes on disk for a row: sorted runs while they are merged, or all pairs and those that are left; all pairs and their
# scores; and the order.
_BANDS_BYTES, _SCORES_BYTES, _ORDER_BYTES = 20, 24, 16

# Bytes in memory for a row whose pair is looked up: its key, sorted and not, its place, and the answer.
_ROW_BYTES = 36
_LEAST_ROWS = 1 << 20
_BLOCK_PAIRS = 1 << 20

_log = logging.getLogger("wis")


def check_streams(table: Any, method: Method, options: Mapping[str, Any], *, directed: bool, device: str) -> None:
    """Check that a graph can be ranked with its edges on disk.

    Raises
    ------
    ValueError
        If the file, the method or an option needs all edges in memory; the message says what does not.
    """
    if not isinstance(table, NpyTable | ParquetTable):
        raise ValueError("max_memory is for .npy and .parquet files; write the edges as one of these, or leave it out")
    if table.is_named:
        raise ValueError("max_memory is for vertices that are numbers from 0: all names are in memory; leave it out")
    if not _method_streams(method, options):
        names = ", ".join(record.name for record in methods() if record.scores is not None)
        raise ValueError(
            f"max_memory is for the methods wis:depth=2 (1-WIS, ties by canonical order), {names} only, without "
            f"keep_connected, got {format_method(method.name, options)}: others need all edges in memory; leave "
            "max_memory out"
        )
    if method.reads_weights and table.is_weighted:
        raise ValueError(
            f"max_memory is for method {method.name!r} on graphs without weights, which it reads: those of all edges "
            "are in memory; leave max_memory out"
        )
    if directed:
        raise ValueError("max_memory is for undirected graphs; leave directed or max_memory out")
    if device == "cuda":
        raise ValueError("max_memory is for the CPU; leave device out")


def _method_streams(method: Method, options: Mapping[str, Any]) -> bool:
    if method.name == _1WIS:
        defaults = {**method.options, **SHARED_OPTIONS}
        return {**defaults, **options} == {**defaults, **_DEPTH}
    return method.scores is not None and not any(options.get(name) for name in SHARED_OPTIONS)


def sparsify_table(
    table: NpyTable | ParquetTable,
    out: Path,
    memory: int,
    method: Method,
    options: Mapping[str, Any],
    *,
    seed: int | None = None,
    keep: float | None = None,
    num_edges: int | None = None,
    num_nodes: int | None = None,
    lap: Callable[[str], None] = lambda _: None,
) -> tuple[int, int]:
    """Keep the rows of some pairs, as :func:`wis.sparsify` does; the file is the same.

    Parameters
    ----------
    table, method, options
        The table, the method and its options; :func:`check_streams` must have let them through.
    out
        The file to write, of the same format, all or nothing.
    memory
        Bytes to stay below.
    seed, keep, num_edges, num_nodes
        As in :func:`wis.sparsify`.
    lap
        Called at the end of each part of the work with its name.

    Returns
    -------
    tuple
        How many pairs were kept, and of how many.

    Raises
    ------
    ValueError
        If the table is no graph with vertices from 0 to 2**31 - 2, or ``memory`` is too little for it.
    OSError
        If there is no room on the disk of ``out``, where the pairs are kept meanwhile.
    """
    _check_disk(table, out, table.path.stat().st_size + _disk_bytes(method) * table.num_rows, memory)
    with _pairs_of(table, num_nodes, out.parent, memory) as pairs:
        lap("reading")
        num_keep = pairs_to_keep(pairs.num_pairs, keep, num_edges)
        room = _room(table, pairs, memory, method)
        limit = pairs.num_pairs - num_keep
        if method.scores is None:
            removed = remove_in_bands(pairs, limit, room, out.parent, progress=True)
        else:
            removed = remove_by_score(
                method, pairs, limit, room, out.parent, progress=True, seed=seed, **own_options(options)
            )
        lap("choosing")
        capacity = max((room - table.num_rows // 8) // _ROW_BYTES, _LEAST_ROWS) & ~7
        stays = _rows_that_stay(table, num_nodes, pairs, removed, capacity)
    table.write_rows(out, _StoredRows(table.path, pairs.num_nodes, stays))
    lap("writing")
    return num_keep, pairs.num_pairs


def rank_table(
    table: NpyTable | ParquetTable,
    out: Path,
    memory: int,
    method: Method,
    options: Mapping[str, Any],
    *,
    seed: int | None = None,
    num_nodes: int | None = None,
    lap: Callable[[str], None] = lambda _: None,
) -> int:
    """Rank all pairs, and write what :meth:`wis.RemovalOrder.save` writes, byte by byte.

    Parameters
    ----------
    table, memory, method, options, seed, num_nodes, lap
        As in :func:`sparsify_table`.
    out
        The ``.npz`` file to write, all or nothing.

    Returns
    -------
    int
        How many pairs there are.

    Raises
    ------
    ValueError, OSError
        As :func:`sparsify_table`.
    """
    _check_disk(table, out, (_disk_bytes(method) + _ORDER_BYTES) * table.num_rows, memory)
    with _pairs_of(table, num_nodes, out.parent, memory) as pairs:
        lap("reading")
        room = _room(table, pairs, memory, method)
        with replace_file(out) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            with archive.open("edges.npy", "w", force_zip64=True) as file:
                _write_header(file, pairs.num_pairs)
                if method.scores is None:
                    remove_in_bands(
                        pairs,
                        pairs.num_pairs,
                        room,
                        out.parent,
                        taken=lambda keys, _: _write_pairs(file, keys),
                        progress=True,
                    )
                else:
                    ranked = keys_by_score(
                        method, pairs, room, out.parent, progress=True, seed=seed, **own_options(options)
                    )
                    with closing(ranked):
                        for keys in ranked:
                            _write_pairs(file, keys)
            lap("ranking")
            header = order_header(
                num_nodes=pairs.num_nodes,
                directed=False,
                method=method.name,
                options=dict(options),
                seed=seed,
                fingerprint=pairs.fingerprint(),
                labels=None,
            )
            with archive.open("header.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.array(header), allow_pickle=False)
    lap("writing")
    return pairs.num_pairs


def _disk_bytes(method: Method) -> int:
    """Bytes on disk for a row."""
    return _BANDS_BYTES if method.scores is None else _SCORES_BYTES + method.scores.disk_bytes


def _check_disk(table: NpyTable | ParquetTable, out: Path, need: int, memory: int) -> None:
    """Say what memory and disk it takes, and raise ``OSError`` if the disk has less."""
    free = shutil.disk_usage(out.parent).free
    what = f"{table.path}: {table.num_rows:,} rows, with up to {_size(need)} of disk in {out.parent.resolve()}"
    _log.info("%s and below %s of memory", what, _size(memory))
    if need > free:
        raise OSError(errno.ENOSPC, f"{what}, where {_size(free)} are free", str(out))


def _size(count: float) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def _room(table: EdgeTable, pairs: PairFile, memory: int, method: Method) -> int:
    """Bytes that are left for the edges of a band, or for scores."""
    node_bytes, least = NODE_BYTES, _LEAST_ROOM
    if method.scores is not None:
        node_bytes, least = method.scores.node_bytes, max(least, int(_LEAST_PAIR_BYTES * pairs.num_pairs))
    rest = _BASE_BYTES + node_bytes * pairs.num_nodes + pairs.num_pairs // 8
    if memory - rest < least:
        raise ValueError(
            f"max_memory={memory} is too little for the {pairs.num_nodes:,} vertices and {pairs.num_pairs:,} edges of "
            f"{table.path} by method {method.name!r}; give at least {math.ceil((rest + least) / 2**20):,}M"
        )
    return memory - rest


@contextmanager
def _pairs_of(table: EdgeTable, num_nodes: int | None, folder: Path, memory: int) -> Iterator[PairFile]:
    """The pairs of a table, sorted on disk."""
    room = max(memory - _BASE_BYTES, _LEAST_ROOM)
    with closing(_columns(table, num_nodes)) as columns:
        pairs = collect_pairs(columns, num_nodes, folder, room, progress=True)
    with closing(pairs):
        yield pairs


def _columns(table: EdgeTable, num_nodes: int | None) -> Generator[tuple[np.ndarray, np.ndarray], None, None]:
    try:
        for block in table.checked_blocks(num_nodes):
            if max(block.tail.max(), block.head.max()) >= (1 << 31) - 1:
                raise TooLargeError(f"{table.path}: vertices must be numbered from 0 to {(1 << 31) - 2}")
            yield block.tail, block.head
    except TooLargeError as error:
        raise ValueError(f"{error}; larger numbers are names, which max_memory is not for") from error


def _rows_that_stay(
    table: EdgeTable, num_nodes: int | None, pairs: PairFile, removed: np.ndarray, capacity: int
) -> np.ndarray:
    """One bit a row: uint8, lowest bit first. As many rows as there is room for are looked up at a time."""
    bits, waiting, count = [], np.empty(capacity, dtype=np.int64), 0
    for tail, head in _columns(table, num_nodes):
        low, high = np.minimum(tail, head).astype(np.int64), np.maximum(tail, head).astype(np.int64)
        keys = np.where(low == high, -1, low << 32 | high)
        while len(keys):
            part = keys[: capacity - count]
            waiting[count : count + len(part)] = part
            count += len(part)
            keys = keys[len(part) :]
            if count == capacity:
                bits.append(np.packbits(_look_up(table, waiting, pairs, removed), bitorder="little"))
                count = 0
    bits.append(np.packbits(_look_up(table, waiting[:count], pairs, removed), bitorder="little"))
    return np.concatenate(bits)


def _look_up(table: EdgeTable, keys: np.ndarray, pairs: PairFile, removed: np.ndarray) -> np.ndarray:
    """Which of the keys are of pairs that stay, or of self-loops, which are -1: bool."""
    order = np.argsort(keys)
    keys = keys[order]
    stays = np.ones(len(keys), dtype=bool)
    start = int(np.searchsorted(keys, 0))
    for there, numbers in pairs.blocks():
        end = int(np.searchsorted(keys, there[-1], "right"))
        part = keys[start:end]
        at = np.searchsorted(there, part)
        if not np.array_equal(there[at], part):
            break
        number = numbers[at]
        stays[start:end] = removed[number >> 3] >> (number & 7).astype(np.uint8) & 1 == 0
        start = end
    if start < len(keys):
        raise ValueError(f"{table.path} was changed while it was read")
    answer = np.empty(len(keys), dtype=bool)
    answer[order] = stays
    return answer


class _StoredRows(Rows):
    """Rows whose fate is known in their order; they are asked for once, in that order."""

    def __init__(self, path: Path, num_nodes: int, stays: np.ndarray) -> None:
        self._path, self._size, self._stays, self._next = path, num_nodes, stays, 0

    @property
    def num_nodes(self) -> int:
        return self._size

    @property
    def is_weighted(self) -> bool:
        return False

    def look_up(self, tail: np.ndarray, head: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Which of the next rows stay."""
        row, self._next = self._next, self._next + len(tail)
        bits = np.unpackbits(self._stays[row // 8 : -(-self._next // 8)], bitorder="little")[row % 8 :][: len(tail)]
        if len(bits) < len(tail):
            raise ValueError(f"{self._path} was changed while it was read")
        return bits.astype(bool), None


def _write_header(file: IO[bytes], num_pairs: int) -> None:
    """The header of an array ``[2, m]`` whose columns follow one after the other, as NumPy saves chosen columns."""
    facts = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(np.int64)),
        "fortran_order": num_pairs > 1,
        "shape": (2, num_pairs),
    }
    np.lib.format.write_array_header_1_0(file, facts)


def _write_pairs(file: IO[bytes], keys: np.ndarray) -> None:
    """Columns of that array, from the keys of the pairs."""
    for start in range(0, len(keys), _BLOCK_PAIRS):
        part = keys[start : start + _BLOCK_PAIRS]
        write_array(file, np.stack([tails(part), heads(part)], axis=1))
