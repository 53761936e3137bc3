"""Which columns of a table hold the ends of its edges, and which one the weight."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wis.graphs.tables import find_ends, find_weight
from wis.notices import tell

# Names of a first column that counts rows, as pandas writes its index, and of columns that are about an edge.
_COUNTERS = re.compile(r"|id|index|row|unnamed: 0|edge_?id|__index_level_\d+__", re.IGNORECASE)
_ABOUT_EDGES = re.compile(r"(rating|score|value|sign|count|label|type|kind|time|timestamp|date|year)s?", re.IGNORECASE)
_FEWEST_COUNTED = 5


@dataclass(frozen=True)
class TableOptions:
    """How a table is to be read, where it does not say so itself.

    Attributes
    ----------
    source, target, weight
        Names of columns, or their numbers from 0 where there is no header.
    bipartite
        Whether the same vertex in both columns is two vertices. None: as a KONECT header says, else not.
    header
        Whether the first row of text names the columns. None: look at it.
    names
        Whether vertices are names even where they look like numbers.
    """

    source: str | int | None = None
    target: str | int | None = None
    weight: str | int | None = None
    bipartite: bool | None = None
    header: bool | None = None
    names: bool = False


@dataclass(frozen=True)
class Columns:
    """Numbers of the columns of a table, from 0; ``weight`` is None where there is none."""

    tail: int
    head: int
    weight: int | None


def choose_columns(
    path: Path, names: Sequence[str] | None, kinds: Sequence[str], options: TableOptions, *, counts_rows: bool = False
) -> Columns:
    """Find the columns of a table: those asked for, else by name, else by what they can be.

    Parameters
    ----------
    path
        The table, for messages.
    names
        Names of its columns, or None if they have none.
    kinds
        What each column holds: ``"integer"``, ``"number"`` or ``"text"``.
    options
        What is asked for.
    counts_rows
        Whether the first column looks like one that counts the rows.

    Raises
    ------
    ValueError
        If it stays open which columns hold the ends, or a column asked for is not there.
    """
    if (options.source is None) != (options.target is None):
        raise ValueError(f"{path}: pass source= and target=, or neither of them")
    weight = None if options.weight is None else _find(path, names, len(kinds), "weight", options.weight)
    if options.source is not None and options.target is not None:
        ends = tuple(
            _find(path, names, len(kinds), argument, value)
            for argument, value in (("source", options.source), ("target", options.target))
        )
    elif names is None:
        ends = _first_two(path, len(kinds), counts_rows=counts_rows)
    else:
        ends = find_ends(names) or _guess(path, names, kinds, weight)
    if ends[0] == ends[1] or weight in ends:
        twice = ends[0] if ends[0] == ends[1] else weight
        shown = twice if names is None or twice is None else repr(names[twice])
        raise ValueError(f"{path}: source, target and weight must be three columns, got column {shown} twice")
    if weight is None and names is not None:
        weight = find_weight(names)
        if weight is not None and [name.strip() for name in names].count(names[weight].strip()) > 1:
            raise ValueError(
                f"{path}: two columns are called {names[weight].strip()!r}; pass weight=, the number of one from 0, "
                "or rename the other"
            )
    return Columns(ends[0], ends[1], None if weight in ends else weight)


def _find(path: Path, names: Sequence[str] | None, width: int, argument: str, value: str | int) -> int:
    """The number of a column by its name, or by its number."""
    if names is not None and str(value) in names:
        if list(names).count(str(value)) > 1:
            raise ValueError(f"{path}: two columns are called {value!r}; rename one of them, or pass its number from 0")
        return list(names).index(str(value))
    if str(value).isdecimal() and int(value) < width:
        return int(value)
    there = f"the columns are {list(names)}" if names is not None else f"columns are numbered from 0 to {width - 1}"
    raise ValueError(f"{path}: {argument} must be a column, got {value!r}; {there}")


def _first_two(path: Path, width: int, *, counts_rows: bool) -> tuple[int, int]:
    if width > 2 and counts_rows:
        raise ValueError(
            f"{path}: the first of its {width} columns counts the rows and none has a name; pass source= and target=, "
            "the numbers of the columns with the ends of the edges, from 0"
        )
    return 0, 1


def _guess(path: Path, names: Sequence[str], kinds: Sequence[str], weight: int | None) -> tuple[int, int]:
    """The two columns that are left when all others are something else; the user is told."""
    is_counter = bool(_COUNTERS.fullmatch(names[0].strip()))
    if len(names) == 2 and not is_counter:
        return 0, 1
    other = {weight, find_weight(names)}
    left = [
        column
        for column, (name, kind) in enumerate(zip(names, kinds, strict=True))
        if kind != "number"
        and column not in other
        and not _ABOUT_EDGES.fullmatch(name.strip())
        and not (column == 0 and is_counter)
        and not name.startswith("__index_level_")
    ]
    numbered = [column for column in range(len(names)) if not (column == 0 and is_counter)]
    if [names[column] for column in numbered] == [str(i) for i in range(len(numbered))]:
        left = numbered[:2]  # pandas numbers columns without names
    if len(left) != 2:
        raise ValueError(
            f"{path}: which of the columns {list(names)} hold the ends of the edges? Pass source= and target="
        )
    tail, head = left
    tell(
        f"{path}: the ends of the edges are read from the columns {names[tail]!r} and {names[head]!r}; "
        "pass source= and target= if they are others"
    )
    return tail, head


def counts(values: Sequence[str]) -> bool:
    """Whether the first values of a column count up from 0 or 1, as the number of a row does."""
    return len(values) >= _FEWEST_COUNTED and any(
        list(values) == [str(first + i) for i in range(len(values))] for first in (0, 1)
    )
