"""Arrays of numbers on disk, in files without a name: gone when they are closed, or when the process ends."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import IO, Any

import numpy as np


def temporary_file(folder: Path) -> IO[bytes]:
    """A file without a name on the disk of a folder."""
    return tempfile.TemporaryFile(dir=folder)


def write_array(file: IO[bytes], values: np.ndarray) -> None:
    """Append numbers to a file; unlike NumPy's own way, a full disk is told as one."""
    file.write(np.ascontiguousarray(values).data)


def read_array(file: IO[bytes], start: int, count: int, dtype: Any = np.int64) -> np.ndarray:
    """``count`` numbers of a file from the one at ``start`` on, or as many as there are."""
    values = np.empty(count, dtype=dtype)
    file.seek(start * values.itemsize)
    return values[: file.readinto(values.data) // values.itemsize]  # type: ignore[attr-defined]
