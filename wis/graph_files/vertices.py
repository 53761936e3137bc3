"""How the vertices of a table are numbered: by themselves, or in the order of their names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

_INTEGER = re.compile(rb"[+-]?\d+")


class Vertices:
    """Numbers of vertices.

    Parameters
    ----------
    named
        Whether they are names: bytes in an Arrow array, or integers that are too large for numbers from 0.
    bipartite
        Whether the two columns have vertices of their own. Those of the second are numbered after those of the first.
    """

    def __init__(self, *, named: bool, bipartite: bool) -> None:
        self.named = named
        self.bipartite = bipartite
        self._tails = _Names()
        self._heads = _Names() if bipartite else self._tails
        self._num_tails = 0
        self._is_known = not (named or bipartite)

    @property
    def num_nodes(self) -> int | None:
        """How many names there are; None if vertices are numbers."""
        return len(self._tails) + (len(self._heads) if self.bipartite else 0) if self.named else None

    @property
    def labels(self) -> list[str] | None:
        """The names in the order of their numbers; None if vertices are numbers, or those of two sides."""
        return self._tails.labels() if self.named and not self.bipartite else None

    def learn(self, ends: Iterable[tuple[Any, Any]]) -> None:
        """Look at all rows, once, before vertices can be numbered; nothing to do if they number themselves."""
        if self._is_known:
            return
        for tail, head in ends:
            if not self.named:
                self._num_tails = max(self._num_tails, int(tail.max()) + 1 if len(tail) else 0)
                continue
            self._tails.add(tail)
            self._heads.add(head)
        if self.named:
            self._tails.sort()
            self._heads.sort()
            self._num_tails = len(self._tails)
        self._is_known = True

    def number(self, tail: Any, head: Any) -> tuple[np.ndarray, np.ndarray]:
        """The vertices of some rows: int64 ``[rows]`` each. Raises ``KeyError`` at a name that was not there before."""
        if self.named:
            tail, head = self._tails.number(tail), self._heads.number(head)
        if not self.bipartite:
            return _as_signed(tail), _as_signed(head)
        return _as_signed(tail), head.astype(np.int64) + self._num_tails

    def refuse_negative(self, where: str) -> None:
        """Raise ``ValueError`` if a name is a negative number, which no vertex has among numbers."""
        for name in (*self._tails.labels(), *self._heads.labels()):
            if re.fullmatch(r"-\d+", name):
                raise ValueError(f"{where}: vertex {name} is out of range; vertices are numbered from 0")


class _Names:
    """Names and their numbers."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, values: Any) -> None:
        for name in _distinct(values)[0]:
            self._numbers.setdefault(name, len(self._numbers))

    def sort(self) -> None:
        """In the order of the alphabet; integers in their own order."""
        names = list(self._numbers)
        are_integers = all(isinstance(name, int) or _INTEGER.fullmatch(name) for name in names)
        names.sort(key=(lambda name: (int(name), name)) if are_integers else None)
        self._numbers = {name: number for number, name in enumerate(names)}

    def number(self, values: Any) -> np.ndarray:
        names, positions = _distinct(values)
        return np.array([self._numbers[name] for name in names], dtype=np.int64)[positions]

    def labels(self) -> list[str]:
        return [
            name.decode(errors="surrogateescape") if isinstance(name, bytes) else str(name) for name in self._numbers
        ]


def _as_signed(numbers: np.ndarray) -> np.ndarray:
    """NumPy compares uint64 and int64 as floating point numbers."""
    return numbers.astype(np.int64) if numbers.dtype == np.uint64 else numbers


def _distinct(values: Any) -> tuple[list[Any], np.ndarray]:
    """The different values, and the position of each among them."""
    if isinstance(values, np.ndarray):
        numbers, positions = np.unique(values, return_inverse=True)
        return numbers.tolist(), positions
    encoded = values.dictionary_encode()
    names = [name.strip() for name in encoded.dictionary.to_pylist()]  # blanks around a name are no part of it
    return names, encoded.indices.to_numpy(zero_copy_only=False)
