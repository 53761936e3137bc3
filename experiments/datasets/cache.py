"""Parsed data sets as plain arrays. A file that is damaged is no data set: it is read as if it were not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from wis.experiments.datasets.splits import MASKS

from wis.files import replace_file


def write_cache(path: Path, data: Any) -> None:
    """Keep a parsed data set; its folder is made.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    import scipy.sparse

    arrays = {key: value.numpy() for key, value in data.to_dict().items()}
    features = scipy.sparse.csr_array(arrays.pop("x"))
    arrays["x_shape"] = np.array(features.shape)
    # Bag-of-words features take a fiftieth of the space when only their non-zeros are stored.
    if features.nnz * 4 < np.prod(features.shape):
        arrays |= {"x_data": features.data, "x_indices": features.indices, "x_indptr": features.indptr}
    else:
        arrays["x"] = data.x.numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replace_file(path) as temporary:
        np.savez(temporary, **arrays)


def read_cache(path: Path) -> Any:
    """Read a data set that :func:`write_cache` kept.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    ValueError
        If it cannot be read, or is damaged: nothing that indexes an array is taken unchecked.
    """
    import torch
    from torch_geometric.data import Data

    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        arrays["x"] = _features(arrays)
        _check(arrays)
    except FileNotFoundError:
        raise
    except Exception as error:  # zipfile, zlib, NumPy and SciPy have a dozen kinds for bytes that make no sense
        raise ValueError(f"{path} is damaged: {type(error).__name__}: {error}") from error
    return Data.from_dict({key: torch.from_numpy(value) for key, value in arrays.items()})


def _features(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The features, dense, out of the arrays that hold them."""
    import scipy.sparse

    rows, columns = arrays.pop("x_shape").tolist()
    if "x" not in arrays:
        parts = tuple(arrays.pop(f"x_{part}") for part in ("data", "indices", "indptr"))
        features = scipy.sparse.csr_array(parts, shape=(rows, columns))
        features.check_format(full_check=True)
        return features.toarray()
    if arrays["x"].shape != (rows, columns):
        raise ValueError("features of another shape")
    return arrays["x"]


def _check(arrays: dict[str, np.ndarray]) -> None:
    names = set(arrays)
    if not {"x", "y", "edge_index"} <= names <= {"x", "y", "edge_index", *MASKS}:
        raise ValueError(f"its arrays are {', '.join(sorted(names))}")
    num_nodes = len(arrays["x"])
    columns, labels = arrays["edge_index"], arrays["y"]
    if arrays["x"].dtype != np.float32 or labels.dtype.kind not in "if" or labels.shape != (num_nodes,):
        raise ValueError("features or labels of another type or shape")
    if columns.dtype != np.int64 or columns.ndim != 2 or len(columns) != 2:
        raise ValueError("edges of another type or shape")
    if columns.size and not 0 <= columns.min() <= columns.max() < num_nodes:
        raise ValueError("edges between vertices that are not there")
    for mask in names & set(MASKS):  # one column a split, if there are several
        if arrays[mask].dtype != bool or arrays[mask].ndim not in (1, 2) or len(arrays[mask]) != num_nodes:
            raise ValueError(f"{mask} of another type or shape")
