"""Matrix Market files: a sparse matrix with its field and symmetry, by SciPy."""

from __future__ import annotations

import contextlib
import gzip
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from wis.files import replace_file
from wis.graph_files.array_tables import readable
from wis.graphs import scipy_matrices
from wis.graphs.edge_list import LoadedGraph

# Two digits, a blank and the end of the line: the shortest line of an entry.
_SHORTEST_ENTRY = 4


@dataclass(frozen=True, eq=False)
class MarketMatrix:
    """A matrix from a Matrix Market file, as a graph.

    Attributes
    ----------
    matrix
        SciPy sparse matrix in COO form, both halves of a symmetric one.
    field
        ``"pattern"``, ``"integer"``, ``"real"`` or ``"complex"``: what the values are.
    symmetry
        ``"general"``, ``"symmetric"``, ``"skew-symmetric"`` or ``"hermitian"``: which half the file holds.
    comment
        The lines of the comment at its beginning, without their ``%``.
    """

    matrix: Any
    field: str
    symmetry: str
    comment: str = ""

    def load_pairs(self, num_nodes: int | None = None, directed: bool | None = None) -> LoadedGraph:
        """Read the pairs; this makes the matrix a graph for :func:`wis.graphs.load.load_graph`.

        Raises
        ------
        ValueError
            As for SciPy matrices: if it is not square, or not symmetric though ``directed`` is None.
        """
        loaded = scipy_matrices.load(self.matrix, num_nodes, directed)
        weights = None if self.field == "pattern" else loaded.column_weights

        def rebuild(kept: np.ndarray, factors: np.ndarray | None) -> MarketMatrix:
            field = self.field if factors is None or self.field == "complex" else "real"
            # Of a directed graph one half of a symmetric matrix may go without the other.
            symmetry = self.symmetry if not loaded.edges.directed else "general"
            return MarketMatrix(loaded.rebuild(kept, factors), field, symmetry, self.comment)

        return replace(loaded, rebuild=rebuild, column_weights=weights)


def read(path: Path) -> MarketMatrix:
    """Read a ``.mtx`` file, packed with gzip or not."""
    import scipy.io

    with readable(path):
        with _source(path) as source:
            rows, cols, entries, layout, field, symmetry = scipy.io.mminfo(source)
        if layout != "coordinate":
            raise ValueError(f"it holds a dense matrix ({layout}); expected a sparse one, in coordinate form")
        if not _is_packed(path) and entries * _SHORTEST_ENTRY > path.stat().st_size:
            raise ValueError(f"it claims {entries} entries in {rows} rows and {cols} columns, and is cut short")
        with _source(path) as source:
            matrix = scipy.io.mmread(source).tocoo()
        return MarketMatrix(matrix, field, symmetry, _comment(path))


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _source(path: Path) -> contextlib.AbstractContextManager[Any]:
    """What SciPy reads: of a packed file the text in it, as SciPy knows only ``.gz`` in lower case, else the path."""
    return gzip.open(path, "rb") if _is_packed(path) else contextlib.nullcontext(path)


def _comment(path: Path) -> str:
    """The comment between the first line and the sizes."""
    with gzip.open(path, "rb") if _is_packed(path) else path.open("rb") as file:
        file.readline()
        lines = []
        while (line := file.readline()).startswith(b"%") or (line and not line.strip()):
            lines.append(line.decode(errors="replace").rstrip("\r\n").removeprefix("%"))
    return "\n".join(lines)


def write(graph: Any, path: Path) -> None:
    """Write a matrix in the form that it was read in; a SciPy matrix as a general one, whole or not at all."""
    import scipy.io
    import scipy.sparse

    if scipy.sparse.issparse(graph):
        graph = MarketMatrix(graph, field=None, symmetry="general")  # type: ignore[arg-type]  # by its dtype
    if not isinstance(graph, MarketMatrix):
        raise TypeError(f"graph must be a SciPy sparse matrix to be written as .mtx, got {type(graph).__name__}")
    with replace_file(path) as temporary, temporary.open("wb") as file:
        packed = _is_packed(path)
        stream = gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) if packed else file
        scipy.io.mmwrite(stream, graph.matrix, comment=graph.comment, field=graph.field, symmetry=graph.symmetry)
        if packed:
            stream.close()
