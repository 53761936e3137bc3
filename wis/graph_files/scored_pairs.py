"""Pairs on disk in the order of their scores."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from wis.graphs.disk_arrays import read_array
from wis.graphs.pair_files import PairFile, mark
from wis.graphs.sorted_runs import Columns, SortedRuns
from wis.registry import Method

# Bytes for a record that is merged, a score and a pair: its own, one of the range before, one in the range put
# together, its place by score, and one in what is sorted.
_RECORD_BYTES = 64


def remove_by_score(
    method: Method, pairs: PairFile, limit: int, room: int, folder: Path, *, progress: bool = False, **keywords: Any
) -> np.ndarray:
    """Remove the pairs of lowest score.

    Parameters
    ----------
    method
        A method that has :class:`~wis.registry.Scores`.
    pairs
        All pairs of the graph. The file is left open.
    limit
        Number of pairs to remove, at most ``m``.
    room
        Bytes for scores, and for what scores them beside its ``node_bytes``.
    folder
        On whose disk 16 bytes a pair go, and the ``disk_bytes`` of the scores.
    progress
        Show progress of sorting.
    **keywords
        Seed and options.

    Returns
    -------
    np.ndarray
        uint8 ``[m // 8 + 1]``: one bit a pair, set where it is removed, lowest bit first. O(m log m) time.

    Raises
    ------
    ValueError
        If the method does not score every pair once.
    """
    removed = np.zeros(pairs.num_pairs // 8 + 1, dtype=np.uint8)
    with _sorted(method, pairs, room, folder, False, keywords) as runs:
        for _, numbers in runs.merged(progress=progress):
            mark(removed, numbers[:limit])
            limit -= len(numbers[:limit])
            if limit == 0:
                break
    return removed


def keys_by_score(
    method: Method, pairs: PairFile, room: int, folder: Path, *, progress: bool = False, **keywords: Any
) -> Generator[np.ndarray, None, None]:
    """The keys ``u << 32 | v`` of all pairs, that of the lowest score first, some at a time.

    Parameters and errors are those of :func:`remove_by_score`.
    """
    with _sorted(method, pairs, room, folder, True, keywords) as runs:
        for _, keys in runs.merged(progress=progress):
            yield keys


@contextmanager
def _sorted(
    method: Method, pairs: PairFile, room: int, folder: Path, with_keys: bool, keywords: dict[str, Any]
) -> Iterator[SortedRuns]:
    """Scores, and the keys or else the positions of their pairs: both rise as pairs in canonical order do."""
    memory = room // 2
    runs = SortedRuns(folder, memory // _RECORD_BYTES, [np.float64, np.int64], _by_first)
    with closing(runs):
        at = 0
        for scores in method.score(pairs, memory=memory, folder=folder, **keywords):
            count = len(scores)
            runs.add(scores, read_array(pairs.keys, at, count) if with_keys else np.arange(at, at + count))
            at += count
        runs.end()
        yield runs


def _by_first(columns: Columns) -> Columns:
    """Sort by scores; pairs come in canonical order, and stay in it where scores are equal."""
    order = np.argsort(columns[0], kind="stable")
    return [column[order] for column in columns]
