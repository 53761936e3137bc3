"""Attributes of PyG, whatever holds them: how many entries they have, and those of the edges that stay."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence, Sized
from typing import Any

import numpy as np
import torch

from wis.graphs.torch_matrices import can_be_cut, cut, is_matrix

Path = tuple[Any, ...]  # the name of an attribute, and the keys inside of one that is a mapping

# Sized, and yet no list of entries.
_WHOLE = (str, bytes, bytearray, set, frozenset)


def attributes(store: Any) -> Iterator[tuple[Path, Any]]:
    """All attributes of a store, and the items of those that are mappings, however deep."""
    for key in store.keys():  # noqa: SIM118  iterating a Data gives pairs
        yield from _items((key,), store[key])


def _items(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if not isinstance(value, Mapping):
        yield path, value
        return
    for key, item in value.items():
        yield from _items((*path, key), item)


def dotted(path: Path) -> str:
    """What errors and ``edge_attrs`` call an attribute."""
    return ".".join(map(str, path))


def look_up(root: Any, path: Path) -> Any:
    """The value at a path."""
    for key in path:
        root = root[key]
    return root


def replaced(old: Any, path: Path, value: Any) -> Any:
    """Mappings with another value at a path; those given are not changed."""
    if not path:
        return value
    changed = copy.copy(old) if isinstance(old, dict) else dict(old)
    changed[path[0]] = replaced(old[path[0]], path[1:], value)
    return changed


def length(parent: Any, store: Any, path: Path, value: Any) -> int | None:
    """How many entries a value has of which :func:`select` takes some; None if it has none, or is of another type."""
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):  # those of a named tuple are no entries
        return len(value)
    dimension = _dimension(parent, store, path, value)
    return None if dimension is None else sizes(value)[dimension]


def measure(
    parent: Any, store: Any, path: Path, value: Any, num_edges: int, *, by_name: bool
) -> tuple[int | None, bool]:
    """How many entries a value has, None if it is no list of entries; and whether :func:`select` can take some of them.

    ``by_name`` says whether it follows the edges by its name. Then everything that has a length is looked at, and so
    are the items of a list that is shorter or longer: it may hold two tensors with an entry for each edge.
    """
    found = length(parent, store, path, value)
    if isinstance(value, (list, tuple)):
        if by_name and found != num_edges and any(_is_array(item) and sizes(item)[:1] == [num_edges] for item in value):
            return num_edges, False
        return len(value), found is not None
    if found is not None:
        return found, True
    if _is_array(value) and not _is_nested(value) and not (by_name and is_matrix(value)):
        return None, True  # of the whole graph, as PyG stacks it, or a matrix of vertices
    if not by_name and not isinstance(value, Sequence) and not isinstance(getattr(value, "shape", None), tuple):
        return None, True  # an object with a length by chance
    return next(iter(sizes(value)), None), False


def sizes(value: Any) -> list[int]:
    """The sizes of an array, a tensor or a matrix; of something else and of a nested tensor the length; else none."""
    if isinstance(value, torch.Tensor) and value.is_nested:
        return [value.size(0)]
    if is_matrix(value) and not isinstance(value, torch.Tensor):
        return list(value.sizes())
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return [int(size) for size in shape]
    return [len(value)] if isinstance(value, Sized) and not isinstance(value, _WHOLE) else []


def is_text(value: Any) -> bool:
    """Whether all entries are strings."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "US"
    return isinstance(value, (list, tuple)) and all(
        isinstance(item, str) or (isinstance(item, (list, tuple)) and is_text(item)) for item in value
    )


def select(parent: Any, store: Any, path: Path, kept: torch.Tensor, slices: Mapping[str, Any] | None = None) -> Any:
    """An attribute of the kept columns, of the type that it is of."""
    value = look_up(store, path)
    if _is_array(value) or slices is None or path[0] not in slices:
        return _select(parent, store, path, value, kept)
    ends = np.cumsum([length(parent, store, path, part) for part in value])
    of_graphs = np.split(kept.cpu().numpy(), ends[:-1])
    return type(value)(
        [
            _select(parent, store, path, part, torch.from_numpy(stays))
            for part, stays in zip(value, of_graphs, strict=True)
        ]
    )


def _select(parent: Any, store: Any, path: Path, value: Any, kept: torch.Tensor) -> Any:
    dimension = _dimension(parent, store, path, value) or 0
    if is_matrix(value):
        return cut(value, kept, dimension)
    if isinstance(value, torch.Tensor):
        return value[(slice(None),) * dimension + (kept.to(value.device),)]
    if isinstance(value, np.ndarray):
        return np.compress(kept.cpu().numpy(), value, axis=dimension)
    return type(value)([item for item, stays in zip(value, kept.tolist(), strict=True) if stays])


def _dimension(parent: Any, store: Any, path: Path, value: Any) -> int | None:
    """Along which dimension the entries of an array or tensor lie; None if there is no such thing."""
    if not _is_array(value) or _is_nested(value) or not sizes(value):
        return None
    dimension = parent.__cat_dim__(str(path[-1]), value, store)
    if not isinstance(dimension, int):
        return None
    dimension %= len(sizes(value))
    return dimension if not is_matrix(value) or can_be_cut(value, dimension) else None


def _is_array(value: Any) -> bool:
    return isinstance(value, (torch.Tensor, np.ndarray)) or is_matrix(value)


def _is_nested(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.is_nested


def kind_of(value: Any) -> str:
    """What errors call the type of a value."""
    if not isinstance(value, torch.Tensor):
        return type(value).__name__
    return "nested tensor" if value.is_nested else f"{value.layout} tensor"
