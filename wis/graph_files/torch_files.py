"""A PyG ``Data`` or an ``edge_index`` tensor in a ``.pt`` file."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

from wis.extras import needed_for
from wis.files import replace_file


def read(path: Path) -> Any:
    """Load with ``weights_only=True``; only tensors, plain values and PyG's own classes for a graph are let in."""
    with needed_for(f"reading {path}"):
        import torch
        from torch_geometric.data import Data
        from torch_geometric.data.data import DataEdgeAttr, DataTensorAttr
        from torch_geometric.data.storage import EdgeStorage, GlobalStorage, NodeStorage

    allowed = [Data, DataEdgeAttr, DataTensorAttr, EdgeStorage, GlobalStorage, NodeStorage]
    try:
        with torch.serialization.safe_globals(allowed):
            graph = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError) as error:
        named = re.search(r"Unsupported global: GLOBAL (\S+)", str(error))
        reason = f"it would load {named[1]}" if named else "it is damaged or of another kind"
        raise ValueError(
            f"{path} cannot be loaded safely; it must be a PyG Data or an edge_index tensor, saved by torch.save: "
            f"{reason}"
        ) from error
    if not isinstance(graph, (Data, torch.Tensor)):
        raise ValueError(f"{path} must hold a PyG Data or an edge_index tensor, got {type(graph).__name__}")
    return graph


def write(graph: Any, path: Path) -> None:
    """Save a PyG ``Data`` or a tensor, whole or not at all."""
    with needed_for(f"writing {path}"):
        import torch
        from torch_geometric.data import Data

    if not isinstance(graph, (Data, torch.Tensor)):
        raise TypeError(
            f"graph must be a PyG Data or an edge_index tensor to be written as .pt, got {type(graph).__name__}"
        )
    with replace_file(path) as temporary:
        torch.save(graph, temporary)
