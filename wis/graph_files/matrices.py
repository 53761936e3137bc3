"""SciPy sparse matrices in ``.npz`` files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wis.files import replace_file
from wis.graph_files.array_tables import readable
from wis.graphs.scipy_matrices import checked

# Forms that SciPy stores.
_STORED = ("coo", "csr", "csc", "bsr", "dia")


def read(path: Path) -> Any:
    """Read a matrix that ``scipy.sparse.save_npz`` wrote, and check its index arrays."""
    import scipy.sparse

    with readable(path):
        matrix = scipy.sparse.load_npz(path)
        if matrix.dtype.kind not in "biufc":
            raise ValueError(f"its entries must be numbers, got {matrix.dtype}")
        return checked(matrix)


def write(graph: Any, path: Path) -> None:
    """Write a sparse matrix, whole or not at all; its format (CSR, COO, …) stays."""
    import scipy.sparse

    if not scipy.sparse.issparse(graph):
        raise TypeError(f"graph must be a SciPy sparse matrix to be written as .npz, got {type(graph).__name__}")
    if graph.format not in _STORED:
        raise TypeError(
            f"graph is a matrix in the form {graph.format!r}, and an .npz file holds {', '.join(_STORED)}; write "
            "graph.tocsr()"
        )
    with replace_file(path) as temporary, temporary.open("wb") as file:  # a suffix would be added to a path
        scipy.sparse.save_npz(file, graph)
