"""Graphs of PyG and tensors in ``.pt`` files, loaded without a free pickle."""

from __future__ import annotations

import collections
import contextlib
import pickle
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wis.extras import needed_for
from wis.files import replace_file

_HELD = (
    "a PyG Data, HeteroData, TemporalData or Batch, a list of them, what a PyG data set keeps in processed/, "
    "a dict with an edge_index, or an edge_index tensor"
)


def read(path: Path) -> Any:
    """Load with ``weights_only=True``: only tensors, plain values, arrays and PyG's own classes for graphs are let in.

    Returns
    -------
    Data, HeteroData, TemporalData, Batch, list of these, or torch.Tensor
        A dict of tensors is a ``Data``; what a data set of PyG keeps in ``processed/`` a ``Data`` or a list.

    Raises
    ------
    ValueError
        If the file would load anything else, or holds no graph.
    """
    with needed_for(f"reading {path}"):
        import torch
        from torch_geometric.data import Data, HeteroData, TemporalData

    try:
        with _only_these_allowed():
            stored = torch.load(path, map_location="cpu", weights_only=True)
    except (
        pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError, TypeError, AttributeError, IndexError,
    ) as error:  # fmt: skip
        named = re.search(r"Unsupported global: GLOBAL (\S+)", str(error))
        reason = f"it would load {named[1]}" if named else "it is damaged or of another kind"
        raise ValueError(
            f"{path} cannot be loaded safely; it must hold {_HELD}, saved by torch.save: {reason}"
        ) from error
    try:
        graph = _as_graph(stored)
    except Exception as error:  # slices that do not fit, which PyG follows wherever they lead
        raise ValueError(f"{path} must hold {_HELD}; it is damaged: {error}") from error
    parts = graph if isinstance(graph, list) else [graph]
    for part in parts:
        if isinstance(part, (Data, HeteroData, TemporalData)):
            _drop_caches(part)
        elif not isinstance(graph, torch.Tensor):
            raise ValueError(f"{path} must hold {_HELD}, got {type(stored).__name__}")
    if isinstance(graph, list) and not graph:
        raise ValueError(f"{path} must hold {_HELD}, got an empty list")
    return graph


def write(graph: Any, path: Path) -> None:
    """Save a graph of PyG, a list of them or a tensor, whole or not at all."""
    with needed_for(f"writing {path}"):
        import torch
        from torch_geometric.data import Data, HeteroData, TemporalData

    parts = graph if isinstance(graph, (list, tuple)) and graph else [graph]
    if not isinstance(graph, torch.Tensor) and not all(
        isinstance(part, (Data, HeteroData, TemporalData)) for part in parts
    ):
        raise TypeError(
            f"graph must be a PyG Data or an edge_index tensor to be written as .pt, got {type(graph).__name__}"
        )
    with replace_file(path) as temporary:
        torch.save(graph, temporary)


@contextlib.contextmanager
def _only_these_allowed() -> Iterator[None]:
    """While the block runs, a file may name what :func:`_allowed` lists; afterwards what it could before."""
    from torch.serialization import add_safe_globals, clear_safe_globals, get_safe_globals

    before = get_safe_globals()
    allowed = [*(one for one in before if one is not collections.defaultdict), *_allowed()]
    try:
        clear_safe_globals()
        add_safe_globals(allowed)
        yield
    finally:
        clear_safe_globals()
        add_safe_globals(before)


def _allowed() -> list[Any]:
    """What a file may name: PyG's classes for graphs, NumPy's for arrays, and stand-ins where PyG builds objects."""
    import numpy as np
    from torch_geometric.data import Batch, Data, HeteroData, TemporalData, data, storage

    classes = [Data, HeteroData, TemporalData, Batch, data.DataEdgeAttr, data.DataTensorAttr]
    stores = [storage.BaseStorage, storage.NodeStorage, storage.EdgeStorage, storage.GlobalStorage, storage.AttrType]
    # PyG makes a class for batches of each kind of graph when it is first needed.
    batches: list[Any] = [type(Batch(_base_cls=kind)) for kind in (Data, HeteroData)]
    array: Any = np.empty(0).__reduce__()[0]
    scalar: Any = np.float64(0).__reduce__()[0]
    dtypes: list[Any] = [np.dtype, *{type(np.dtype(kind)) for kind in np.sctypeDict.values()}]
    arrays = [
        np.ndarray,
        *((f, f"numpy.{c}.multiarray.{f.__name__}") for f in (array, scalar) for c in ("_core", "core")),
    ]
    return [
        *classes,
        *stores,
        *batches,
        *arrays,
        *dtypes,
        _make_batch,
        (_Batches, "torch_geometric.data.batch.DynamicInheritanceGetter"),
        (_empty_dict, "collections.defaultdict"),
    ]


def _empty_dict(_: Any = None) -> dict[Any, Any]:
    """Stands for the ``defaultdict`` of PyG's cache, which the unpickler does not fill; the cache is dropped."""
    return {}


class _Batches:
    """Stands for the object by which PyG makes an empty batch; the unpickler calls functions only."""

    def __new__(cls) -> Any:
        return _make_batch


def _make_batch(cls: type, base: type) -> Any:
    from torch_geometric.data import Batch, Data, HeteroData

    if cls is not Batch and not issubclass(cls, Batch):
        raise pickle.UnpicklingError("a batch of another class")
    kind = next((kind for kind in (HeteroData, Data) if issubclass(base, kind)), None)
    if kind is None:
        raise pickle.UnpicklingError("a batch of other graphs")
    return Batch(_base_cls=kind)


def _drop_caches(graph: Any) -> None:
    """Drop what PyG remembers of attributes; it is found again when needed."""
    for store in getattr(graph, "stores", ()):
        vars(store).pop("_cached_attr", None)


def _as_graph(stored: Any) -> Any:
    """What is held, as graphs."""
    from torch_geometric.data import Data, HeteroData, TemporalData

    kinds = {kind.__name__: kind for kind in (Data, HeteroData, TemporalData)}
    if isinstance(stored, tuple) and len(stored) in (2, 3, 4):
        data, slices, *kind = stored
        return _separate(data, slices, kind[0] if kind and kind[0] in kinds.values() else Data)
    if isinstance(stored, Mapping) and "edge_index" in stored:
        return Data.from_dict(dict(stored))
    return stored


def _separate(data: Any, slices: Any, kind: Any) -> Any:
    """The graphs of a data set, which PyG keeps as one with slices."""
    from torch_geometric.data.separate import separate

    graph = kind.from_dict(data) if isinstance(data, dict) else data
    if not slices:
        return graph
    starts = next(iter(slices.values()))
    while isinstance(starts, Mapping):  # of a store, and of an attribute that is one
        starts = next(iter(starts.values()))
    return [separate(type(graph), graph, i, slices, decrement=False) for i in range(len(starts) - 1)]
