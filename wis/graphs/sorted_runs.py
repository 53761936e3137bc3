"""Sorting on disk: runs that fit into memory are sorted and written, then merged range by range.

Samples of all runs tell ranges of records that fit into memory; each range is read from every run and sorted again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from wis.graphs.disk_arrays import read_array, temporary_file, write_array
from wis.progress import track

# Samples kept of every sorted run.
_SAMPLES = 1 << 12

Columns = list[np.ndarray]


class SortedRuns:
    """Records sorted on disk by their first column, equal ones by the next.

    Parameters
    ----------
    folder
        On whose disk the records go.
    capacity
        How many records may be in memory.
    dtypes
        Of the columns.
    sort
        Sorts records in memory, columns to columns; it may drop repeats. What it is given of several runs has those of
        an earlier run before those of a later one.
    """

    def __init__(self, folder: Path, capacity: int, dtypes: Sequence[Any], sort: Callable[[Columns], Columns]) -> None:
        self.files: list[IO[bytes]] = [temporary_file(folder) for _ in dtypes]
        """The columns of all runs, one run after the other."""
        self.lengths: list[int] = []
        """How many records every run has."""
        self._capacity, self._sort = max(capacity, 1), sort
        self._step = max(self._capacity // _SAMPLES, 1)
        # Memory never touched is never used.
        self._waiting = [np.empty(self._capacity, dtype=dtype) for dtype in dtypes]
        self._count = 0
        self._samples: list[Columns] = []

    def add(self, *columns: np.ndarray) -> None:
        """Take some more records, in any order."""
        at = 0
        while at < len(columns[0]):
            count = min(len(columns[0]) - at, self._capacity - self._count)
            for waiting, column in zip(self._waiting, columns, strict=True):
                waiting[self._count : self._count + count] = column[at : at + count]
            self._count += count
            at += count
            if self._count == self._capacity:
                self._end_run()

    def end(self) -> None:
        """No more records come: the last run is written, and memory given back."""
        self._end_run()
        self._waiting = []

    def merged(self, *, progress: bool = False) -> Iterator[Columns]:
        """All records in order, a range at a time; :meth:`end` comes first."""
        starts, places = np.cumsum([0, *self.lengths]), [0] * len(self.lengths)
        with track(sum(self.lengths), "sorting", enabled=progress) as advance:
            for last in self._ends_of_ranges():
                before = sum(places)
                yield self._sort(self._range(starts, places, last))
                advance(sum(places) - before)

    def close(self) -> None:
        """Give the disk back."""
        for file in self.files:
            file.close()

    def _end_run(self) -> None:
        run = self._sort([column[: self._count] for column in self._waiting])
        self._count = 0
        for file, column in zip(self.files, run, strict=True):
            write_array(file, column)
        self.lengths.append(len(run[0]))
        self._samples.append([column[:: self._step].copy() for column in run])

    def _range(self, starts: np.ndarray, places: list[int], last: tuple[Any, ...] | None) -> Columns:
        """What comes next in every run up to ``last``, or all of it; the places move on."""
        parts: list[Columns] = []
        for i, samples in enumerate(self._samples):
            end = self.lengths[i]
            if last is not None:  # what comes at or after the first sample above `last` is above it too
                end = min(_up_to(samples, last) * self._step, end)
            count, start = end - places[i], int(starts[i]) + places[i]
            part = [
                read_array(file, start, count, column.dtype) for file, column in zip(self.files, samples, strict=True)
            ]
            count = len(part[0]) if last is None else _up_to(part, last)
            places[i] += count
            parts.append([column[:count] for column in part])
        return [np.concatenate(columns) for columns in zip(*parts, strict=True)]

    def _ends_of_ranges(self) -> list[tuple[Any, ...] | None]:
        """The last records of ranges that have room in memory, rising; None for the end of all."""
        samples = [np.concatenate(columns) for columns in zip(*self._samples, strict=True)]
        # Between two samples of a run there are `step` records, and every run may begin and end amid them.
        per_range = max(self._capacity // self._step - 2 * len(self.lengths), 1)
        order = np.lexsort(samples[::-1])[per_range - 1 :: per_range]
        return [*zip(*(column[order] for column in samples), strict=True), None]


def _up_to(columns: Columns, last: tuple[Any, ...]) -> int:
    """How many of some sorted records are not above ``last``."""
    start, end = 0, len(columns[0])
    for column, value in zip(columns, last, strict=True):
        part = column[start:end]
        start, end = start + int(np.searchsorted(part, value)), start + int(np.searchsorted(part, value, "right"))
    return end
