"""What commands say: lists, notes, errors in terms of the command line, and at the end time and memory."""

from __future__ import annotations

import contextlib
import re
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import typer


@contextlib.contextmanager
def naming(graph: Path) -> Iterator[None]:
    """Put the file's name before errors about its content, name options as they are here, and show notes as lines."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.filterwarnings("ignore", "Sparse CS[RC] tensor support is in beta")  # torch's, of any adj_t
        warnings.showwarning = _show_note
        try:
            yield
        except (ValueError, TypeError) as error:
            message = as_options(str(error))
            raise ValueError(message if message.startswith(str(graph)) else f"{graph}: {message}") from error


def _show_note(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    if issubclass(category, UserWarning):
        typer.echo(f"wis: note: {as_options(' '.join(str(message).split()))}", err=True)


# How arguments in messages are called on the command line.
_OPTIONS = (
    (r"^(keep|seed|device|executor|log|address)(?= (?:must|is) )", r"--\1"),
    (r"\bgive keep or num_edges, not both;.*", "give --keep or --num-edges, not both"),
    (r"^num_edges\b", "--num-edges"),
    (r"; a torch\.device is fine too", ""),
    (r"\bedge_attrs is for \.npz files here.*", "--edge-attrs is for .npz and .pt files"),
    (r"needs executor 'ray', got '(\w+)'", r"needs --executor ray, got --executor \1"),
    (r"Pass directed=True", "Give --directed"),
    (r"\bhomogeneous is for graphs of PyG, got .*", "--homogeneous is for .pt files of PyG"),
    (r"\bpass directed=False", "give --undirected"),
    (r"\bor directed=False", "or --undirected"),
    (r"\bheader=True\b", "--header"),
    (r"\bheader=False\b", "--no-header"),
    (r"\bmax_memory=", "--max-memory "),
    (r"\bmax_memory\b", "--max-memory"),
    (r"\bnames=True\b", "--names"),
    (r"\bby num_nodes\b", "by --num-nodes"),
    (r"\bnum_nodes=(\d+)", r"--num-nodes \1"),
    (r"\bsource= and target=", "--source and --target"),
    (r"\bformat= one of", "--format, one of"),
    (r"\bedge_attrs=\[\]", '--edge-attrs ""'),
    (r"\bedge_attrs=\['?([^\]']*)'?\]", r"--edge-attrs \1"),
)


def as_options(message: str) -> str:
    """A message of the library with its arguments called as on the command line."""
    for pattern, replacement in _OPTIONS:
        message = re.sub(pattern, replacement, message)
    return message


def print_list(entries: Iterable[tuple[str, ...]]) -> None:
    """Print names in bold, each with a first line and dim further lines beside it."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(overflow="fold", max_width=32)  # a name may be a path
    for name, first, *more in entries:
        table.add_row(Text(name, style="bold"), Text(first + "\n").append("\n".join(more) + "\n", style="dim"))
    Console().print(table)


class Meter:
    """Tells at the end of a command how long it took and how much memory it needed."""

    def __init__(self) -> None:
        from wis.machine import PeakMemory

        self._memory, self._start = PeakMemory(), time.perf_counter()
        self._laps: list[str] = []
        self._last = self._start

    def lap(self, what: str) -> None:
        """The end of a part of the work."""
        now = time.perf_counter()
        self._laps.append(f"{what} {now - self._last:.1f} s")
        self._last = now

    def say(self, what: str, more: str = "") -> None:
        """Print what was done, in how much time, part by part, and memory; ``more`` ends the line."""
        peak = self._memory.bytes()
        memory = "" if peak is None else f", peak memory {peak / 1e6:,.0f} MB"
        took = f"{self._last - self._start:.1f} s ({', '.join(self._laps)})"
        typer.echo(f"{what} in {took}{memory}{more}", err=True)
